"""The paper's Table 1: datasets, notions and prompts, with the paper's counts beside ours."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.arithmetic.labels import values_of
from lanzdml.datasets.class_counts import differing_classes
from lanzdml.datasets.labels import LabelColumns, class_sizes, columns_of, read_labels
from lanzdml.embeddings.storage import read_embeddings
from lanzdml.files import write_text
from lanzdml.names import (
    DATASET_NAMES,
    NOTION_NAMES,
    notion_on_paper,
    on_paper,
    one_line,
    shortened,
)
from lanzdml.spreadsheet import read_csv, to_csv
from lanzdml.tables.markup import DASH, LONGEST, NEEDS_BOOKTABS, Table

PAPER_COUNTS = Path(__file__).with_name("notions.csv")
N_EXAMPLES = 2
HEADS = ["Dataset", "Similarity notion"]
TEXTS = ["Prompt template", "Aspects"]
COUNTS = ["Images", "Labelled", "Classes", "Prompts"]
PAPER_NOTE = "In brackets: the counts of the paper's Table 1."
_PAPER = dict.fromkeys(["paper_classes", "paper_aspects"], "Int64")
_OPTIONAL = {"n_named": "Int64"} | _PAPER


@dataclass(frozen=True)
class Notion:
    """A notion of the configuration and the files that were made of it."""

    dataset: str
    notion: str
    template: str
    labels: LabelColumns
    """Where its labels are in the manifest."""
    manifest_file: Path
    prompts_file: Path
    parts: Sequence[str] = ()
    """The notions that it combines, which are described, too."""
    written_out: bool = False
    """Whether its prompts are, so that nothing is known to be their aspects."""


def describe(notions: Sequence[Notion]) -> pd.DataFrame:
    """A row for each notion, in their order: what it is made of.

    Returns:
        columns dataset, notion, template, examples (the first aspects), n_images, n_labelled (of
        them), n_classes, n_prompts, n_named (classes that are among the aspects, whatever their
        case; of a combined notion those of which every part is among its own; missing where prompts
        are written out, as what they name is not known), differing_classes (of
        :func:`lanzdml.datasets.class_counts.differing_classes`), and paper_classes and
        paper_aspects, which are missing for notions that are not in the paper.
    """
    rows = []
    tables = [read_embeddings(notion.prompts_file)[0] for notion in notions]
    aspects = {
        (notion.dataset, notion.notion): set(prompts["aspect"].str.casefold())
        for notion, prompts in zip(notions, tables, strict=True)
        if not notion.written_out
    }
    for notion, prompts in zip(notions, tables, strict=True):
        labels = read_labels(notion.manifest_file, notion.labels)
        parts = [
            read_labels(notion.manifest_file, [column]) for column in columns_of(notion.labels)
        ]
        names = [(notion.dataset, name) for name in notion.parts or [notion.notion]]
        named = (
            _n_named(parts, [aspects[name] for name in names])
            if all(name in aspects for name in names)
            else pd.NA
        )
        rows.append({
            "dataset": notion.dataset,
            "notion": notion.notion,
            # Not every reader of CSV knows where a field with line breaks ends.
            "template": one_line(notion.template),
            "examples": one_line(
                ", ".join(shortened(aspect, LONGEST) for aspect in prompts["aspect"][:N_EXAMPLES])
            ),
            "n_images": len(labels),
            "n_labelled": int(labels.notna().sum()),
            "n_classes": len(class_sizes(labels)),
            "n_prompts": len(prompts),
            "n_named": named,
            "differing_classes": differing_classes(notion.dataset, notion.notion, labels),
        })  # fmt: skip
    counts = pd.read_csv(PAPER_COUNTS, dtype=_PAPER)[["dataset", "notion", *_PAPER]]
    return (
        pd.DataFrame(rows)
        .astype({"n_named": "Int64"})
        .merge(counts, on=["dataset", "notion"], how="left")
    )


def _n_named(parts: Sequence[pd.Series], aspects: Sequence[Collection[str]]) -> int:
    """How many classes there are whose name, or the names of whose parts, are aspects.

    Args:
        parts: labels (n,) of each part of a notion.
        aspects: of each, in small letters.
    """
    named = [
        part.dropna().map(
            lambda label, known=known: [v for v in values_of(label) if v.casefold() in known]
        )
        for part, known in zip(parts, aspects, strict=True)
    ]
    of_images = pd.concat(named, axis=1).dropna().itertuples(index=False)
    return len({values for of_image in of_images for values in product(*of_image)})


def read_overview(path: Path) -> pd.DataFrame:
    """Read ``table1.csv``: what :func:`describe` returned."""
    texts = dict.fromkeys(["dataset", "notion", "template", "examples", "differing_classes"], "str")
    return read_csv(
        path, dtype=texts | _OPTIONAL, keep_default_na=False, na_values=dict.fromkeys(_OPTIONAL, "")
    )


def write_overview(notions: Sequence[Notion], folder: Path) -> None:
    """Write ``table1.csv``, ``.md`` and ``.tex``, a row for each notion in their order."""
    table = describe(notions)
    printed = overview_table(table)
    texts = {
        "csv": to_csv(table),
        "md": "\n".join([f"{printed.caption}.", "", *printed.markdown(), ""]),
        "tex": "\n".join([NEEDS_BOOKTABS, *printed.latex(), ""]),
    }
    for suffix, text in texts.items():
        write_text(folder / f"table1.{suffix}", text)


def overview_table(rows: pd.DataFrame) -> Table:
    """The rows of :func:`describe` as printed."""
    notes = [PAPER_NOTE] if rows["paper_classes"].notna().any() else []
    notes += [
        f"{notion_on_paper(row.dataset, row.notion)}: {row.differing_classes}."
        for row in rows[rows["differing_classes"] != ""].itertuples()
    ]
    return Table(
        "Datasets and similarity notions: images, classes of those with a label, prompts",
        HEADS,
        [
            (on_paper(row.dataset, DATASET_NAMES), on_paper(row.notion, NOTION_NAMES))
            for row in rows.itertuples()
        ],
        [*TEXTS, *COUNTS],
        [_cells(row) for row in rows.itertuples()],
        notes,
        TEXTS,
    )


def _cells(row: Any) -> list[str]:
    more = ", …" if row.n_prompts > N_EXAMPLES else ""
    return [
        row.template,
        f"{row.examples}{more}",
        f"{row.n_images:,}",
        f"{row.n_labelled:,}",
        _with_paper(row.n_classes, row.paper_classes) if row.n_labelled else DASH,
        _with_paper(row.n_prompts, row.paper_aspects),
    ]


def _with_paper(ours: int, paper: int) -> str:
    """Our count and, where there is one, the paper's."""
    return f"{ours:,}" if pd.isna(paper) else f"{ours:,} ({paper:,})"
