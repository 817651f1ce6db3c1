"""Which differences between methods are more than chance: the table ``significance``.

Each setting (protocol, model and dim) has the differences of each two methods on a notion, ranks
and tests over its notions, and what the seeds of fits and of k-means do to the values.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.errors import LanzdmlError
from lanzdml.files import write_text
from lanzdml.markup import DASH, blank_repeats, markdown_table
from lanzdml.methods import METHODS
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, METRIC_NAMES, NOTION_NAMES, on_paper
from lanzdml.protocols import DEFAULT, PROTOCOLS
from lanzdml.runs import CLUSTERED, PER_QUERY, read_runs
from lanzdml.significance import (
    LEAST_QUERIES,
    LEVEL,
    N_RESAMPLES,
    critical_difference,
    friedman_test,
    holm,
    least_p,
    mean_ranks,
    paired_differences,
    signed_rank_tests,
)
from lanzdml.tables import summarise

DIFFERENCE, TEST, RANK = "difference", "signed_rank", "mean_rank"
CRITICAL, FRIEDMAN = "critical_difference", "friedman"
FIT_STD, CLUSTERING_STD = "fit_std", "clustering_std"
COLUMNS = (
    "part", "protocol", "model", "dim", "dataset", "notion", "metric", "method", "other",
    "value", "low", "high", "decided", "better", "worse", "p", "p_holm_reference", "unit", "n",
    "reason",
)  # fmt: skip
"""Columns of the CSV. ``part`` says what a row is, and so what ``value`` and ``n`` are:

- ``difference``: ``method`` minus ``other`` on a notion in percent points, its interval ``low`` to
  ``high``, whether that leaves 0 out (``decided``); n queries. Without a value: the method that
  cannot be compared on the notion, and the ``reason``.
- ``signed_rank``: the test of two methods over n notions, on how many ``method`` is ``better``
  and ``worse``, and ``p``; for the pairs of the method that the table shows against the others
  also ``p_holm_reference``, corrected for their number; value is the mean difference in percent
  points.
- ``mean_rank``: a method's mean rank over n notions, or the ``reason`` why it has none.
- ``critical_difference``: of those ranks.
- ``friedman``: chi squared of those ranks, and ``p``; no row where it is not defined.
- ``fit_std``, ``clustering_std``: std over n seeds of the fit, and of k-means, in fractions.
"""
METRIC = "map_at_r"  # of sentences and figures
OURS, BASELINE = "indirect", "clip"
_SETTING = ["protocol", "model", "dim"]
_NOTION = ["dataset", "notion"]
_SEED = 0  # of the bootstrap
_LEVEL, _REST = (f"{100 * share:.0f} %" for share in (LEVEL, 1 - LEVEL))
_LABELS_SEEN = "sees labels"


def compute_significance(
    metrics_files: Sequence[Path],
    queries_files: Sequence[Path],
    clusterings_files: Sequence[Path],
    counted: Collection[tuple[str, str]],
) -> pd.DataFrame:
    """All rows of the table, with :data:`COLUMNS`.

    Args:
        metrics_files: of the tables' runs.
        queries_files, clusterings_files: what :func:`lanzdml.runs.evaluate_runs` kept of them.
        counted: dataset and notion of those that are ranked and tested over. Others with the same
            labels, or with labels that are put together of theirs, would repeat what they say.

    Raises:
        LanzdmlError: two methods were scored on other queries of a notion, in files that do not
            belong together.
    """
    summary = _comparable(summarise(read_runs(metrics_files)))
    queries = _by_run(queries_files, lambda rows: rows.groupby("image_id")[list(PER_QUERY)].mean())
    clusterings = _by_run(clusterings_files, lambda rows: rows)
    rows = []
    for setting, block in summary.groupby(_SETTING, sort=False):
        here = dict(zip(_SETTING, setting, strict=True))
        found = (
            *_differences(block, queries),
            *_over_notions(block, counted),
            *_spreads(block, clusterings),
        )
        rows += [here | row for row in found]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _comparable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary without the values that a protocol makes of another notion's labels."""

    def other_labels(row: pd.Series) -> str | None:
        sources = PROTOCOLS[row["protocol"]].sources
        labels, own = (
            sources(row["dataset"], row["notion"], method).labels
            for method in (row["method"], OURS)
        )
        return f"scored by the labels of {labels}" if labels != own else None

    other = summary.apply(other_labels, axis=1).astype("str")
    return summary.assign(
        mean=summary["mean"].mask(other.notna()), reason=other.fillna(summary["reason"])
    )


_Run = tuple[str, ...]


def _run(row: Mapping | pd.Series) -> _Run:
    """What names a run. A method that keeps the model's own size has one for the tables of all."""
    dim = str(row["dim"]) if METHODS[row["method"]].has_dim else ""
    return (*(row[name] for name in ("protocol", "model", *_NOTION, "method")), dim)


def _by_run(
    paths: Sequence[Path], reduce: Callable[[pd.DataFrame], pd.DataFrame]
) -> dict[_Run, pd.DataFrame]:
    """What is kept of files of a run each, one after the other; those without rows are left out.

    All queries of all runs together would not fit into memory where images are many.
    """
    tables = (pd.read_parquet(path) for path in paths)
    return {_run(table.iloc[0]): reduce(table) for table in tables if len(table)}


def _in_order(methods: Iterable[str]) -> list[str]:
    there = set(methods)
    return [name for name in METHODS if name in there]


def _differences(block: pd.DataFrame, queries: Mapping[_Run, pd.DataFrame]) -> Iterator[dict]:
    """Each two methods on each notion."""
    for (dataset, notion), rows in block[block["metric"] == METRIC].groupby(_NOTION, sort=False):
        here = {"part": DIFFERENCE, "dataset": dataset, "notion": notion}
        by_method = {row["method"]: row for _, row in rows.iterrows()}
        made = []
        for method in _in_order(by_method):
            row = by_method[method]
            if pd.isna(row["mean"]):
                yield here | {"method": method, "reason": row["reason"]}
            else:
                made.append(method)
        if len(made) < 2:
            continue
        for metric in PER_QUERY:
            values = {method: queries[_run(by_method[method])][metric] for method in made}
            table = 100 * pd.DataFrame(values, dtype="float64")
            if table.isna().any(axis=None):
                raise LanzdmlError(
                    f"methods were scored on other images of {dataset}/{notion}: delete the "
                    "folder queries and run again"
                )
            for row in paired_differences(table, _SEED).itertuples():
                yield here | {
                    "metric": metric, "method": row.method, "other": row.other,
                    "value": row.difference, "low": row.low, "high": row.high,
                    "decided": row.decided, "unit": "percent points", "n": len(table),
                }  # fmt: skip


def _over_notions(block: pd.DataFrame, counted: Collection[tuple[str, str]]) -> Iterator[dict]:
    """Ranks and tests of the methods that have a value on every counted notion that has any."""
    block = block[[tuple(notion) in counted for notion in block[_NOTION].to_numpy()]]
    for metric in PER_QUERY:
        rows = block[block["metric"] == metric]
        scores = rows.pivot_table("mean", _NOTION, "method", sort=False)
        scores = scores.reindex(columns=_in_order(rows["method"]))
        supervised = [name for name in scores if METHODS[name].supervised]
        gaps = scores.isna().sum()
        for method in scores:
            if method in supervised:
                reason = _LABELS_SEEN
            elif gaps[method]:
                reason = f"no value on {gaps[method]} of {len(scores)} notions"
            else:
                continue
            yield {"part": RANK, "metric": metric, "method": method, "reason": reason}
        scores = scores.drop(columns=supervised).dropna(axis="columns")
        n_notions, n_methods = scores.shape
        if n_notions < 2 or n_methods < 2:
            continue
        base = {"metric": metric, "n": n_notions}
        for method, rank in mean_ranks(scores).items():
            yield {"part": RANK, **base, "method": method, "value": rank, "unit": "ranks"}
        limit = critical_difference(n_methods, n_notions)
        yield {"part": CRITICAL, **base, "value": limit, "unit": "ranks"}
        chi_squared, p = friedman_test(scores)
        if not np.isnan(p):
            yield {"part": FRIEDMAN, **base, "value": chi_squared, "p": p, "unit": "chi squared"}
        tests = signed_rank_tests(scores)
        # A family is what the table shows: with all pairs in it, each method more would cost many.
        shown = tests[(tests[["method", "other"]] == _reference(scores)).any(axis=1)]
        tests["p_holm"] = pd.Series(holm(shown["p"]), shown.index)
        for row in tests.itertuples():
            mean = 100 * (scores[row.method] - scores[row.other]).mean()
            yield {
                "part": TEST, **base, "method": row.method, "other": row.other, "value": mean,
                "better": row.better, "worse": row.worse, "p": row.p,
                "p_holm_reference": row.p_holm, "unit": "percent points",
            }  # fmt: skip


def _as_they_come(names: pd.Series) -> pd.Series:
    """A key by which names are sorted into the order of their first rows."""
    return pd.Series(pd.factorize(names)[0], names.index)


def _spreads(block: pd.DataFrame, clusterings: Mapping[_Run, pd.DataFrame]) -> Iterator[dict]:
    """What seeds do: those of the fit to retrieval, and of fit and k-means apart to AMI and NMI."""
    for _, row in block.sort_values(_NOTION, key=_as_they_come, kind="stable").iterrows():
        here = {name: row[name] for name in (*_NOTION, "metric", "method")} | {"unit": "fractions"}
        if row["metric"] in PER_QUERY and row["n_seeds"] > 1:
            yield here | {"part": FIT_STD, "value": row["std"], "n": row["n_seeds"]}
        elif row["metric"] in CLUSTERED and _run(row) in clusterings:
            table = clusterings[_run(row)]
            for part, fixed in ((FIT_STD, "clustering_seed"), (CLUSTERING_STD, "fit_seed")):
                values = table.loc[table[fixed] == table[fixed].iloc[0], row["metric"]]
                if len(values) > 1:
                    yield here | {"part": part, "value": values.std(ddof=0), "n": len(values)}


def read_significance(path: Path) -> pd.DataFrame:
    """The rows of the CSV."""
    # Only what is empty is missing: a notion may be called "null".
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def write_significance(rows: pd.DataFrame, paths: Iterable[str | os.PathLike[str]]) -> None:
    """Write the rows of :func:`compute_significance` as what each path's suffix says."""
    for path in map(Path, paths):
        csv = path.suffix == ".csv"
        text = rows.to_csv(index=False, lineterminator="\n") if csv else _markdown(rows)
        write_text(path, text)


@dataclass(frozen=True)
class Part:
    """A table of a setting: leading columns by name, then ``columns`` with their ``cells``.

    ``texts`` are those of the columns that hold words, not numbers.
    """

    caption: str
    heads: dict[str, list[str]]
    columns: list[str]
    cells: list[list[str]]
    notes: list[str]
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class Block:
    """What is to be said of a protocol, model and dim: in a sentence or two, and in tables."""

    setting: str
    finding: str
    parts: list[Part]


def blocks(rows: pd.DataFrame) -> list[Block]:
    """The table for readers, in Markdown and in the report: a block a setting.

    Args:
        rows: of :func:`compute_significance` or :func:`read_significance`.
    """
    found = []
    for setting, block in settings(rows):
        parts = (_difference_part(block), _rank_part(block), _test_part(block), _spread_part(block))
        found.append(Block(setting, finding(block), [part for part in parts if part]))
    return found


def settings(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each protocol, model and dim, with what these are called."""
    one_protocol = len(rows["protocol"].unique()) == 1
    found = []
    for (protocol, model, dim), block in rows.groupby(_SETTING, sort=False):
        # The default is named only where there is another one.
        note = "" if one_protocol and protocol == DEFAULT else f", {protocol} protocol"
        found.append((f"with {model}, r' = {dim}{note}", block))
    return found


def _markdown(rows: pd.DataFrame) -> str:
    lines = []
    for block in blocks(rows):
        lines += [f"# Significance {block.setting}", "", block.finding, ""]
        for part in block.parts:
            heads = blank_repeats(list(zip(*part.heads.values(), strict=True)))
            cells = [[*head, *row] for head, row in zip(heads, part.cells, strict=True)]
            header = [*part.heads, *part.columns]
            lines += [f"{part.caption}.", "", *markdown_table(header, cells, len(part.heads)), ""]
            lines += [f"- {note}" for note in part.notes]
            lines += [""] * bool(part.notes)
    return "\n".join(lines).rstrip() + "\n"


def ranked(block: pd.DataFrame, metric: str = METRIC) -> pd.Series:
    """Mean ranks of a setting's methods, the best first; empty where there are none."""
    rows = block[(block["part"] == RANK) & (block["metric"] == metric)].dropna(subset="value")
    return rows.set_index("method")["value"]


def critical_limit(block: pd.DataFrame, metric: str = METRIC) -> tuple[float, int]:
    """The critical difference of :func:`ranked`, and over how many notions."""
    row = block[(block["part"] == CRITICAL) & (block["metric"] == metric)].iloc[0]
    return float(row["value"]), int(row["n"])


def _against(rows: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """The pairs of one method that see no labels, turned so that it is ``method``."""
    turned = rows[rows["other"] == reference].rename(
        columns={"method": "other", "other": "method", "low": "high", "high": "low",
                 "better": "worse", "worse": "better"}
    )  # fmt: skip
    turned[["value", "low", "high"]] *= -1
    rows = pd.concat([rows[rows["method"] == reference], turned])
    rows = rows[[not METHODS[name].supervised for name in rows["other"]]] if len(rows) else rows
    others = pd.Categorical(rows["other"], _in_order(rows["other"]), ordered=True)
    return rows.assign(other=others).sort_index()


def _reference(methods: Iterable[str]) -> str | None:
    """The method that others are shown against; None where none of them sees no labels.

    InDiReCT, or CLIP where it has no values, or else what comes first.
    """
    competing = [name for name in _in_order(methods) if not METHODS[name].supervised]
    preferred = [name for name in (OURS, BASELINE) if name in competing]
    return next(iter([*preferred, *competing]), None)


def _pairs(block: pd.DataFrame, part: str) -> tuple[str | None, pd.DataFrame]:
    """The reference among the methods of a part, and its pairs."""
    rows = block[(block["part"] == part) & block["other"].notna()]
    reference = _reference([*rows["method"], *rows["other"]])
    return reference, _against(rows, reference)


def _paper_name(row: pd.Series | Mapping) -> str:
    return f"{on_paper(row['dataset'], DATASET_NAMES)} {on_paper(row['notion'], NOTION_NAMES)}"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"  # no -0.00


def _interval(low: float, high: float, decimals: int = 2) -> str:
    """With more decimals where fewer would print a 0 that the interval leaves out."""
    if pd.isna(low):
        return DASH
    while (low > 0 or high < 0) and 0 in (round(low, decimals), round(high, decimals)):
        decimals += 1
    low, high = (round(value, decimals) + 0.0 for value in (low, high))
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


def _verdict(row: pd.Series) -> str:
    return ("higher" if row["value"] > 0 else "lower") if row["decided"] else "open"


def _difference_part(block: pd.DataFrame) -> Part | None:
    reference, rows = _pairs(block, DIFFERENCE)
    if rows.empty:
        return None
    ours = on_paper(reference, METHOD_NAMES)
    heads, cells = [], []
    for (dataset, notion), notion_rows in rows.groupby(_NOTION, sort=False):
        for other, pair in notion_rows.groupby("other", observed=True):
            names = on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES)
            heads.append((*names, on_paper(other, METHOD_NAMES)))
            cells.append([])
            for metric in PER_QUERY:
                row = pair[pair["metric"] == metric].iloc[0]
                interval = _interval(row["low"], row["high"])
                cells[-1] += [_signed(row["value"]), interval, _verdict(row)]
    left_out = block[(block["part"] == DIFFERENCE) & block["reason"].notna()]
    columns = [
        column
        for metric in PER_QUERY
        for column in (METRIC_NAMES[metric], f"{_LEVEL} interval", f"{ours} is")
    ]
    notes = [
        f"Intervals are of a paired bootstrap over the queries ({N_RESAMPLES:,} resamples, "
        "percentiles): they say what other queries would change, with these references and "
        "these fits. A query counts by its mean over the seeds. "
        f'A difference is "open" where its interval holds 0, and below {LEAST_QUERIES} queries, '
        "too few for an interval; intervals are not corrected for their number.",
        *(f"{DASH} {on_paper(row['method'], METHOD_NAMES)}, {_paper_name(row)}: {row['reason']}"
          for _, row in left_out.iterrows()),
    ]  # fmt: skip
    return Part(
        f"{ours} minus each method that sees no labels, in percent points",
        _named(("Dataset", "Notion", "Against"), heads),
        columns,
        cells,
        notes,
        [f"{ours} is"],
    )


def _named(names: Sequence[str], heads: Sequence[tuple[str, ...]]) -> dict[str, list[str]]:
    """The leading cells of all rows as columns."""
    columns = zip(*heads, strict=True)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _rank_part(block: pd.DataFrame) -> Part | None:
    methods = list(ranked(block).index)
    if not methods:
        return None
    cells = []
    for metric in PER_QUERY:
        ranks = ranked(block, metric)
        cells.append([f"{ranks[name]:.2f}" for name in methods])
        limit, n_notions = critical_limit(block, metric)
        cells[-1].append(f"{limit:.2f}")
        omnibus = block[(block["part"] == FRIEDMAN) & (block["metric"] == metric)]
        cells[-1].append(_p(omnibus["p"].iloc[0]) if len(omnibus) else DASH)
    left_out = block[(block["part"] == RANK) & (block["metric"] == METRIC) & block["value"].isna()]
    notes = [
        "Ranks and tests count no notion that combines others, and of those with the same labels "
        "the first.",
        "Mean ranks that differ by less than the critical difference (Nemenyi, "
        f"{_REST} level) are not told apart, nor are any where Friedman's p, of the hypothesis "
        f"that all methods rank alike, is above {1 - LEVEL:.2g}. Both hold for many notions, "
        "and are a rough guide for few. Ranks depend on the methods they are among: "
        "another one can turn the order of two.",
        *(f"{on_paper(row['method'], METHOD_NAMES)} is not ranked: {row['reason']}."
          for _, row in left_out.iterrows()),
    ]  # fmt: skip
    names = [on_paper(name, METHOD_NAMES) for name in methods]
    return Part(
        f"Mean ranks over {n_notions} notions, 1 is the best",
        {"Metric": [METRIC_NAMES[metric] for metric in PER_QUERY]},
        [*names, "Critical difference", "p (Friedman)"],
        cells,
        notes,
    )


def _test_part(block: pd.DataFrame) -> Part | None:
    reference, rows = _pairs(block, TEST)
    if rows.empty:
        return None
    by_method = rows.sort_values("other")
    rows = pd.concat([by_method[by_method["metric"] == metric] for metric in PER_QUERY])
    ours = on_paper(reference, METHOD_NAMES)
    heads = {
        "Metric": [METRIC_NAMES[metric] for metric in rows["metric"]],
        "Against": [on_paper(other, METHOD_NAMES) for other in rows["other"]],
    }
    cells = [
        [
            _signed(row.value),
            f"{row.better:.0f} of {row.n:.0f}",
            _p(row.p),
            _p(row.p_holm_reference),
        ]
        for row in rows.itertuples()
    ]
    columns = ["Mean difference", f"{ours} better on", "p", "p (Holm)"]
    notes = [
        "Wilcoxon's signed-rank test, two-sided; corrected for the number of these pairs. "
        "Notions count as independent, which those of one dataset, with the same images, are not "
        "quite.",
        over_notions(block),
    ]
    return Part(f"{ours} against each ranked method over the notions", heads, columns, cells, notes)


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def _spread_part(block: pd.DataFrame) -> Part | None:
    rows = block[block["part"].isin((FIT_STD, CLUSTERING_STD))]
    if rows.empty:
        return None
    values = rows.set_index([*_NOTION, "metric", "method", "part"])["value"]
    methods = _in_order(rows["method"])
    heads, cells = [], []
    for dataset, notion, metric in rows[[*_NOTION, "metric"]].drop_duplicates().to_numpy():
        names = on_paper(dataset, DATASET_NAMES), on_paper(notion, NOTION_NAMES)
        heads.append((*names, METRIC_NAMES[metric]))
        cells.append([])
        for method in methods:
            key = dataset, notion, metric, method
            both = (values.get((*key, part)) for part in (FIT_STD, CLUSTERING_STD))
            texts = [f"{value:.3f}" for value in both if value is not None]
            cells[-1].append(" / ".join(texts) or DASH)
    notes = [
        "MAP@R and Prec@1: std over the seeds of the fit. AMI and NMI: std over the seeds of the "
        "fit with k-means by the first seed / over the seeds of k-means with the first fit. A run "
        "has one seed for both, so the std of the table of all metrics mixes them.",
    ]
    return Part(
        "What seeds do: population std, as fractions",
        _named(("Dataset", "Notion", "Metric"), heads),
        [on_paper(name, METHOD_NAMES) for name in methods],
        cells,
        notes,
    )


def finding(block: pd.DataFrame) -> str:
    """What a setting's rows say, in sentences that can be quoted."""
    sentences = [_compared(block), _ranks_first(block), over_notions(block)]
    return " ".join(filter(None, sentences)) or "There are no two methods to compare."


def _compared(block: pd.DataFrame) -> str:
    """InDiReCT beside CLIP on the notions; without one of them, the reference beside each other."""
    reference, rows = _pairs(block, DIFFERENCE)
    rows = rows[rows["metric"] == METRIC]
    if (rows["other"] == BASELINE).any():
        rows = rows[rows["other"] == BASELINE]
    return " ".join(
        _beside(on_paper(reference, METHOD_NAMES), on_paper(other, METHOD_NAMES), pairs)
        for other, pairs in rows.groupby("other", observed=True)
    )


def _beside(ours: str, theirs: str, rows: pd.DataFrame) -> str:
    """Two methods, by their names on paper, on the notions of the rows."""
    metric = METRIC_NAMES[METRIC]
    verdicts = rows.apply(_verdict, axis=1)
    some = "interval" if len(rows) == 1 else "intervals"
    basis = f" ({_LEVEL} {some} over queries, these fits)" if rows["low"].notna().any() else ""
    if len(rows) == 1:
        row, verdict = rows.iloc[0], verdicts.iloc[0]
        found = (
            f"{ours}'s and {theirs}'s {metric} are not told apart"
            if verdict == "open"
            else f"{ours}'s {metric} is {verdict} than {theirs}'s"
        )
        where = f"On {_paper_name(row)} ({_queries(row)})"
        return f"{where} {found}: the difference is {_points(row)}{basis}."
    words = {"higher": "higher than", "lower": "lower than", "open": "not told apart from"}
    counts = [
        f"{word} {theirs}'s on {count} of {len(rows)} notions"
        for verdict, word in words.items()
        if (count := int((verdicts == verdict).sum()))
    ]
    least, most = (rows.loc[rows["value"] == value].iloc[0] for value in
                   (rows["value"].min(), rows["value"].max()))  # fmt: skip
    return (
        f"{ours}'s {metric} is {', '.join(counts)}; the difference{basis} goes from "
        f"{_points(least)} on {_paper_name(least)} ({_queries(least)}) to {_points(most)} on "
        f"{_paper_name(most)} ({_queries(most)})."
    )


def _queries(row: pd.Series) -> str:
    return f"{row['n']:,.0f} {'query' if row['n'] == 1 else 'queries'}"


def _points(row: pd.Series) -> str:
    """A difference in points with its interval."""
    value = f"{round(row['value'], 1) + 0.0:.1f} points"
    interval = _interval(row["low"], row["high"], 1)
    return f"{value} [{'too few queries for an interval' if interval == DASH else interval}]"


def _ranks_first(block: pd.DataFrame) -> str:
    ranks = ranked(block)
    if ranks.empty:
        return ""
    _, n_notions = critical_limit(block)
    best = ranks[np.isclose(ranks, ranks.min())]
    names = [on_paper(name, METHOD_NAMES) for name in best.index]
    together = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    rank = "rank first together" if len(names) > 1 else "ranks first"
    return (
        f"Of the {len(ranks)} methods that see no labels and have a value on each of {n_notions} "
        f"notions, {together} {rank} by {METRIC_NAMES[METRIC]} on average (mean rank "
        f"{best.iloc[0]:.2f})."
    )


def over_notions(block: pd.DataFrame) -> str:
    """Whether the notions can decide anything, and if so, how much they do."""
    reference, tests = _pairs(block, TEST)
    tests = tests[tests["metric"] == METRIC]
    if tests.empty:
        return ""
    n_notions, n_pairs = int(tests["n"].iloc[0]), len(tests)
    single, corrected = least_p(n_notions, 1), least_p(n_notions, n_pairs)
    if corrected > 1 - LEVEL:
        after = "" if n_pairs == 1 else f", {corrected:.2g} after correction for {n_pairs} pairs"
        return (
            f"With {n_notions} notions no difference between methods can be significant over "
            f"notions: signed ranks give p = {single:.2g} at the least{after}."
        )
    decided = int((tests["p_holm_reference"] <= 1 - LEVEL).sum())
    return (
        f"Over {n_notions} notions {on_paper(reference, METHOD_NAMES)} differs significantly from "
        f"{decided} of {n_pairs} methods (signed ranks, {_REST} level after Holm's correction)."
    )
