"""The gallery: its section of the configuration, and its words."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from lanzdml.figures.picture import HowMany, Picture
from lanzdml.figures.words import Words
from lanzdml.metrics.protocols import PROTOCOLS, Protocol

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark


class GalleryFigure(Picture):
    """The nearest images of a few queries, under CLIP and under InDiReCT for each notion."""

    queries: Annotated[
        HowMany, Field(description="how many queries, or the ids of some images")
    ] = 3

    shows_images: ClassVar[bool] = True
    retrieves: ClassVar[bool] = True
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

    @classmethod
    def words_by(cls, protocol: Protocol) -> Words:
        """Where queries are told from their gallery it says so."""
        if not protocol.split:
            return cls.words
        said = "The neighbours of a query are of the gallery only, as they are in the scores."
        return replace(cls.words, caption=f"{cls.words.caption} {said}")

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether there are images to show of the queries, too, where another dataset has them."""
        lines = super().check(key, config)
        dataset = config.datasets.get(self.dataset)
        if dataset is None or not PROTOCOLS[config.protocols[0]].split or dataset.queries is None:
            return lines
        others = config.datasets.get(dataset.queries.dataset or "")
        if others is not None and not others.has_images:
            lines.append(
                f"{key}.dataset: its queries are those of {dataset.queries.dataset}, which has no "
                "images to show; leave the figure out"
            )
        return lines
