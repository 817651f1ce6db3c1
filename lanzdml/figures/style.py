"""What all figures look like: fonts, sizes, colours; and how they are written.

Colours are safe for the colour-blind: those of Okabe and Ito ("Color universal design", 2008) for
the paper's methods, then those of Tol's "muted" scheme (technical note SRON/EPS/TN/09-002) with
markers that are not filled. A method has the same colour and marker in every figure.

Whatever a label, a prompt or a name holds, a figure shows it as it stands: no text is read as maths
(:data:`_SETTINGS`), and letters that our font lacks are seen to when a figure is written
(:mod:`lanzdml.figures.fonts`).
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.colors import CSS4_COLORS, LinearSegmentedColormap, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from lanzdml.figures.fonts import FAMILY, complete_fonts, note_below
from lanzdml.files import replacing, write_text
from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim, size_on_paper
from lanzdml.names import DATASET_NAMES, on_paper
from lanzdml.tables.markup import rst_escape

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType  # of 3.11

TEXT_WIDTH = 6.875  # inches: both columns of a paper
DPI = 300

RIGHT, WRONG = "#0072B2", "#D55E00"
NO_CLASS, NO_LABEL = "#C8C8C8", "no label"
TEXT, MUTED = "#222222", "#666666"

_METHODS = {
    "random": ("#999999", "x"),
    "clip": ("#000000", "D"),
    "indirect": ("#D55E00", "o"),
    "random_transform": ("#56B4E9", "v"),
    "pca": ("#E69F00", "P"),
    "lae": ("#009E73", "s"),
    "ae": ("#0072B2", "^"),
    "oracle": ("#CC79A7", "*"),
}
_BEYOND: dict[str, tuple[str, Any]] = {  # three numbers are a star: points, 1, and its turn
    "text_subspace": ("#332288", "<"),
    "pca_rank": ("#882255", ">"),
    "indirect_svd": ("#117733", "p"),
    "prompt_posterior": ("#999933", "h"),
    "clay": ("#AA4499", "d"),
    "soft_subspace": ("#6699CC", (4, 1, 0)),
    "contrast_subspace": ("#661100", (6, 1, 0)),
    "null_space": ("#888888", "1"),
    "ignore": ("#BBAA33", "2"),
    "crl": ("#EE8866", "+"),
    "sqrt_posterior": ("#77AADD", "3"),
    "text_lda": ("#225555", "4"),
    "splice": ("#AA3377", "|"),
    "lda": ("#1B4F9C", (6, 2, 0)),
    "class_means": ("#B15928", (3, 1, 0)),
    "few_shot_posterior": ("#6A3D9A", (8, 1, 0)),
}
_OWN = [
    ("#88CCEE", "X"),
    ("#DDCC77", "8"),
    ("#44AA99", "H"),
    ("#CC6677", "."),
]

_MARKER_SCALE: dict[Any, float] = {
    **dict.fromkeys("*.1234", 1.7),
    **dict.fromkeys("xP+|", 1.2),
    **dict.fromkeys([(3, 1, 0), (4, 1, 0), (6, 1, 0), (8, 1, 0), (6, 2, 0)], 1.5),
}  # thin ones look smaller than they are

# Blue where CLIP's saliency is higher, yellow where InDiReCT's is (the paper's figure 2).
DIFFERENCE_MAP = LinearSegmentedColormap.from_list("difference", [RIGHT, "#9A9A9A", "#F0E442"])

_SETTINGS: "dict[RcKeyType, Any]" = {
    "font.family": FAMILY,
    "text.parse_math": False,  # a label may hold dollars
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.5,
    "figure.dpi": 100,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,  # text stays text
}

P = ParamSpec("P")
_log = logging.getLogger(__name__)


@contextmanager
def style() -> Iterator[None]:
    """Inside the block matplotlib draws in our style, whatever a user has set it to."""
    with mpl.rc_context():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
            defaults = {key: mpl.rcParamsDefault[key] for key in mpl.rcParamsDefault}
            del defaults["backend"]  # is the process' own, and none of a figure's
            mpl.rcParams.update(defaults | _SETTINGS)
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A drawing function whose figure is in our style."""

    @wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return draw_in_style


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, width and height in inches, that makes room for its labels by itself."""
    return Figure(figsize=(width, height), layout="constrained")


def write_figure(
    figure: Figure, paths: Iterable[str | os.PathLike[str]], caption: str = ""
) -> None:
    """Write a figure in the format of each path's suffix; the same figure gives the same bytes.

    What ends in ``.rst`` is the caption. Where no font has some letter, the figure says so below.
    """
    with style():
        note = complete_fonts(figure)
        if note:
            _log.warning(note)
        for path in map(Path, paths):
            if path.suffix == ".rst":
                write_text(path, f"{rst_escape(caption)}\n")
            else:
                _save(figure, path, note)


def _save(figure: Figure, path: Path, note: str) -> None:
    undated = {"CreationDate": None} if path.suffix == ".pdf" else None
    below = note_below(figure, note) if note else nullcontext()
    with replacing(path) as temporary, below as box, warnings.catch_warnings():
        if note:
            # It says so of each letter.
            warnings.filterwarnings("ignore", "Glyph|Matplotlib currently does not support")
        figure.savefig(temporary, metadata=undated, bbox_inches=box)


def picture_title(dataset: str, model: str, dim: Dim) -> str:
    """What a picture is of: its dataset, model and r'."""
    return f"{on_paper(dataset, DATASET_NAMES)}, {model}, {size_on_paper(dim)}"


def method_look(method: str) -> dict[str, Any]:
    """How a method is drawn: colour and marker, for one of somebody's own as it asks for it."""
    known = _METHODS | _BEYOND
    if method in known:
        color, marker = known[method]
    else:
        own = [name for name in METHODS if name not in known]
        color, marker = _OWN[own.index(method) % len(_OWN) if method in own else 0]
        guest = METHODS.guest(method)
        color = guest.color if guest and guest.color else color
    size = mpl.rcParams["lines.markersize"] * _MARKER_SCALE.get(marker, 1)
    face = color if method in _METHODS else "white"
    return {"color": color, "marker": marker, "markersize": size, "markerfacecolor": face}


def own_colors(classes: Sequence[str]) -> list[str | None]:
    """The CSS colours that classes are named after ("Light Blue"), if most of them are.

    None for each of the rest ("mixed"), and for all where few are ("tan" among countries).
    """
    names = [name.lower().replace(" ", "") for name in classes]
    own = [name if name in CSS4_COLORS else None for name in names]
    return own if own.count(None) * 2 < len(own) else [None] * len(own)


def class_colors(classes: Sequence[str]) -> list[ColorType]:
    """A colour for each class: its own, see :func:`own_colors`, or else one apart by hue."""
    own = own_colors(classes)
    if not any(own):
        return _apart(len(classes))
    free = _apart(max(own.count(None), len(_METHODS)))
    colors = to_rgba_array(free)
    gaps = np.full(len(free), np.inf)  # of each to the nearest that is taken

    def take(color: ColorType) -> ColorType:
        np.minimum(gaps, np.square(colors - to_rgba_array(color)).sum(axis=1), out=gaps)
        return color

    def farthest() -> ColorType:
        position = int(gaps.argmax())
        color = take(free[position])
        gaps[position] = -np.inf  # taken itself
        return color

    for color in dict.fromkeys(filter(None, own)):
        take(color)
    # Each of the rest takes what is farthest from all taken, and should have another marker, too.
    return [color or farthest() for color in own]


def _apart(number: int) -> list[ColorType]:
    if number <= len(_METHODS):
        return [color for color, _ in list(_METHODS.values())[::-1][:number]]
    return list(mpl.colormaps["turbo"]([i / (number - 1) for i in range(number)]))
