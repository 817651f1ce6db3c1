"""Which differences are more than chance, and which methods differ over all notions."""

from dataclasses import dataclass, replace

from lanzdml.report.figure import read_figure
from lanzdml.report.grid import Grid, make_grids
from lanzdml.report.part import Part
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.significance.comparisons import read_significance
from lanzdml.significance.table import Block, blocks

FIGURE = "critical_difference"
_TABLE = "significance"


@dataclass(frozen=True)
class Setting:
    """What is said of a protocol, model and dim: in a sentence or two, and in tables."""

    name: str
    finding: str
    tables: list[Grid]


def part(results: Results) -> Part | None:
    """The findings, the mean ranks as a figure, and the tables folded away."""
    path = results.csv(_TABLE)
    if path is None:
        return None
    rows = read_significance(path)
    settings = [_setting(number, block) for number, block in enumerate(blocks(rows), start=1)]
    if not settings:
        return None
    html = render(
        "parts/significance.html.j2", settings=settings, ranking=read_figure(results, FIGURE)
    )
    return Part("significance", "Which differences hold for other images and other fits", html)


def _setting(number: int, block: Block) -> Setting:
    tables = (replace(table, caption=f"{table.caption}, {block.setting}") for table in block.tables)
    name = block.setting.replace("r'", "r′")
    return Setting(name, block.finding, make_grids(f"{_TABLE}-{number}", tables))
