"""Prompts of a configuration: a template with aspects, or written out, and vectors of them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from lanzdml.config.messages import shorten
from lanzdml.config.section import Section, check_path
from lanzdml.config.vectors import VectorsByModel
from lanzdml.embeddings.prompts import FROM_LABELS, PLACEHOLDER, read_aspects, read_prompts
from lanzdml.errors import LanzdmlError


def _texts(value: Any) -> Any:
    """One error for what is neither of the two kinds, in place of one for each kind."""
    entries = value if isinstance(value, list) else [value]
    others = [number for number, entry in enumerate(entries, 1) if not isinstance(entry, str)]
    if not others:
        return check_path(value) if isinstance(value, str) else value
    hint = ""
    if isinstance(value, list):
        entry = shorten(value[others[0] - 1])
        hint = f" (entry {others[0]} needs quotes, as it is {entry} in YAML)"
    raise ValueError(f"should be a list of strings{hint} or the path of a file")


class PromptsSection(Section):
    """Prompts, given in one of two ways."""

    template: Annotated[
        str | None, Field(description=f"prompt with {PLACEHOLDER} for the aspect")
    ] = None
    aspects: Annotated[
        list[str] | str | None,
        Field(
            description="the aspects; or a file of them: .txt, one a line, or .csv or .tsv, "
            f"column aspect; or the word {FROM_LABELS}: the distinct labels of the dataset's images"
        ),
        BeforeValidator(_texts),
    ] = None
    prompts: Annotated[
        list[str] | str | None,
        Field(
            description="in place of template and aspects: the prompts; or a file of them: .txt, "
            "one a line, or .csv or .tsv, column prompt"
        ),
        BeforeValidator(_texts),
    ] = None
    vectors: Annotated[
        VectorsByModel,
        Field(
            description="vectors of the prompts that are there already, in the prompts' order, by "
            "model"
        ),
    ]

    def read_texts(self) -> list[str]:
        """Its prompts where they are written out, or else its aspects.

        Raises:
            LanzdmlError: it has none of its own, or they cannot be read.
        """
        if self.aspects != FROM_LABELS:
            if self.prompts is not None:
                return read_prompts(self.prompts)
            if self.aspects is not None:
                return read_aspects(self.aspects)
        raise LanzdmlError("there are no prompts but those that labels or parts make")

    def check_prompts(self, key: str, or_else: str = "") -> list[str]:
        """A line for each thing that is wrong with its prompts.

        Args:
            key: of the section.
            or_else: what there might be in their place, in words.
        """
        given = self.given("template", "aspects", "prompts")
        if given not in (["prompts"], ["template", "aspects"]):
            has = " and ".join(given) or "none of them"
            return [f"{key}: needs template and aspects, or else prompts{or_else}; it has {has}"]
        lines = []
        if self.template is not None:
            lines += check_template(f"{key}.template", self.template)
        if self.aspects != FROM_LABELS:
            try:
                if len(self.read_texts()) == 1:
                    lines.append(
                        f"{key}.{given[-1]}: there is only one; a notion needs two or more"
                    )
            except LanzdmlError as error:
                lines.append(f"{key}.{given[-1]}: {error}")
        return lines


def check_template(key: str, template: str) -> list[str]:
    """A line for a template that does not hold the placeholder once.

    Args:
        key: of the template.
        template: as given.
    """
    rest = template.replace(PLACEHOLDER, "", 1)
    if rest != template and not set(rest) & set("{}"):
        return []
    return [f"{key}: must hold {PLACEHOLDER} once and no other braces, not {template!r}"]
