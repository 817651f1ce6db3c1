"""What pictures have in common: InDiReCT beside CLIP, on the images of one dataset."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from lanzdml.config.choice import Choice, ModelOfTables, check_names, check_notions
from lanzdml.config.section import MOST_LISTED, Count
from lanzdml.figures.words import Words
from lanzdml.methods.dim import Dim
from lanzdml.metrics.protocols import Protocol

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark

MOST_DRAWN = 20  # images or queries in one figure


def _how_many(value: Any) -> Any:
    """One error for what is neither of the two kinds, in place of one for each kind."""
    ids = isinstance(value, list) and all(isinstance(text, str) for text in value)
    number = isinstance(value, int) and not isinstance(value, bool)
    if (ids or number) and 0 < (len(value) if ids else value) <= MOST_DRAWN:
        return value
    raise ValueError(
        f"should be a number from 1 to {MOST_DRAWN}, or a list of so many image ids (strings)"
    )


HowMany = Annotated[Count | list[str], BeforeValidator(_how_many)]


class Picture(Choice):
    """A picture of one dataset and model: InDiReCT at one dim and the first seed beside CLIP."""

    dataset: Annotated[str, Field(description="name of a dataset")]
    model: ModelOfTables = None
    notions: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="all notions of the dataset unless given, scored or not, but combined ones",
        ),
    ] = None

    words: ClassVar[Words]
    shows_images: ClassVar[bool] = False
    """Whether it needs the images themselves, and not their vectors only."""
    retrieves: ClassVar[bool] = False
    """Whether some images are queries in it: by the first protocol, as all that it goes by."""
    one_fit: ClassVar[str | None] = None
    """Why it cannot have a stacked notion, which is several fits; None where it can."""

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Beside what is listed twice: its model, its dataset and notions, and InDiReCT."""
        lines = super().check(key, config)
        named = [self.model] if self.model is not None else []
        lines += check_names(f"{key}.model", named, "models", config.models)
        if self.dataset not in config.datasets:
            unknown = check_names(f"{key}.dataset", [self.dataset], "datasets", config.datasets)
            return lines + unknown
        notions = config.datasets[self.dataset].notions
        lines += check_notions(
            f"{key}.notions", self.notions, notions, "notion", self.dataset, self.one_fit
        )
        if self.shows_images and not config.datasets[self.dataset].has_images:
            lines.append(
                f"{key}.dataset: {self.dataset} has vectors and labels only, and no images to "
                "show; leave the figure out"
            )
        if "indirect" not in config.methods:
            lines.append(f"{key}: shows what InDiReCT learned; list indirect in methods")
        return lines

    @classmethod
    def words_by(cls, protocol: Protocol) -> Words:
        """Its words where that is the first protocol."""
        return cls.words

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """The first model of the tables, and all notions."""
        notions = config.datasets[self.dataset].notions
        return {
            "model": config.main_models[0],
            "notions": [name for name, notion in notions.items() if notion.combine is None],
        }

    def models_used(self, config: "Benchmark") -> list[str]:
        """The one."""
        return [self.model or config.main_models[0]]

    def dim(self, config: "Benchmark") -> Dim:
        """The r' that it shows InDiReCT by."""
        return config.dims[0]
