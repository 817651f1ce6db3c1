"""Our values beside those that papers print, of the same protocol and metric.

Values of other protocols than those of the runs stand apart from ours and are never compared.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lanzdml.files import write_text
from lanzdml.metrics.protocols import RELEASED
from lanzdml.metrics.runs import notions_used, read_runs
from lanzdml.spreadsheet import read_csv, to_csv
from lanzdml.tables.paper import is_whole, summarise
from lanzdml.tables.published_tables import render_comparison
from lanzdml.tables.published_values import UNITS, kind_of, read_published
from lanzdml.tables.scale import CEILING, share_of_way

NAME = "published_comparison"
KEY = ["dataset", "notion", "metric", "method"]
COLUMNS = [
    "paper", "source", "published_protocol", "published_model", "published_dim", "setting",
    "protocol", "model", "dim", *KEY, "unit", "ours", "ours_std", "published", "published_std",
    "difference", "difference_in_std", "chance", "above_chance", "of_oracle",
    "published_of_oracle", "comparable", "note", "reason", "n_images", "n_classes",
    "n_queries",
]  # fmt: skip
_TEXTS = [
    "paper", "source", "published_protocol", "published_model", "setting", "protocol", "model",
    *KEY, "unit", "note", "reason",
]  # fmt: skip
_OURS = ["protocol", "model"]
_SCORES = ["ours", "ours_std", "above_chance", "of_oracle"]
_OF_OURS = [*_SCORES, "chance", "dim", "reason", "n_images", "n_classes", "n_queries"]


def compare(summary: pd.DataFrame, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Published values of what was run, beside ours or apart from them, in the published order.

    Args:
        summary: of :func:`lanzdml.tables.paper.summarise`.
        published: of :func:`lanzdml.tables.published_values.read_published`, by which they are
            read unless given.

    Returns:
        :data:`COLUMNS`, in the published value's unit. A row is one of three. Beside each other
        are two values of one kind of protocol: ours at the published r', or at the first of ours
        where none is published; where we have no run ``n_images`` is missing, too, and where a run
        has no value ``reason`` says why. Apart are, for
        notions that were not run by the protocol of a paper, its values, with no ``protocol`` and
        no ``model`` of ours, and ours, with no ``published_model`` and no ``published``.
        ``difference`` is ours minus published, ``difference_in_std`` the same in published standard
        deviations; it is missing where none was published or where it was rounded to zero, and so
        is ours where it is of some of the seeds. ``chance``, ``above_chance`` and ``of_oracle``
        are those of ours (:func:`lanzdml.tables.scale.with_scale`), ``published_of_oracle`` of
        :func:`published_of_oracle`. What was made by mistake is ``comparable`` with a protocol that
        repeats the mistake, and nothing is that stands apart.
    """
    values = read_published() if published is None else published
    values = values.assign(published_of_oracle=published_of_oracle(values))
    named = {"value": "published", "std": "published_std"}
    named |= {name: f"published_{name}" for name in ("protocol", "model", "dim")}
    values = values.rename(columns=named)
    ours = _ours(summary)
    rows = pd.concat([_beside(values, ours), *_apart(values, ours)], ignore_index=True)
    factor = rows["unit"].map(UNITS).astype("float64")  # without rows it would be of strings
    in_unit = [*_SCORES, "chance", "published_of_oracle"]
    rows[in_unit] = rows[in_unit].astype("float64").mul(factor, axis=0)
    rows["difference"] = rows["ours"] - rows["published"]
    rows["difference_in_std"] = rows["difference"] / rows["published_std"].where(
        rows["published_std"] > 0
    )
    counts = dict.fromkeys(["published_dim", "dim", "n_images", "n_classes", "n_queries"], "Int64")
    rows = rows.astype(counts | {"comparable": "bool"})
    return _with_texts(rows)[COLUMNS]


def _ours(summary: pd.DataFrame) -> pd.DataFrame:
    """Our values, with the kind of their protocol and the first r' of the model's runs."""
    ours = summary.rename(columns={"mean": "ours", "std": "ours_std"})
    # Those of some of the seeds are no such means as the published ones.
    ours[_SCORES] = ours[_SCORES].where(is_whole(summary))
    # A run's reason may be of another of its metrics.
    ours["reason"] = ours["reason"].where(ours["ours"].isna())
    ours["kind"] = ours["protocol"].map(kind_of)
    first = ours[ours["has_dim"]].drop_duplicates(_OURS).set_index(_OURS)["dim"]
    ours = ours.join(first.astype("float64").rename("first_dim"), on=_OURS)
    # A method that keeps the model's size is in the table of every dim, and has none of its own.
    ours["table"] = ours["dim"].astype("float64")
    ours["dim"] = ours["table"].where(ours["has_dim"])
    return ours[[*_OURS, *KEY, *_OF_OURS, "kind", "first_dim", "table"]]


def _beside(values: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """Published values of the runs' own protocols, with ours where we have one.

    A table of a paper of which no value is ours is left out.
    """
    settings = ours[[*_OURS, "kind", "first_dim"]].drop_duplicates(_OURS)
    rows = settings.merge(values, left_on="kind", right_on="published_protocol")
    rows = _with_ours(rows, ours)
    table = rows.groupby(["paper", "source", *_OURS], sort=False)["n_images"]
    rows = rows[table.transform("count") > 0]
    labels = [used.labels for used in notions_used(rows)]
    repeats = rows["notion"] != pd.Series(labels, rows.index, "str")
    comparable = rows["comparable"]
    return rows.assign(comparable=(comparable == "true") | ((comparable == "released") & repeats))


def _apart(values: pd.DataFrame, ours: pd.DataFrame) -> list[pd.DataFrame]:
    """Published values of other protocols than a notion's runs, and ours of the same methods."""
    notion = ["dataset", "notion"]
    run = ours[[*notion, "kind"]].drop_duplicates()
    published = values.merge(run[notion].drop_duplicates(), on=notion)
    alike = published.merge(
        run, "left", left_on=[*notion, "published_protocol"], right_on=[*notion, "kind"]
    )
    published = published[alike["kind"].isna().to_numpy()].assign(comparable=False)
    asked = published[["paper", "source", "published_protocol", "published_dim", *KEY, "unit"]]
    settings = ours[[*_OURS, "first_dim"]].drop_duplicates(_OURS)
    rows = _with_ours(settings.merge(asked.drop_duplicates(), how="cross"), ours)
    rows = rows[rows["n_images"].notna()].drop(columns="published_dim")
    none = dict.fromkeys(["published", "published_std", "published_of_oracle"], float("nan"))
    return [published, rows.drop_duplicates().assign(comparable=False, **none)]


def _with_ours(rows: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """Rows of notions that a protocol and model were run on, with our value, where there is one.

    It is that of the published r', or of the first of ours where the paper has none.
    """
    evaluated = ours[[*_OURS, "dataset", "notion"]].drop_duplicates()
    rows = rows.merge(evaluated, on=list(evaluated)).reset_index(drop=True)
    wanted = rows["published_dim"].fillna(rows["first_dim"])
    asked = rows[[*_OURS, *KEY]].assign(row=rows.index, wanted=wanted)
    found = asked.merge(ours[[*_OURS, *KEY, *_OF_OURS, "table"]], on=[*_OURS, *KEY])
    exact = found["table"] == found["wanted"]
    found = found.assign(exact=exact)[exact | found["dim"].isna()]
    found = found.sort_values("exact", ascending=False, kind="stable").drop_duplicates("row")
    return rows.join(found.set_index("row")[_OF_OURS])


def published_of_oracle(published: pd.DataFrame) -> pd.Series:
    """The share of the way from the published Random to the published Oracle, a published value.

    Both of the same table, model and protocol, with the labels that the value is of; missing for
    what cannot have been meant.
    """
    used = notions_used(published.assign(protocol=RELEASED))
    swapped = published["comparable"] == "released"
    labels = published["notion"].where(~swapped, [notion.labels for notion in used])
    rows = published.assign(labels=labels)
    same = ["paper", "source", "model", "protocol", "dataset", "labels", "metric"]
    for end in ("random", CEILING):
        ends = rows[rows["method"] == end].drop_duplicates(same)
        rows = rows.join(ends.set_index(same)["value"].rename(f"of {end}"), on=same)
    shares = share_of_way(rows["value"], rows["of random"], rows[f"of {CEILING}"])
    return shares.where(rows["comparable"] != "false")


def write_comparison(
    metrics_files: Sequence[Path], folder: Path, files: Sequence[Path] | None = None
) -> None:
    """Write ``published_comparison.csv``, a row a value, and ``.md``, in the papers' layout.

    Args:
        metrics_files: of runs.
        folder: to write to.
        files: of published values; those of this checkout unless given.
    """
    summary, published = summarise(read_runs(metrics_files)), read_published(files)
    rows = compare(summary, published)
    write_text(folder / f"{NAME}.csv", to_csv(rows))
    write_text(folder / f"{NAME}.md", render_comparison(rows, left_out(rows, summary, published)))


def left_out(rows: pd.DataFrame, summary: pd.DataFrame, published: pd.DataFrame) -> dict[str, str]:
    """The papers of which :func:`compare` has nothing, each with the reason in words.

    Args:
        rows: of :func:`compare`, from the other two.
        summary: of :func:`lanzdml.tables.paper.summarise`.
        published: of :func:`lanzdml.tables.published_values.read_published`.
    """
    notion = ["dataset", "notion"]
    run = summary[notion].drop_duplicates()
    papers = {}
    for paper, values in published.groupby("paper", sort=False):
        if paper in set(rows["paper"]):
            continue
        is_here = not values.merge(run, on=notion).empty
        papers[str(paper)] = (
            "none of its methods was run here on its notions, with its metrics and r'"
            if is_here
            else "none of its notions is here, by the names of datasets and notions that it has"
        )
    return papers


def read_comparison(path: Path) -> pd.DataFrame:
    """The rows of :func:`compare` that :func:`write_comparison` wrote.

    Raises:
        LanzdmlError: the file cannot be read.
    """
    # No method is called nothing because its name is NA.
    rows = read_csv(path, dtype=dict.fromkeys(_TEXTS, "str"), keep_default_na=False, na_values=[""])
    return _with_texts(rows)


def _with_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with an empty text where there is none, also of a column that has nothing else."""
    texts = rows[_TEXTS].astype("object")
    return rows.assign(**texts.where(texts.notna(), "").astype("str"))
