"""What an experiment measures: a method on a notion, and the files that it reads of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim

if TYPE_CHECKING:
    from lanzdml.datasets.labels import LabelColumns

METRICS = ("map_at_r", "precision_at_1")
"""The metrics of what is measured."""


@dataclass(frozen=True)
class MeasureTask:
    """What an experiment measures of a method on a notion.

    Attributes:
        output: parquet of what it gives, with the columns of ``run``, ``dim`` and ``supervised``.
        experiment: a name of the registry.
        run: dataset, notion, model, protocol and method.
        dim: r' that is asked for, a number or "auto"; None for methods without one.
        settings: of the experiment.
        version: of the code that measures, and of the method's.
        images, manifest: the images' embeddings and labels.
        prompts: embeddings of the notion's prompts, where the experiment fits methods anew.
        against: and of the prompts of what must not matter, for a method that is told.
        labels: where the labels of the notion are in the manifest, by its name, and where it is
            scored on others, too, theirs.
        transforms: what the method learned, by all seeds, from the notion's own prompts; or
            finished vectors of others. None where it is of no run of the tables, or of another
            wording.
        seeds: of these; those of k-means where a method has none.
        external: of finished vectors what is told of them.
        wording: of the prompts, where the experiment measures each by itself.
        own_prompts: then those of the notion as it is configured.
    """

    output: str
    experiment: str
    run: Mapping[str, str]
    dim: Dim | None
    settings: Mapping[str, Any]
    version: str
    images: str
    manifest: str
    prompts: str | None
    against: Mapping[str, str]
    labels: "Mapping[str, LabelColumns]"
    transforms: Sequence[str]
    seeds: Sequence[int]
    external: Mapping[str, Any] | None = None
    wording: str | None = None
    own_prompts: str | None = None

    @property
    def files(self) -> list[str]:
        """All that is read."""
        given = [*dict.fromkeys(filter(None, [self.prompts, self.own_prompts]))]
        return [self.images, self.manifest, *given, *self.against.values(), *self.transforms]

    @property
    def supervised(self) -> bool:
        """Whether the method sees labels."""
        if self.external:
            return bool(self.external["supervised"])
        return METHODS[self.run["method"]].supervised
