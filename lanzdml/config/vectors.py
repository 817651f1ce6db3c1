"""Vectors that are there already: of a dataset's images, or of a notion's prompts, by model."""

from collections.abc import Mapping
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


def _section(value: Any) -> Any:
    """A path alone is the file."""
    return {"file": value} if isinstance(value, str) else value


VectorsByModel = Annotated[
    dict[
        Name,
        Annotated[
            VectorsConfig, BeforeValidator(_section, json_schema_input_type=str | VectorsConfig)
        ],
    ],
    Field(default_factory=dict, max_length=MOST_LISTED),
]


def check_shapes(
    key: str,
    vectors: Mapping[str, VectorsConfig],
    kind: Kind,
    n: int | None,
    dims: dict[str, tuple[str, int]],
) -> list[str]:
    """A line for each file of vectors that is not there, or of another shape than it should be.

    Args:
        key: of the vectors.
        vectors: by model.
        kind: what they are of.
        n: how many there should be, where that is known.
        dims: of each model whose dimensions are known, who says so, and how many they are. What is
            seen here is added.
    """
    lines = []
    for model, source in vectors.items():
        where = f"{key}.{model}"
        try:
            shape = source.shape(kind)
        except LanzdmlError as error:
            lines.append(f"{where}: {error}")
            continue
        if shape is None:  # the job sees it
            continue
        if None not in (n, shape[0]) and shape[0] != n:
            lines.append(f"{where}: {source.file} holds {shape[0]:,} vectors, not {n:,}")
        who, dim = dims.setdefault(model, (where, shape[1]))
        if shape[1] != dim:
            lines.append(
                f"{where}: {source.file} holds vectors of {shape[1]:,} dimensions, but those of "
                f"{who} have {dim:,}"
            )
    return lines
