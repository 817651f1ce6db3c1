"""A model: which CLIP embeds images and prompts."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from lanzdml.config.section import PathName, Section
from lanzdml.embeddings.models import check_pretrained, read_architecture
from lanzdml.errors import LanzdmlError
from lanzdml.methods.dim import Dim


class ModelConfig(Section):
    """A CLIP model of open_clip, whose image size is its own; or any whose vectors are given."""

    architecture: Annotated[
        PathName | None,
        Field(
            description="open_clip model name or a model config (JSON); or a model with its "
            "weights: hf-hub:<org>/<repo> or local-dir:<folder>; nothing where all vectors are "
            "given"
        ),
    ] = None
    pretrained: Annotated[
        PathName | None,
        Field(
            description="open_clip's tag for the weights, or a safetensors checkpoint; nothing "
            "for a model with its weights"
        ),
    ] = None
    logit_scale: Annotated[
        float | None,
        Field(
            gt=0,
            le=1e6,
            description="inverse temperature of the model, for prompts whose vectors are given",
        ),
    ] = None

    def check(self, key: str) -> list[str]:
        """Whether there are such a model and such weights, as far as is known without a job.

        What its weights may be follows from the architecture, so nothing is said of them where
        that is wrong.
        """
        if self.architecture is None:
            return [] if self.pretrained is None else [f"{key}.pretrained: is for an architecture"]
        try:
            read_architecture(self.architecture)
        except LanzdmlError as error:
            return [f"{key}.architecture: {error}"]
        try:
            check_pretrained(self.architecture, self.pretrained)
        except LanzdmlError as error:
            return [f"{key}.pretrained: {error}"]
        return []

    @property
    def embed_dim(self) -> int | None:
        """Dimensions of its embeddings.

        None without an architecture, or with one that is wrong, which has a line of its own, or of
        the hub and not fetched yet.
        """
        try:
            architecture = read_architecture(self.architecture) if self.architecture else None
        except LanzdmlError:
            return None
        return None if architecture is None else architecture["embed_dim"]

    def check_dims(self, key: str, name: str, dims: Sequence[Dim]) -> list[str]:
        """Whether transformed embeddings are no larger than the model's own.

        Args:
            key: of the dims.
            name: of this model.
            dims: in the order of their list; "auto" is never larger.
        """
        if (embed_dim := self.embed_dim) is None:  # the fits will see
            return []
        return [
            f"{key}[{position}]: {dim} is larger than the {embed_dim} dimensions of models.{name}"
            for position, dim in enumerate(dims)
            if not isinstance(dim, str) and dim > embed_dim
        ]
