"""benchmarks/results.md: what every benchmark found when it ran last."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.record import Record, load
from lanzdml.files import write_text
from lanzdml.tables.markup import markdown_escape, markdown_table

BENCHMARKS = (
    "metrics",
    "several_values",
    "score",
    "scaling",
    "shards",
    "fits",
    "products",
    "embeddings",
    "intervals",
    "ranks",
    "paper_grid",
    "clevr4",
    "estimates",
)
"""Modules of this folder, each with a function ``measure``; in the order in which they run."""

RESULTS = Path(__file__).with_name("results.md")
HEAD = """\
# Benchmarks

Written by `make bench`, which runs all of this on the machine at hand; `python -m benchmarks fits`
runs one. Ratios compare two ways of doing the same, timed in turn in one run.
"""


def write_results(path: Path, head: str, names: Iterable[str]) -> None:
    """Write a file of results from the records there are.

    Args:
        path: of the file.
        head: its first lines.
        names: of the records.
    """
    records = [record for record in map(load, names) if record]
    write_text(path, "\n".join([head, *_summary(records), *map(_section, records)]))


def _summary(records: list[Record]) -> list[str]:
    rows = [
        [*map(markdown_escape, (record.title, record.goal, record.result))] for record in records
    ]
    return [*markdown_table(["what", "goal", "measured"], rows, "lll"), ""]


def _section(record: Record) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in record.machine.items())
    table = []
    if record.rows:
        columns = list(record.rows[0])
        cells = [[markdown_escape(row[column]) for column in columns] for row in record.rows]
        table = [*markdown_table(columns, cells, "l" + "r" * (len(columns) - 1)), ""]
    return "\n".join([
        f"## {record.title}\n",
        f"{record.text}\n",
        *table,
        f"{record.day}: {facts}.\n",
    ])  # fmt: skip
