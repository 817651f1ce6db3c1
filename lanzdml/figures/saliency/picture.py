"""Saliency: its section of the configuration, what is checked of it, and its words."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from lanzdml.config.choice import DimsOfModel
from lanzdml.config.section import Count
from lanzdml.figures.picture import HowMany, Picture
from lanzdml.figures.words import Words

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark

DIM = 2  # r', "thus only extracting the most important features" (section 6)


class SaliencyFigure(Picture):
    """What InDiReCT attends to more than CLIP, for each notion (the paper's figure 2)."""

    images: Annotated[HowMany, Field(description="how many images to draw, or the ids of some")] = 6
    measured: Annotated[
        Count,
        Field(description="on how many images the share on the foreground is measured, with masks"),
    ] = 100

    shows_images: ClassVar[bool] = True
    one_fit: ClassVar[str | None] = "maps are of one"
    words: ClassVar[Words] = Words(
        title="Where the methods look",
        seen="Images beside maps of the difference in saliency: yellow where InDiReCT attends more "
        "than CLIP, blue where CLIP does.",
        caption="Where InDiReCT, reduced to two dimensions, looks more than CLIP (yellow) and less "
        "(blue); grey is alike. Each map is the gradient of the distance between the embeddings of "
        "the image and of a black one, summed over noisy copies (SmoothGrad) and scaled to [0, 1]; "
        "shown is InDiReCT's minus CLIP's. Images were drawn at random unless the configuration "
        "names them. Where the dataset has masks, the foreground is outlined, and a table says "
        "which share of the difference is on it, with a 95 % interval. Compare figure 2 and "
        "appendix figure 1 of the paper.",
        category="Pictures",
    )

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Beside what all pictures need: a model that images can be put through."""
        lines = super().check(key, config)
        for name in self.models_used(config):
            if name in config.models and config.models[name].architecture is None:
                lines.append(
                    f"{key}.model: {name} has vectors only, and no architecture to put images "
                    "through; leave the figure out"
                )
        return lines

    def dim(self, config: "Benchmark") -> int:
        """Its own, whatever those of the configuration."""
        return DIM

    def dims_used(self, key: str, config: "Benchmark") -> list[DimsOfModel]:
        """Its own."""
        return [DimsOfModel(model, key, [DIM]) for model in self.models_used(config)]
