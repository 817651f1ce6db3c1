"""A model: which CLIP embeds images and prompts."""

from typing import Annotated

from pydantic import Field

from lanzdml.config.section import PathName, Section
from lanzdml.embeddings.models import check_pretrained, read_architecture
from lanzdml.errors import LanzdmlError


class ModelConfig(Section):
    """A CLIP model of open_clip. The image size is the model's own."""

    architecture: Annotated[
        PathName,
        Field(
            description="open_clip model name or a model config (JSON); or a model with its "
            "weights: hf-hub:<org>/<repo> or local-dir:<folder>"
        ),
    ]
    pretrained: Annotated[
        PathName | None,
        Field(
            description="open_clip's tag for the weights, or a safetensors checkpoint; nothing "
            "for a model with its weights"
        ),
    ] = None

    def check(self, key: str) -> list[str]:
        """Whether there are such a model and such weights, as far as is known without a job.

        What its weights may be follows from the architecture, so nothing is said of them where
        that is wrong.
        """
        try:
            read_architecture(self.architecture)
        except LanzdmlError as error:
            return [f"{key}.architecture: {error}"]
        try:
            check_pretrained(self.architecture, self.pretrained)
        except LanzdmlError as error:
            return [f"{key}.pretrained: {error}"]
        return []

    def check_dims(self, key: str, name: str, dims: list[int]) -> list[str]:
        """Whether transformed embeddings are no larger than the model's own.

        Args:
            key: of the dims.
            name: of this model.
            dims: in the order of their list.
        """
        try:
            architecture = read_architecture(self.architecture)
        except LanzdmlError:  # a line of its own
            return []
        if architecture is None:  # of the hub and not fetched yet: the fits will see
            return []
        embed_dim = architecture["embed_dim"]
        return [
            f"{key}[{position}]: {dim} is larger than the {embed_dim} dimensions of models.{name}"
            for position, dim in enumerate(dims)
            if dim > embed_dim
        ]
