"""Finished vectors of a method that somebody ran elsewhere, which are scored for a notion."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from lanzdml.config.section import MOST_LISTED, Name, Section
from lanzdml.config.vectors import VectorsConfig, as_section, check_shape
from lanzdml.embeddings.vectors.reading import Kind


def _files(value: Any) -> Any:
    """A file alone is a list of one."""
    return [as_section(each) for each in (value if isinstance(value, list) else [value])]


class ExternalConfig(Section):
    """Vectors of the dataset's images, of any size, as a method made them for a notion."""

    vectors: Annotated[
        list[VectorsConfig],
        Field(min_length=1, max_length=MOST_LISTED, description="a file; or several, one a seed"),
        BeforeValidator(_files, json_schema_input_type=str | VectorsConfig | list),
    ]
    source: Annotated[
        str,
        Field(min_length=1, max_length=500, description="where they come from, for the tables"),
    ]
    supervised: Annotated[
        bool, Field(description="true: it saw labels of these images, and is no competitor")
    ] = False


ExternalByName = Annotated[
    dict[Name, ExternalConfig], Field(default_factory=dict, max_length=MOST_LISTED)
]


def check_external(
    key: str,
    external: Mapping[str, ExternalConfig],
    n_images: int | None,
    taken: Sequence[str],
    seeds: Sequence[int],
) -> list[str]:
    """A line for each thing that is wrong with a notion's finished vectors.

    Args:
        key: of them.
        external: by the method's name.
        n_images: of the dataset, where that is known.
        taken: names of other methods.
        seeds: of the configuration.
    """
    lines = []
    for name, given in external.items():
        where = f"{key}.{name}"
        if name in taken:
            lines.append(f"{where}: there is a method of this name; give the vectors another")
        if len(given.vectors) not in (1, len(seeds)):
            lines.append(
                f"{where}.vectors: lists {len(given.vectors)} files; give one, or one for each of "
                f"the {len(seeds)} seeds"
            )
        dims: dict[str, tuple[str, int]] = {}
        for number, source in enumerate(given.vectors):
            lines += check_shape(
                f"{where}.vectors[{number}]", source, Kind.IMAGES, n_images, dims, name
            )
    return lines
