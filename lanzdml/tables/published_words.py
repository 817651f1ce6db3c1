"""The sentences of the comparison with published values: how these were made, and why apart."""

import pandas as pd

from lanzdml.metrics.protocols import DEFAULT, QUERY_GALLERY
from lanzdml.names import in_a_row, notion_on_paper, on_paper, one_line
from lanzdml.tables.published_values import LEAVE_ONE_OUT, kind_of

SOURCES = {"table2": "Table 2", "appendix_table1": "Appendix Table 1"}
_KINDS = {
    LEAVE_ONE_OUT: "leave-one-out (every image is a query to all others)",
    QUERY_GALLERY: "query and gallery (queries rank the gallery only)",
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
            protocol_on_paper(protocol),
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
        kinds = dict.fromkeys(_KINDS[kind_of(name)] for name in ours[same]["protocol"])
        here = f"ours are {in_a_row([*kinds])}" if kinds else "ours are of another one"
        alike.setdefault((protocol, in_a_row(notions), here), []).append(
            source_on_paper(source, "Its values")
        )
    return [
        f"{in_a_row(sources)} cannot be compared for {notions}: published values are "
        f"{protocol_on_paper(protocol)}, {here}. So they are listed apart. "
        f"{_LIKE_THEIRS.get(protocol, 'No protocol here is theirs.')}"
        for (protocol, notions, here), sources in alike.items()
    ]


def source_on_paper(source: str, otherwise: str) -> str:
    """A paper's table, or other words where all values are of the paper as a whole."""
    return on_paper(source, SOURCES) if source else otherwise


def protocol_on_paper(protocol: str, short: bool = False) -> str:
    """What a paper's protocol is called; one that is none here in its own words."""
    words = _KINDS.get(protocol)
    if words is None:
        return one_line(protocol)
    return words.partition(" (")[0] if short else words
