"""Other wordings of a notion: variants of its prompts, and an ensemble of templates."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import ConfigDict, Field

from lanzdml.config.prompts import PromptsSection, check_template
from lanzdml.config.section import MOST_LISTED, Name, check_unique
from lanzdml.embeddings.prompts import ENSEMBLE, FROM_LABELS, MOST_PROMPTS, OWN, PLACEHOLDER
from lanzdml.embeddings.storage import digest_of


class VariantConfig(PromptsSection):
    """Another wording: what it leaves out of template and aspects is the notion's."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [key]} for key in ("template", "aspects", "prompts")]
        }
    )

    def filled(self, own: PromptsSection) -> Self:
        """With the notion's template or aspects where it has none of its own."""
        if self.prompts is not None:
            return self
        left_out = [key for key in ("template", "aspects") if key not in self.given(key)]
        return self.model_copy(update={key: getattr(own, key) for key in left_out})

    def check(self, key: str, own: PromptsSection) -> list[str]:
        """A line for each thing that is wrong with it.

        Args:
            key: of the variant.
            own: the notion, in which nothing is wrong.
        """
        given = self.given("template", "aspects", "prompts")
        needs = "needs another template or other aspects, or else prompts"
        if not given or ("prompts" in given and len(given) > 1):
            return [f"{key}: {needs}; it has {' and '.join(given) or 'none of them'}"]
        if len(given) == 1 and own.prompts is not None and self.prompts is None:
            return [
                f"{key}: needs template and aspects, or else prompts, as those of the notion are "
                f"written out; it has {given[0]}"
            ]
        return self.filled(own).check_prompts(key)


Variants = Annotated[dict[Name, VariantConfig] | None, Field(max_length=MOST_LISTED)]
Ensemble = Annotated[list[str] | None, Field(min_length=2, max_length=MOST_LISTED)]


def check_variants(key: str, own: PromptsSection, variants: dict[str, VariantConfig]) -> list[str]:
    """A line for each thing that is wrong with a notion's variants.

    Args:
        key: of the variants.
        own: the notion, in which nothing is wrong.
        variants: by name.
    """
    lines, whose = [], {_digest(own): "the notion itself"}
    for name, variant in variants.items():
        where = f"{key}.{name}"
        if name in (OWN, ENSEMBLE):
            lines.append(f"{where}: {OWN} and {ENSEMBLE} are taken; choose another name")
        elif wrong := variant.check(where, own):
            lines += wrong
        else:
            other = whose.setdefault(_digest(variant.filled(own)), name)
            if other != name:
                lines.append(f"{where}: changes nothing: {other} has the same prompts; delete it")
    return lines


def _digest(prompts: PromptsSection) -> str:
    """Of prompts in any order."""
    template = prompts.template or PLACEHOLDER
    if prompts.aspects == FROM_LABELS:
        return digest_of([FROM_LABELS, template])
    return digest_of(sorted(template.replace(PLACEHOLDER, text) for text in prompts.read_texts()))


def check_ensemble(key: str, own: PromptsSection, templates: Sequence[str]) -> list[str]:
    """A line for each thing that is wrong with a notion's ensemble.

    Args:
        key: of the ensemble.
        own: the notion, in which nothing is wrong.
        templates: of the ensemble.
    """
    if own.prompts is not None:
        return [
            f"{key}: its templates are filled with aspects, and the notion's prompts are written "
            "out; list variants with other prompts"
        ]
    lines = check_unique(key, list(templates))
    for position, template in enumerate(templates):
        lines += check_template(f"{key}[{position}]", template)
    if own.aspects != FROM_LABELS and len(own.read_texts()) * len(templates) > MOST_PROMPTS:
        lines.append(
            f"{key}: makes more than {MOST_PROMPTS:,} prompts of {len(templates):,} templates; "
            "list fewer"
        )
    return lines
