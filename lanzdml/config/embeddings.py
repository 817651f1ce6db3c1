"""The machine: how embeddings are computed. None of it changes a result by more than rounding."""

from typing import Annotated, Literal

from pydantic import Field

from lanzdml.config.section import Count, Section


class EmbeddingsConfig(Section):
    """How embeddings are computed."""

    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="auto: CUDA where there is one")
    ] = "auto"
    batch_size: Annotated[Count, Field(description="images a batch")] = 256
    workers: Annotated[
        int, Field(ge=0, description="processes that decode images; 0: in the main process")
    ] = 2
