"""What is said of published values: how they were made, and why some stand apart from ours."""

import pandas as pd

from lanzdml.methods import in_order, method_on_paper
from lanzdml.metrics.protocols import DEFAULT, QUERY_GALLERY
from lanzdml.names import METRIC_NAMES, in_a_row, notion_on_paper, on_paper, one_line
from lanzdml.tables.markup import DASH
from lanzdml.tables.published_values import LEAVE_ONE_OUT, kind_of

MARK = "†"
"""Of a value that cannot be compared."""
LACKS = f"{DASH}‡"
"""In place of ours, where a run has no value."""
_SOURCES = {"table2": "Table 2", "appendix_table1": "Appendix Table 1"}
_KINDS = {
    LEAVE_ONE_OUT: ("leave-one-out", "every image is a query to all others"),
    QUERY_GALLERY: ("query and gallery", "queries rank the gallery only"),
}
_LIKE_THEIRS = {
    LEAVE_ONE_OUT: f"Runs with protocol: {DEFAULT} could be.",
    QUERY_GALLERY: f"Runs with protocol: {QUERY_GALLERY} could be.",
}


def how_made(block: pd.DataFrame) -> list[str]:
    """How the values of each table of a paper were made."""
    texts = []
    published = block[block["published"].notna()]
    for (source, protocol, setting), rows in published.groupby(
        ["source", "published_protocol", "setting"], sort=False
    ):
        models = [one_line(name) for name in rows["published_model"].unique() if name != "-"]
        dims = [f"{int(dim)}" for dim in sorted(rows["published_dim"].dropna().unique())]
        parts = [
            _explained(protocol),
            f"models {in_a_row(models)}" if len(models) > 1 else "".join(models),
            f"r' = {in_a_row(dims)}" if dims else "",
            one_line(setting),
        ]
        texts.append(f"{source_on_paper(source, 'Its values')}: {'; '.join(filter(None, parts))}.")
    return texts


def why_apart(theirs: pd.DataFrame, ours: pd.DataFrame) -> list[str]:
    """That protocols differ, and which one would be the paper's."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for (source, protocol), rows in theirs.groupby(["source", "published_protocol"], sort=False):
        notions = [
            notion_on_paper(*of) for of in rows[["dataset", "notion"]].drop_duplicates().to_numpy()
        ]
        same = (ours["source"] == source) & (ours["published_protocol"] == protocol)
        kinds = dict.fromkeys(_explained(kind_of(name)) for name in ours[same]["protocol"])
        here = f"ours are {in_a_row([*kinds])}" if kinds else "ours are of another one"
        alike.setdefault((protocol, in_a_row(notions), here), []).append(
            source_on_paper(source, "Its values")
        )
    return [
        f"{in_a_row(sources)} cannot be compared for {notions}: published values are "
        f"{_explained(protocol)}, {here}. So they are listed apart. "
        f"{_LIKE_THEIRS.get(protocol, 'No protocol here is theirs.')}"
        for (protocol, notions, here), sources in alike.items()
    ]


def notes(block: pd.DataFrame) -> list[str]:
    """What is to be said of published values, once for each notion."""
    noted = block[block["note"] != ""]
    lines = []
    for (dataset, notion, note), rows in noted.groupby(["dataset", "notion", "note"], sort=False):
        methods = ", ".join(map(method_on_paper, in_order(rows["method"])))
        # What stands apart says so above its table.
        apart = (rows["protocol"] == "").all()
        mark = "" if apart or rows["comparable"].all() else f"{MARK} cannot be compared, "
        lines.append(f"{mark}{notion_on_paper(dataset, notion)}, {methods}: {note}")
    lacking = block[lacks_ours(block) & (block["reason"] != "")]
    for (dataset, notion, reason), rows in lacking.groupby(
        ["dataset", "notion", "reason"], sort=False
    ):
        metrics = ", ".join(METRIC_NAMES[name] for name in rows["metric"].unique())
        methods = ", ".join(map(method_on_paper, in_order(rows["method"])))
        lines.append(f"{LACKS} {notion_on_paper(dataset, notion)}, {metrics}, {methods}: {reason}")
    return lines


def lacks_ours(block: pd.DataFrame) -> pd.Series:
    """Of which rows there is a run of ours, but no value."""
    return block["ours"].isna() & block["n_images"].notna()


def source_on_paper(source: str, otherwise: str) -> str:
    """A paper's table, or other words where all values are of the paper as a whole."""
    return on_paper(source, _SOURCES) if source else otherwise


def protocol_on_paper(protocol: str) -> str:
    """What a paper's protocol is called; one that is none here in its own words."""
    return _KINDS[protocol][0] if protocol in _KINDS else one_line(protocol)


def _explained(protocol: str) -> str:
    """With who is a query to whom, where it is one of ours."""
    called = protocol_on_paper(protocol)
    return f"{called} ({_KINDS[protocol][1]})" if protocol in _KINDS else called
