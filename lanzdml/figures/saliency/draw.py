"""The paper's figure 2 and appendix figure 1: where InDiReCT looks more than CLIP, and less."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lanzdml.figures.style import (
    DIFFERENCE_MAP,
    TEXT,
    TEXT_WIDTH,
    new_figure,
    picture_title,
    styled,
)
from lanzdml.figures.wrapping import wrap
from lanzdml.names import NOTION_NAMES, on_paper

PANEL = 1.55  # inches, at most
ROWS_HEIGHT = 7.7  # inches that a page has for all rows
TITLE_HEIGHT, BAR_HEIGHT = 0.15, 0.56
LINE, CHARACTER = 0.13, 0.072  # inches of a title
PERCENTILE = 99.5  # of the differences' sizes: what is higher has the colour of the end


@styled
def draw_saliency(
    images: NDArray[np.uint8],
    differences: NDArray[np.floating],
    masks: NDArray[np.bool_],
    notions: Sequence[str],
    *,
    dataset: str,
    model: str,
    dim: int,
) -> Figure:
    """A row an image: the image, and for each notion the difference of the saliency maps.

    Args:
        images: (n, height, width, 3), as the model sees them.
        differences: (n, number of notions, height, width), InDiReCT's map minus CLIP's, in [-1, 1].
        masks: (n, height, width), the foreground, which is outlined; all False where it is unknown.
        notions: their names, in the order of ``differences``.
        dataset, model, dim: for the title.
    """
    n_rows, n_columns = len(images), 1 + len(notions)
    side = min(PANEL, TEXT_WIDTH / n_columns, ROWS_HEIGHT / n_rows)
    names = ["Image", *(on_paper(notion, NOTION_NAMES) for notion in notions)]
    titles = ["\n".join(wrap(name, max(1, int(side / CHARACTER)))) for name in names]
    titles_height = LINE * max(len(title.splitlines()) for title in titles)
    height = TITLE_HEIGHT + titles_height + side * n_rows + BAR_HEIGHT
    figure = new_figure(side * n_columns, height)
    figure.suptitle(picture_title(dataset, model, dim))
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for panel, title in zip(axes[0], titles, strict=True):
        panel.set_title(title, pad=3)
    # The same for all maps; in steps of a tenth, so that figures of one model mostly agree.
    top = max(0.1, math.ceil(10 * np.percentile(np.abs(differences), PERCENTILE)) / 10)
    for row, image, maps, mask in zip(axes, images, differences, masks, strict=True):
        row[0].imshow(image)
        for panel, difference in zip(row[1:], maps, strict=True):
            drawn = panel.imshow(difference, cmap=DIFFERENCE_MAP, vmin=-top, vmax=top)
            if mask.any():
                panel.contour(mask, levels=[0.5], colors=TEXT, linewidths=0.5)
        for panel in row:
            panel.set_axis_off()
    bar = figure.colorbar(
        drawn, ax=axes, location="bottom", shrink=0.45, aspect=25, pad=0.04 / n_rows, extend="both",
        ticks=[-top, 0, top], format="{x:.1f}", label="saliency, InDiReCT − CLIP",
    )  # fmt: skip
    bar.outline.set_visible(False)
    for x, end, align in ((-0.08, "CLIP more", "right"), (1.08, "InDiReCT more", "left")):
        bar.ax.text(x, 0.5, end, transform=bar.ax.transAxes, ha=align, va="center")
    return figure
