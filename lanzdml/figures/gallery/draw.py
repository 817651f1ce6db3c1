"""Retrieval at a glance: the nearest images by CLIP, and by InDiReCT for each notion."""

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lanzdml.arithmetic.labels import has_several
from lanzdml.datasets.labels import label_text
from lanzdml.figures.gallery.retrieval import N_NEIGHBOURS, Retrieval, Shown
from lanzdml.figures.style import (
    MUTED,
    NO_LABEL,
    RIGHT,
    TEXT,
    TEXT_WIDTH,
    WRONG,
    new_figure,
    picture_title,
    styled,
)
from lanzdml.figures.wrapping import from_left, wrap
from lanzdml.methods.dim import Dim
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, NOTION_NAMES, on_paper

RIGHT_MARK, WRONG_MARK, NO_MARK = "✔", "✘", "–"
_LOOKS = {True: (RIGHT_MARK, RIGHT), False: (WRONG_MARK, WRONG), None: (NO_MARK, MUTED)}

# Inches, from the left and from the top.
_QUERY, _QUERY_SIZE = 0.06, 1.0
_NAMES_END = 2.0
_THUMBS, _THUMBS_END = 2.08, 6.32
_COUNTS_END = TEXT_WIDTH - 0.06
_PITCH = (_THUMBS_END - _THUMBS) / N_NEIGHBOURS
_THUMB = _PITCH - 0.06
_HEAD, _FOOT, _GAP = 0.52, 0.34, 0.16
_LINE = 0.105  # of the smallest text
_MOST_LINES = 8  # of a label of the query
_SMALL, _SMALLEST = 6, 5.3  # points


@styled
def draw_gallery(
    retrievals: Sequence[Retrieval],
    *,
    dataset: str,
    model: str,
    dim: Dim,
    queries_of: str | None = None,
) -> Figure:
    """A block a query: its neighbours by CLIP, then a row a notion by InDiReCT.

    Marks below a neighbour say whether it has the query's label, or one of several: for CLIP, one
    for each notion; for InDiReCT, that of its notion with the label it has instead. At the right
    end they are counted, of as many as there could be.
    Where the query has no label, there is nothing to mark.

    Args:
        retrievals: from top to bottom, all with the same notions.
        dataset, model, dim: for the title.
        queries_of: the dataset whose images are queries to a gallery; each image is one to all
            others unless given.
    """
    notions = list(retrievals[0].indirect)
    captions = [_caption(retrieval.query, notions) for retrieval in retrievals]
    lines = [
        len(_below(retrieval, shown, notion))
        for retrieval in retrievals
        for notion, neighbours in retrieval.indirect.items()
        for shown in neighbours
    ]
    row = _THUMB + 0.1 + max(lines, default=0) * _LINE  # none in a dataset of one image
    heights = [
        max((len(notions) + 1) * row, _QUERY_SIZE + (len(caption) + 1) * _LINE)
        for caption in captions
    ]
    height = _HEAD + sum(heights) + len(heights) * _GAP + _FOOT

    figure = new_figure(TEXT_WIDTH, height)
    figure.set_layout_engine("none")
    # One axes for all, in inches: sizes of text and images have to fit each other.
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, TEXT_WIDTH), ylim=(height, 0))
    ax.set_axis_off()
    title = picture_title(dataset, model, dim)
    ax.text(TEXT_WIDTH / 2, 0.15, title, fontsize="large", ha="center", va="center")
    top = _HEAD
    ax.text(_QUERY, top - 0.06, "Query")
    ax.text(_THUMBS, top - 0.06, _heading(dataset, queries_of))
    ax.text(_COUNTS_END, top - 0.06, "Right", ha="right")
    for retrieval, caption, block in zip(retrievals, captions, heights, strict=True):
        ax.plot([_QUERY, _COUNTS_END], [top - 0.03] * 2, color=MUTED, linewidth=0.5)
        _draw_block(ax, retrieval, caption, top + 0.05, row)
        top += block + _GAP
    labels = [label for retrieval in retrievals for label in retrieval.query.labels.values()]
    _draw_legend(ax, top + 0.05, has_several(labels))
    return figure


def _draw_block(
    ax: Axes, retrieval: Retrieval, caption: Sequence[str], top: float, row: float
) -> None:
    _draw_image(ax, retrieval.query, _QUERY, top, _QUERY_SIZE, TEXT)
    below = top + _QUERY_SIZE + 0.05
    ax.text(_QUERY, below, "\n".join(caption), fontsize=_SMALL, va="top", linespacing=1.15)
    _draw_clip(ax, retrieval, top)
    for notion in retrieval.indirect:
        top += row
        _draw_indirect(ax, retrieval, notion, top)


def _draw_clip(ax: Axes, retrieval: Retrieval, top: float) -> None:
    _draw_name(ax, [METHOD_NAMES["clip"]], top)
    marked = list(retrieval.indirect) if retrieval.query.labels else []
    for x, shown in _places(retrieval.clip):
        _draw_image(ax, shown, x, top, _THUMB, MUTED)
        for i, notion in enumerate(marked):
            mark, color = _LOOKS[retrieval.is_right(shown, notion)]
            _draw_below(ax, mark, x + (i + 0.5) * _THUMB / len(marked), top, color, _SMALL)


def _draw_indirect(ax: Axes, retrieval: Retrieval, notion: str, top: float) -> None:
    neighbours = retrieval.indirect[notion]
    name = wrap(on_paper(notion, NOTION_NAMES), 16)
    _draw_name(ax, [METHOD_NAMES["indirect"], *name], top)
    for x, shown in _places(neighbours):
        right = retrieval.is_right(shown, notion)
        color = _LOOKS[right][1]
        _draw_image(ax, shown, x, top, _THUMB, color, 0.5 if right is None else 1)
        text = "\n".join(_below(retrieval, shown, notion))
        _draw_below(ax, text, x + _THUMB / 2, top, color, _SMALLEST)
    write = partial(ax.text, _COUNTS_END, ha="right", va="center")
    middle = top + _THUMB / 2
    if notion in retrieval.query.labels:
        count = _count(retrieval, neighbours, notion)
        clip = f"{METHOD_NAMES['clip']} {_count(retrieval, retrieval.clip, notion)}"
        write(middle - 0.07, count, fontsize="large")
        middle += 0.08
    else:
        clip = NO_LABEL
    write(middle, clip, fontsize=_SMALL, color=MUTED)


def _places(neighbours: Sequence[Shown]) -> list[tuple[float, Shown]]:
    return [(_THUMBS + i * _PITCH, shown) for i, shown in enumerate(neighbours)]


def _draw_image(
    ax: Axes, shown: Shown, left: float, top: float, size: float, color: str, width: float = 0.5
) -> None:
    """An image in the middle of a square with a frame."""
    w, h = (size * side / max(shown.image.size) for side in shown.image.size)
    x, y = left + (size - w) / 2, top + (size - h) / 2
    square = partial(Rectangle, (left, top), size, size)
    ax.add_patch(square(facecolor="#F4F4F4", linewidth=0))
    ax.imshow(shown.image, extent=(x, x + w, y + h, y), aspect="auto", zorder=1)
    ax.add_patch(square(fill=False, edgecolor=color, linewidth=width, zorder=2))


def _draw_below(ax: Axes, text: str, x: float, top: float, color: str, size: float) -> None:
    y = top + _THUMB + 0.03
    ax.text(x, y, text, color=color, fontsize=size, ha="center", va="top", linespacing=1.1)


def _draw_name(ax: Axes, lines: Sequence[str], top: float) -> None:
    y = top + _THUMB / 2
    ax.text(_NAMES_END, y, "\n".join(lines), ha="right", va="center", linespacing=1.2)


def _draw_legend(ax: Axes, y: float, several: bool) -> None:
    x = _QUERY
    for text, color in (
        (f"{RIGHT_MARK} the query's label{', or one of several' if several else ''}", RIGHT),
        (f"{WRONG_MARK} another label", WRONG),
        (f"{NO_MARK} {NO_LABEL}", MUTED),
        ("CLIP: a mark for each notion, in the order of the rows below it", TEXT),
    ):
        ax.text(x, y, text, color=color, fontsize=_SMALL, va="center")
        x += len(text) * 0.046 + 0.15


def _heading(dataset: str, queries_of: str | None) -> str:
    """What neighbours are."""
    if queries_of is None:
        return "Nearest images, the nearest first"
    if queries_of == dataset:
        return "Nearest images of the gallery, the nearest first"
    gallery, queries = (on_paper(name, DATASET_NAMES) for name in (dataset, queries_of))
    return wrap(f"Nearest images of {gallery} to queries of {queries}", 62, most_lines=1)[0]


def _below(retrieval: Retrieval, shown: Shown, notion: str) -> list[str]:
    """The lines below a neighbour in the row of a notion."""
    if notion not in retrieval.query.labels:
        return []
    right = retrieval.is_right(shown, notion)
    mark = _LOOKS[right][0]
    text = f"{mark} {label_text(shown.labels[notion])}" if right is False else mark
    first, *more = wrap(text, 13, most_lines=2)
    return [from_left(first), *more]


def _caption(query: Shown, notions: Sequence[str]) -> list[str]:
    """The query's labels, in lines as wide as its image."""
    lines = []
    for notion in notions:
        label = (
            f"{on_paper(notion, NOTION_NAMES)}: {label_text(query.labels.get(notion, NO_LABEL))}"
        )
        lines += wrap(label, 23, indent="  ", most_lines=_MOST_LINES)
    return lines


def _count(retrieval: Retrieval, neighbours: Sequence[Shown], notion: str) -> str:
    """How many neighbours are right, of as many as could be."""
    right = sum(bool(retrieval.is_right(shown, notion)) for shown in neighbours)
    return f"{right} of {retrieval.possible[notion]}"
