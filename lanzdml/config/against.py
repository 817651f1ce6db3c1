"""What must not matter for a notion: other notions, or prompts of its own."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from lanzdml.config.prompts import PromptsSection
from lanzdml.config.section import MOST_LISTED, check_unique
from lanzdml.embeddings.prompts import FROM_LABELS
from lanzdml.errors import suggest


class AgainstConfig(PromptsSection):
    """Prompts of what must not matter."""

    def check(self, key: str) -> list[str]:
        """A line for each thing that is wrong with them."""
        if self.aspects == FROM_LABELS:
            return [f"{key}.aspects: are written out here: labels are of a notion"]
        return self.check_prompts(key)


def _kind(value: Any) -> Any:
    """One error for what is of no kind, in place of one for each."""
    if isinstance(value, dict | AgainstConfig):
        return value
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    raise ValueError("should be a list of notions, or template and aspects, or prompts")


Against = Annotated[
    Annotated[list[str], Field(max_length=MOST_LISTED)] | AgainstConfig | None,
    BeforeValidator(_kind, json_schema_input_type=list[str] | AgainstConfig),
]


def check_against(key: str, name: str, against: list[str], notions: Collection[str]) -> list[str]:
    """A line for each notion of a list that is none of the dataset's.

    Args:
        key: of the list.
        name: of the notion that it is of.
        against: the list.
        notions: of the dataset.
    """
    others = [other for other in notions if other != name]
    lines = check_unique(key, against)
    for other in dict.fromkeys(against):
        if other == name:
            lines.append(f"{key}: {name} cannot be what must not matter for itself")
        elif other not in notions:
            lines.append(
                f"{key}: {other!r} is no notion of the dataset; {suggest(other, others)}; "
                "for prompts say against: {prompts: [...]}"
            )
    return lines
