"""The files of the runs, tables and figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render

_FORMATS = {".csv": "CSV", ".tex": "LaTeX", ".md": "Markdown", ".parquet": "Parquet"}


@dataclass(frozen=True)
class Link:
    """A link to a file: what kind of file it is, and where."""

    format: str
    address: str


def part(results: Results) -> Part:
    """What there is, each in its formats."""
    files: dict[str, list[Link]] = {}
    for name, path in _named(results):
        format = _FORMATS.get(path.suffix, path.suffix[1:].upper())
        files.setdefault(name, []).append(Link(format, results.link(path)))
    return Part("files", "Files", render("parts/files.html.j2", files=files))


def _named(results: Results) -> Iterator[tuple[str, Path]]:
    """Each file, and what it is called; those that are called alike are one thing."""
    for path in results.runs:
        yield path.name, path
    if results.explorer is not None:
        yield "Explorer of images and neighbours", results.explorer
    for path in results.tables:
        yield f"Table {path.stem}", path
    for name, png in results.figures.items():
        for path in (png.with_suffix(".pdf"), png):
            if path.is_file():
                yield f"Figure {name}", path
