"""The gallery: its section of the configuration, and its words."""

from typing import Annotated, ClassVar

from pydantic import Field

from lanzdml.figures.picture import HowMany, Picture
from lanzdml.figures.words import Words


class GalleryFigure(Picture):
    """The nearest images of a few queries, under CLIP and under InDiReCT for each notion."""

    queries: Annotated[
        HowMany, Field(description="how many queries, or the ids of some images")
    ] = 3

    shows_images: ClassVar[bool] = True
    words: ClassVar[Words] = Words(
        title="The method in one look",
        seen="Rows of images: a query, then its nearest neighbours, side by side for CLIP and for "
        "InDiReCT with each notion; frames mark neighbours of the query's class and others.",
        caption="The nearest images of a few queries: under raw CLIP, and under InDiReCT for each "
        "notion, nearest first. Marks say whether an image shares the query's class. Queries were "
        "drawn at random among the images with labels for the most notions, unless the "
        "configuration names them.",
        category="Pictures",
    )
