"""The results at a glance: a chart of MAP@R and what it says in words."""

import math
from dataclasses import dataclass

import pandas as pd
from matplotlib.markers import MarkerStyle

from lanzdml.figures.style import method_look
from lanzdml.methods import in_order
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, NOTION_NAMES, on_paper
from lanzdml.significance.comparisons import BASELINE, METRIC, OURS
from lanzdml.tables.paper import by_setting, is_whole

_MARKER_SIZE = 11  # pixels
_TOO_NEAR = 0.03  # of the axis: markers nearer than this are put above each other
_LANE = 10  # pixels


@dataclass(frozen=True)
class Marker:
    """How a method is drawn, as in the figures: an SVG path around the origin."""

    name: str
    color: str
    path: str
    filled: bool


@dataclass(frozen=True)
class Dot:
    """A value in the chart: positions in percent of its width, ``y`` in pixels from the middle."""

    marker: Marker
    text: str
    x: float
    low: float
    high: float
    y: int


@dataclass(frozen=True)
class Strip:
    """The line of one notion, and what is to be read from it."""

    dataset: str
    notion: str
    dots: list[Dot]
    height: int
    description: str
    gain: str
    best: str


@dataclass(frozen=True)
class Glance:
    """The chart of one section of Table 2."""

    title: str
    sentence: str
    legend: list[Marker]
    ticks: list[tuple[float, str]]
    strips: list[Strip]


def glances(summary: pd.DataFrame, compared: str = "the best method") -> list[Glance]:
    """A chart for each protocol, model and dim of :func:`lanzdml.tables.paper.summarise`.

    ``compared`` says what the best method without labels is the best of.
    """
    found = []
    for setting, block in by_setting(summary):
        rows = block[block["metric"] == METRIC]
        if rows["mean"].notna().any():
            found.append(_glance(setting.replace("r'", "r′"), rows, compared))
    return found


def _glance(setting: str, rows: pd.DataFrame, compared: str) -> Glance:
    # Tenths of a percent, as in the table: what looks equal there counts as equal here.
    rows = rows.assign(percent=(rows["mean"] * 100).round(1) + 0.0)
    limit = max(20, math.ceil((rows["percent"] + rows["std"].fillna(0) * 100).max() / 20) * 20)
    markers = {method: _marker(method) for method in in_order(rows["method"])}
    blocks = [block for _, block in rows.groupby(["dataset", "notion"], sort=False)]
    return Glance(
        setting,
        f"{setting[0].upper()}{setting[1:]}, {_sentence(blocks, compared)}",
        list(markers.values()),
        [(100 * i / 4, f"{limit * i / 4:g}") for i in range(5)],
        [_strip(block.dropna(subset="mean"), markers, limit) for block in blocks],
    )


def _marker(method: str) -> Marker:
    look = method_look(method)
    style = MarkerStyle(look["marker"])
    shape = style.get_path().transformed(style.get_transform())
    path = ""
    for line in shape.to_polygons(closed_only=False):
        points = (f"{x * _MARKER_SIZE:.1f} {-y * _MARKER_SIZE:.1f}" for x, y in line)
        path += "M" + "L".join(points)
    # Black would vanish on a dark page.
    color = "currentColor" if look["color"] == "#000000" else look["color"]
    filled = style.is_filled() and look["markerfacecolor"] == look["color"]
    return Marker(on_paper(method, METHOD_NAMES), color, path, filled)


def _strip(block: pd.DataFrame, markers: dict[str, Marker], limit: float) -> Strip:
    values = {row.method: row for row in block.itertuples()}
    methods = [method for method in markers if method in values]
    lanes = _lanes([values[method].percent / limit for method in methods])
    dots = []
    for method, lane in zip(methods, lanes, strict=True):
        row = values[method]
        x, std = row.mean * 10_000 / limit, row.std * 10_000 / limit
        low, high = max(0.0, x - std), min(100.0, x + std)
        text = f"{markers[method].name} {row.percent:.1f}"
        if row.n_seeds < row.n_runs:
            text += f" ({row.n_seeds} of {row.n_runs} seeds)"
        dots.append(
            Dot(markers[method], text, *(round(v, 2) for v in (x, low, high)), lane * _LANE)
        )
    first = block.iloc[0] if len(block) else None
    gain, of_all = "", block[is_whole(block)].set_index("method")["percent"]
    if OURS in of_all and BASELINE in of_all:
        gain = f"{of_all[OURS] - of_all[BASELINE]:+.1f}".replace("-", "−")
    best = _best(block)
    return Strip(
        "" if first is None else on_paper(first["dataset"], DATASET_NAMES),
        "" if first is None else on_paper(first["notion"], NOTION_NAMES),
        dots,
        2 * _LANE * max((abs(lane) for lane in lanes), default=0) + 30,
        ", ".join(dot.text for dot in dots),
        gain,
        f"{_join([markers[m].name for m in best])} {max(values[m].percent for m in best):.1f}"
        if best
        else "",
    )


def _lanes(positions: list[float]) -> list[int]:
    """A lane for each position, 0 being the middle, so that no two dots lie on each other."""
    taken: dict[int, list[float]] = {}
    lanes = [0] * len(positions)
    for index in sorted(range(len(positions)), key=positions.__getitem__):
        lane = 0
        while any(abs(positions[index] - other) < _TOO_NEAR for other in taken.get(lane, [])):
            lane = -lane if lane > 0 else 1 - lane
        taken.setdefault(lane, []).append(positions[index])
        lanes[index] = lane
    return lanes


def _best(block: pd.DataFrame) -> list[str]:
    """The best methods that saw no labels, by all of their seeds; several if they are equal."""
    rows = block[~block["supervised"].astype(bool) & is_whole(block)].dropna(subset="mean")
    return in_order(rows.loc[rows["percent"] == rows["percent"].max(), "method"])


def _sentence(blocks: list[pd.DataFrame], compared: str) -> str:
    """What the blocks of all notions say about InDiReCT and CLIP, and which method is best."""
    gains, wins = [], {}
    for block in blocks:
        values = block[is_whole(block)].dropna(subset="mean").set_index("method")["percent"]
        if OURS in values and BASELINE in values:
            gains.append(values[OURS] - values[BASELINE])
        best = _best(block)
        for method in best:
            wins[method] = wins.get(method, 0) + 1
    clauses = []
    if gains:
        above = sum(gain > 0 for gain in gains)
        mean = sum(gains) / len(gains)
        where = "the notion" if len(gains) == 1 else f"{above} of {len(gains)} notions"
        verb = "is above" if len(gains) > 1 or above else "is not above"
        # "by" would be wrong where some gains are losses
        amount = f"{mean:+.1f} points of MAP@R".replace("-", "−")
        average = " on average" if len(gains) > 1 else ""
        clauses.append(f"InDiReCT {verb} CLIP in {where} ({amount}{average})")
    if wins:
        ranked = sorted(wins, key=lambda method: -wins[method])
        total = f" of {len(blocks)} notions" if len(blocks) > 1 else ""
        named = [
            on_paper(method, METHOD_NAMES)
            + (f" in {wins[method]}{total if i == 0 else ''}" if total else "")
            for i, method in enumerate(ranked)
        ]
        clauses.append(f"{compared} without labels is {_join(named)}")
    return "; ".join(clauses) + "."


def _join(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
