"""A dataset that a class of torchvision's reads: which class, and which notions it has."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from lanzdml.config.section import MOST_LISTED, Name, PathName, Section
from lanzdml.datasets.from_torchvision import CLASSES, NOT_GIVEN, WHERE
from lanzdml.errors import suggest


def _argument(value: Any) -> Any:
    """One error for what is of no kind, in place of one for each."""
    if isinstance(value, str | bool | int):
        return value
    raise ValueError("should be a text, a whole number, true or false")


Arguments = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)],
        Annotated[StrictStr | StrictBool | StrictInt, BeforeValidator(_argument)],
    ],
    Field(
        default_factory=dict,
        max_length=MOST_LISTED,
        description="of the class's constructor, such as split",
    ),
]


class TorchvisionNotion(Section):
    """What the labels of a notion are: the dataset's classes, or what a table says of these."""

    arguments: Arguments
    classes: Annotated[
        PathName | None,
        Field(
            description="a .csv or .tsv with a column class (the name) or number (from 0 on), and "
            "one of the notion's name: the label of each class, empty where it has none"
        ),
    ] = None


class TorchvisionConfig(Section):
    """A class of torchvision.datasets, see docs/datasets.md."""

    dataset: Annotated[str, Field(description="the class, such as Food101")]
    arguments: Arguments
    notions: Annotated[
        dict[Name, TorchvisionNotion],
        Field(
            min_length=1,
            max_length=MOST_LISTED,
            description="what it has labels of, by name: {} for the classes as they are",
        ),
    ]

    @property
    def tables(self) -> dict[str, str]:
        """The tables of classes, by their keys."""
        return {
            f"notions.{name}.classes": notion.classes
            for name, notion in self.notions.items()
            if notion.classes is not None
        }

    @property
    def resolved(self) -> dict[str, Any]:
        """As :func:`lanzdml.datasets.find_dataset` takes it: each notion with all arguments."""
        return {
            "dataset": self.dataset,
            "notions": {
                name: {"arguments": self.arguments | notion.arguments, "classes": notion.classes}
                for name, notion in self.notions.items()
            },
        }

    def check(self, key: str) -> list[str]:
        """A line for each thing that is wrong with it; arguments are the job's to try.

        Args:
            key: of this section.
        """
        if self.dataset not in CLASSES:
            return [
                f"{key}.dataset: {self.dataset!r} is none of the classes that are read; "
                f"{suggest(self.dataset, CLASSES)} ({WHERE})"
            ]
        given = {f"{key}.arguments": self.arguments}
        given |= {
            f"{key}.notions.{name}.arguments": of.arguments for name, of in self.notions.items()
        }
        lines = [
            f"{where}.{name}: is not said here: root and download are the dataset's own keys, and "
            "an image is taken as it is"
            for where, arguments in given.items()
            for name in arguments
            if name in NOT_GIVEN
        ]
        for where, table in self.tables.items():
            if not Path(table).is_file():
                lines.append(f"{key}.{where}: there is no file {table}")
        return lines
