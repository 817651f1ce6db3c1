"""The results at a glance: a chart of MAP@R and what it says in words."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.markers import MarkerStyle

from lanzdml.figures.style import method_look
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import DATASET_NAMES, NOTION_NAMES, in_a_row, on_paper
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
    charts = []
    for setting, block in by_setting(summary):
        rows = block[block["metric"] == METRIC]
        if rows["mean"].notna().any():
            charts.append(_glance(setting.replace("r'", "r′"), rows, compared))
    return charts


def _glance(setting: str, rows: pd.DataFrame, compared: str) -> Glance:
    # Tenths of a percent, as in the table: what looks equal there counts as equal here.
    rows = rows.assign(percent=(rows["mean"] * 100).round(1) + 0.0)
    limit = max(20, math.ceil((rows["percent"] + rows["std"].fillna(0) * 100).max() / 20) * 20)
    markers = {method: _marker(method) for method in in_order(rows["method"])}
    blocks = [block for _, block in rows.groupby(["dataset", "notion"], sort=False)]
    valued = (block.dropna(subset="mean") for block in blocks)
    return Glance(
        setting,
        f"{setting[0].upper()}{setting[1:]}, {_sentence(blocks, compared)}",
        list(markers.values()),
        [(100 * i / 4, f"{limit * i / 4:g}") for i in range(5)],
        [_strip(block, markers, limit) for block in valued if len(block)],
    )


def _marker(method: str) -> Marker:
    look = method_look(method)
    style = MarkerStyle(look["marker"], "full")
    shape = style.get_path().transformed(style.get_transform())
    path = ""
    for line in shape.to_polygons(closed_only=False):
        points = (f"{x:.1f} {-y:.1f}" for x, y in np.asarray(line) * _MARKER_SIZE)
        path += "M" + "L".join(points)
    # Black would vanish on a dark page.
    color = "currentColor" if look["color"] == "#000000" else look["color"]
    filled = style.is_filled() and look["markerfacecolor"] == look["color"]
    return Marker(method_on_paper(method), color, path, filled)


def _strip(block: pd.DataFrame, markers: dict[str, Marker], limit: float) -> Strip:
    values = {row.method: row for row in block.itertuples()}
    methods = [method for method in markers if method in values]
    lanes = _lanes([values[method].percent / limit for method in methods])
    dots = [
        _dot(values[method], markers[method], lane, limit)
        for method, lane in zip(methods, lanes, strict=True)
    ]
    first, gain = block.iloc[0], _gain(block)
    return Strip(
        dataset=on_paper(first["dataset"], DATASET_NAMES),
        notion=on_paper(first["notion"], NOTION_NAMES),
        dots=dots,
        height=2 * _LANE * max(abs(lane) for lane in lanes) + 30,
        description=", ".join(dot.text for dot in dots),
        gain="" if gain is None else _signed(gain),
        best=_best_and_value(block),
    )


def _dot(row: Any, marker: Marker, lane: int, limit: float) -> Dot:
    x, std = row.mean * 10_000 / limit, row.std * 10_000 / limit
    low, high = max(0.0, x - std), min(100.0, x + std)
    text = f"{marker.name} {row.percent:.1f}"
    if row.n_seeds < row.n_runs:
        text += f" ({row.n_seeds} of {row.n_runs} seeds)"
    return Dot(marker, text, round(x, 2), round(low, 2), round(high, 2), lane * _LANE)


def _gain(block: pd.DataFrame) -> float | None:
    """By how much InDiReCT is above CLIP; None where one of them lacks a seed."""
    whole = block[is_whole(block)].dropna(subset="mean").set_index("method")["percent"]
    if OURS not in whole or BASELINE not in whole:
        return None
    return float(whole[OURS] - whole[BASELINE])


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−")


def _best_and_value(block: pd.DataFrame) -> str:
    """The best methods and what they reach; empty where there are none."""
    best = _best(block)
    if not best:
        return ""
    names = in_a_row([method_on_paper(method) for method in best])
    return f"{names} {block.loc[block['method'].isin(best), 'percent'].max():.1f}"


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
    clauses = (_above_baseline(blocks), _wins(blocks, compared))
    return "; ".join(filter(None, clauses)) + "."


def _above_baseline(blocks: list[pd.DataFrame]) -> str:
    """Where InDiReCT is above CLIP, and by how much; empty where no notion has both."""
    gains = [gain for block in blocks if (gain := _gain(block)) is not None]
    if not gains:
        return ""
    above = sum(gain > 0 for gain in gains)
    where = "the notion" if len(gains) == 1 else f"{above} of {len(gains)} notions"
    verb = "is above" if len(gains) > 1 or above else "is not above"
    # "by" would be wrong where some gains are losses
    amount = f"{_signed(sum(gains) / len(gains))} points of MAP@R"
    average = " on average" if len(gains) > 1 else ""
    return f"InDiReCT {verb} CLIP in {where} ({amount}{average})"


def _wins(blocks: list[pd.DataFrame], compared: str) -> str:
    """Which method is best in how many notions; empty where no method is."""
    wins = Counter(method for block in blocks for method in _best(block))
    if not wins:
        return ""
    names = [method_on_paper(method) for method, _ in wins.most_common()]
    if len(blocks) > 1:
        first, *others = (
            f"{name} in {n}" for name, (_, n) in zip(names, wins.most_common(), strict=True)
        )
        names = [f"{first} of {len(blocks)} notions", *others]
    return f"{compared} without labels is {in_a_row(names)}"
