"""Figures of the results: a picture is one folder here and one line in the registry.

A picture's module ``picture`` holds its section of the configuration, what is checked of it, and
its words. Jobs import the folder's other modules only, so that other words compute nothing anew:
those that compute what it shows, and ``draw``, which makes a :class:`matplotlib.figure.Figure` of
that.

The figures of experiments are drawn where these are, :mod:`lanzdml.experiments`.
:mod:`lanzdml.figures.style` holds what all of them look like and writes the files.
"""

from typing import TYPE_CHECKING

from lanzdml.registry import Registry

if TYPE_CHECKING:
    from lanzdml.figures.picture import Picture

PICTURES: Registry["Picture"] = Registry(
    __name__,
    trimap="trimap.picture:TrimapFigure",
    saliency="saliency.picture:SaliencyFigure",
    gallery="gallery.picture:GalleryFigure",
)
