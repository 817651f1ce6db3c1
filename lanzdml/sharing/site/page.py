"""The pages of the site: the ranking, and the figures of the folders.

Style and script are inside each page, and a policy lets no others in, so what labels, names or
reasons hold is text at most, on a server and as a file alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from lanzdml.names import METRIC_NAMES
from lanzdml.report import FOLDER as REPORT
from lanzdml.report.page import policy
from lanzdml.report.templates import render
from lanzdml.sharing.site import FOLDER
from lanzdml.sharing.site.downloads import source_file
from lanzdml.sharing.site.figures import Picture
from lanzdml.sharing.site.source import Source, folder_name
from lanzdml.sharing.site.table import FILTERS, Row, board_names, script_data, told_text

_COLUMNS = {
    "rank": "Rank", "interval": "Interval", "method": "Method", "score": "Score",
    "dataset": "Dataset", "notion": "Notion", "model": "Model", "protocol": "Protocol",
    "size": "r′", "prompts": "Prompts", "seeds": "Seeds", "source": "From", "note": "Note",
    "row": "Row",
}  # fmt: skip
_VERSIONS = ("numpy", "scikit-learn", "torch", "open_clip_torch")
_FIGURES = "figures.html"
_SECTIONS = {
    "#ranking-heading": "Ranking", "#reading": "How to read it", "#sources": "Sources",
    "#add": "Add your row", "#files": "Files",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A source as the pages show it."""

    number: int
    name: str
    merged_of: Sequence[str]
    date: datetime
    commit: str
    dirty: bool
    versions: str
    n_runs: int
    file: str
    pages: Sequence[str]
    pictures: Sequence[Picture]


def shown(source: Source, pages: Sequence[str], pictures: Sequence[Picture]) -> Shown:
    """What the pages show of a source.

    Args:
        source: the folder.
        pages: addresses of its own pages on the site.
        pictures: its figures.
    """
    record = source.record
    versions = (f"{name} {record.versions[name]}" for name in _VERSIONS if name in record.versions)
    return Shown(
        source.number, source.name, [folder_name(part.folder) for part in source.parts],
        record.date, record.commit, record.dirty,
        told_text(", ".join(versions)), len(source.runs), source_file(source), pages, pictures,
    )  # fmt: skip


def index_page(sources: Sequence[Shown], rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """The page of the ranking."""
    script = (FOLDER / "ranking.js").read_text(encoding="utf-8")
    links = dict(_SECTIONS)
    if any(source.pictures for source in sources):
        links[_FIGURES] = "Figures"
    return _page(
        "index.html.j2",
        "A ranking of language-guided embeddings",
        links,
        script,
        sources=sources,
        rows=rows,
        boards=board_names(rows),
        n_sources=len(sources),
        newest=max(source.date for source in sources),
        metrics=metrics,
        metric_names=METRIC_NAMES,
        filters=FILTERS,
        columns=_COLUMNS,
        data=script_data(rows, metrics),
    )


def figures_page(sources: Sequence[Shown]) -> str:
    """The page of the figures."""
    links = {"index.html": "Ranking"}
    links |= {f"#source-{source.number}": source.name for source in sources if source.pictures}
    return _page("figures.html.j2", "Figures of the results", links, sources=sources)


def _page(
    template: str, title: str, links: Mapping[str, str], script: str = "", **values: object
) -> str:
    style = "".join(
        path.read_text(encoding="utf-8") for path in (REPORT / "style.css", FOLDER / "site.css")
    )
    return render(
        template,
        FOLDER,
        title=title,
        links=links.items(),
        policy=policy(style, [script] if script else [], "'self' data:"),
        style=Markup(style),
        script=Markup(script),
        **values,
    )
