"""Vectors that are there already: of a dataset's images, or of a notion's prompts, by model."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from lanzdml.config.section import MOST_LISTED, Name, PathName, Section
from lanzdml.embeddings.vectors.reading import Kind, shape_of
from lanzdml.errors import LanzdmlError


class VectorsConfig(Section):
    """A file or folder of vectors, see docs/your-own.md."""

    file: Annotated[PathName, Field(min_length=1, description="file or folder of the vectors")]
    column: Annotated[
        str | None, Field(description="array or column of the vectors, where there are several")
    ] = None
    id: Annotated[
        str | None, Field(description="array or column of ids; image_id unless given, if there")
    ] = None

    def shape(self, kind: Kind) -> tuple[int | None, int] | None:
        """As :func:`lanzdml.embeddings.vectors.reading.shape_of`.

        Raises:
            LanzdmlError: there are no such vectors, as far as this can be seen.
        """
        if not Path(self.file).exists():
            raise LanzdmlError(f"there is no {self.file}")
        return shape_of(Path(self.file), kind, column=self.column, id_column=self.id)


def as_section(value: Any) -> Any:
    """A path alone is the file."""
    return {"file": value} if isinstance(value, str) else value


VectorsByModel = Annotated[
    dict[
        Name,
        Annotated[
            VectorsConfig, BeforeValidator(as_section, json_schema_input_type=str | VectorsConfig)
        ],
    ],
    Field(default_factory=dict, max_length=MOST_LISTED),
]


def check_shape(
    key: str,
    source: VectorsConfig,
    kind: Kind,
    n: int | None,
    dims: dict[str, tuple[str, int]],
    of: str,
) -> list[str]:
    """A line for a file of vectors that is not there, or of another shape than it should be.

    Args:
        key: of the vectors.
        source: where they are.
        kind: what they are of.
        n: how many there should be, where that is known.
        dims: of each model whose dimensions are known, who says so, and how many they are. What is
            seen here is added.
        of: the model's name among them.
    """
    try:
        shape = source.shape(kind)
    except LanzdmlError as error:
        return [f"{key}: {error}"]
    if shape is None:  # the job sees it
        return []
    lines = []
    if None not in (n, shape[0]) and shape[0] != n:
        lines.append(f"{key}: {source.file} holds {shape[0]:,} vectors, not {n:,}")
    who, dim = dims.setdefault(of, (key, shape[1]))
    if shape[1] != dim:
        lines.append(
            f"{key}: {source.file} holds vectors of {shape[1]:,} dimensions, but those of {who} "
            f"have {dim:,}"
        )
    return lines
