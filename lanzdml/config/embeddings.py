"""The machine: how embeddings are computed. None of it changes a result by more than rounding."""

from typing import Annotated, Literal

from pydantic import Field

from lanzdml.config.section import Section


class EmbeddingsConfig(Section):
    """How embeddings are computed."""

    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="auto: CUDA where there is one")
    ] = "auto"
    batch_size: Annotated[int, Field(ge=1, le=2**16, description="images a batch")] = 256
    workers: Annotated[
        int,
        Field(ge=0, le=256, description="processes that decode images; 0: in the main process"),
    ] = 2
