"""A similarity notion: its prompts, or the notions that it combines."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from lanzdml.config.against import Against, AgainstConfig, check_against
from lanzdml.config.external import ExternalByName
from lanzdml.config.prompts import PromptsSection
from lanzdml.config.section import MOST_LISTED, check_unique
from lanzdml.config.wordings import Ensemble, Variants, check_ensemble, check_variants
from lanzdml.embeddings.prompts import ENSEMBLE, FROM_LABELS, OWN, PLACEHOLDER
from lanzdml.errors import suggest

OF_PARTS = (
    "template", "aspects", "prompts", "labels", "labels_separator", "variants", "ensemble",
)  # fmt: skip


class NotionConfig(PromptsSection):
    """A similarity notion: its prompts are the template filled with each aspect, or written out.

    A combined one is made of several others.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["template", "aspects"]},
                {"required": ["prompts"]},
                {"required": ["combine"]},
            ]
        }
    )

    against: Annotated[
        Against,
        Field(
            description="what must not matter: notions of the dataset, or prompts; its other "
            "notions unless given"
        ),
    ] = None
    variants: Annotated[
        Variants,
        Field(
            description="other wordings of its prompts, by name: another template, other aspects "
            "or prompts"
        ),
    ] = None
    ensemble: Annotated[
        Ensemble,
        Field(
            description="one more wording: two or more templates, whose embeddings, each of unit "
            "length, are averaged an aspect"
        ),
    ] = None
    external: Annotated[
        ExternalByName,
        Field(description="finished vectors of other methods, to be scored beside ours, by name"),
    ]
    labels: Annotated[
        str | None,
        Field(description="the notion or column that its labels are of; its own name unless given"),
    ] = None
    labels_separator: Annotated[
        str | None,
        Field(
            description="what separates the values in a label, where an image may have several; "
            "images agree when they share one"
        ),
    ] = None
    combine: Annotated[
        list[str] | None,
        Field(
            min_length=2,
            max_length=MOST_LISTED,
            description="in place of prompts: two or more notions of the dataset, which images are "
            "to agree in at once",
        ),
    ] = None
    by: Annotated[
        Literal["stacked", "union"] | None,
        Field(
            description="how combine does it. stacked, unless given: what each method learned for "
            "the parts, side by side; union: one fit to the prompts of all parts"
        ),
    ] = None
    weights: Annotated[
        list[Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)]] | None,
        Field(
            max_length=MOST_LISTED,
            description="of the parts in a stack, as many as in combine; equal unless given",
        ),
    ] = None
    scored: Annotated[
        bool,
        Field(description="false: prompts are embedded and methods fitted, without any labels"),
    ] = True
    sampled_classes: Annotated[
        bool,
        Field(
            description="true: the classes are a sample of more, as species and car models are; "
            "differences get an interval for other classes, too"
        ),
    ] = False

    @property
    def stacked(self) -> bool:
        """Whether it is several fits, side by side."""
        return self.combine is not None and self.by != "union"

    @property
    def told(self) -> str:
        """Its template; of a combined one what it combines, and how, by weights that differ."""
        if self.combine:
            weights = self.weights or []
            of_each = ":".join(f"{weight:g}" for weight in weights)
            by = "" if len(set(weights)) < 2 else f" {of_each}"
            return f"{' + '.join(self.combine)}, {self.by}{by}"
        return self.template or PLACEHOLDER

    @property
    def wordings(self) -> list[str]:
        """The names of its wordings: its own prompts, the variants and the ensemble."""
        return [OWN, *(self.variants or ()), *([ENSEMBLE] if self.ensemble else ())]

    @property
    def sections(self) -> dict[str, PromptsSection]:
        """All that says prompts but for the ensemble, by what is behind its own key."""
        against = {".against": self.against} if isinstance(self.against, AgainstConfig) else {}
        variants = self.variants or {}
        return {"": self} | against | {f".variants.{name}": variants[name] for name in variants}

    @property
    def takes_labels(self) -> bool:
        """Whether the labels of the dataset's images are aspects of one of its wordings."""
        wordings = (self, *(self.variants or {}).values())
        return any(section.aspects == FROM_LABELS for section in wordings)

    def resolved(self) -> Self:
        """With the way that it is combined in, if it is; else with variants that are whole."""
        if self.combine is None:
            variants = self.variants or {}
            filled = {name: variant.filled(self) for name, variant in variants.items()}
            return self.model_copy(update={"variants": filled})
        by = self.by or "stacked"
        equal = [1.0] * len(self.combine) if by == "stacked" else None
        return self.model_copy(update={"by": by, "weights": self.weights or equal})

    def check(self, key: str) -> list[str]:
        """What can be told of a notion alone."""
        lines = []
        if self.sampled_classes and not self.scored:
            lines.append(
                f"{key}.sampled_classes: the notion is not scored, so there is no interval; "
                "leave it out"
            )
        if self.labels_separator is not None:
            lines += self._check_separator(key)
        if self.stacked and self.against is not None:
            lines.append(
                f"{key}.against: a stack is what methods learned for its parts, so say it of these"
            )
        elif isinstance(self.against, AgainstConfig):
            lines += self.against.check(f"{key}.against")
        return lines if self.combine is not None else [*lines, *self._check_prompts(key)]

    def _check_separator(self, key: str) -> list[str]:
        bare = (self.labels_separator or "").strip() or self.labels_separator
        if not bare or bare != self.labels_separator:
            return [
                f"{key}.labels_separator: should be what is between the values of a label, such as "
                f"'|', and no blanks around it, not {self.labels_separator!r}"
            ]
        if self.sampled_classes:
            return [
                f"{key}.sampled_classes: an image of several values is not of one class, so there "
                "is no interval for other classes; leave it out"
            ]
        return []

    def check_against(
        self, key: str, name: str, notions: "Mapping[str, NotionConfig]"
    ) -> list[str]:
        """Whether the notions that must not matter for it are there.

        Args:
            key: of this notion.
            name: its own.
            notions: all of the dataset.
        """
        if not isinstance(self.against, list):
            return []
        return check_against(f"{key}.against", name, self.against, notions)

    def _check_prompts(self, key: str) -> list[str]:
        """Whether there are prompts in one of the two ways, and these can be read."""
        lines = [
            f"{key}.{name}: is for a notion with combine" for name in self.given("by", "weights")
        ]
        if wrong := self.check_prompts(key, or_else=", or else combine"):
            return [*lines, *wrong]
        if self.variants:
            lines += check_variants(f"{key}.variants", self, self.variants)
        if self.ensemble:
            lines += check_ensemble(f"{key}.ensemble", self, self.ensemble)
        return lines

    def check_parts(
        self, key: str, name: str, notions: "Mapping[str, NotionConfig]", known: Collection[str]
    ) -> list[str]:
        """Whether a combined notion combines others of its dataset, and says nothing they say.

        Args:
            key: of this notion.
            name: its own.
            notions: all of the dataset.
            known: what the dataset has labels of.
        """
        parts = self.combine or []
        lines = [
            f"{key}.{taken}: is that of the parts in a notion that combines others; leave it out"
            for taken in self.given(*OF_PARTS)
        ]
        lines += check_unique(f"{key}.combine", parts)
        plain = [other for other, settings in notions.items() if settings.combine is None]
        for part in dict.fromkeys(parts):
            if part == name:
                lines.append(f"{key}.combine: {name} cannot be a part of itself")
            elif part not in notions:
                lines.append(
                    f"{key}.combine: {part!r} is no notion of the dataset; {suggest(part, plain)}"
                )
            elif part not in plain:
                lines.append(f"{key}.combine: {part} combines others itself; list those")
            elif self.scored and not notions[part]._labelled(part, known):
                lines.append(f"{key}.combine: {part} has no labels; say scored: false here, too")
        return [*lines, *self._check_weights(key, len(parts))]

    def _check_weights(self, key: str, n_parts: int) -> list[str]:
        if self.weights is None:
            return []
        if self.by == "union":
            return [f"{key}.weights: are for by: stacked; a union is one fit to all prompts"]
        if len(self.weights) != n_parts:
            return [
                f"{key}.weights: should be as many as in combine ({n_parts}), "
                f"not {len(self.weights)}"
            ]
        return []

    def _labelled(self, name: str, known: Collection[str]) -> bool:
        """Whether it has labels, or is said elsewhere to have none where it needs them."""
        return self.scored or self.labels is not None or name in known
