"""The part of a plan about notions: their labels, their prompts, and what must not matter."""

from functools import cached_property
from typing import Any

from lanzdml.config.against import AgainstConfig
from lanzdml.config.config import Config
from lanzdml.config.notions import NotionConfig
from lanzdml.config.prompts import PromptsSection
from lanzdml.datasets.labels import LabelColumn, LabelColumns, names_of
from lanzdml.embeddings.prompts import ENSEMBLE, FROM_LABELS, OWN, PLACEHOLDER


class NotionPlan:
    """What a configuration says of notions.

    Args:
        config: with what it implies written out.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def notions(self) -> dict[tuple[str, str], NotionConfig]:
        """The settings of every notion, by dataset and name."""
        return {
            (dataset, name): notion
            for dataset, settings in self.config.datasets.items()
            for name, notion in settings.notions.items()
        }

    def notions_of(self, dataset: str) -> list[str]:
        """A dataset's notions: those that combine others after these."""
        notions = self.config.datasets[dataset].notions
        return sorted(notions, key=lambda name: notions[name].combine is not None)

    @cached_property
    def scored(self) -> list[tuple[str, str]]:
        """The notions that have scores."""
        return [key for key, notion in self.notions.items() if notion.scored]

    @cached_property
    def counted(self) -> list[tuple[str, str]]:
        """The notions that are ranked and tested over.

        A combined notion repeats its parts, and several notions of one label column, however that
        is read, each other, so of those the first stands for all.
        """
        by_labels = {
            (key[0], names_of(self.label_columns(*key))): key
            for key in reversed(self.scored)
            if not self.notions[key].combine
        }
        return sorted(by_labels.values())

    def label_columns(self, dataset: str, notion: str) -> LabelColumns:
        """The manifest's column of a notion's labels; a combined one has several, one a part.

        With what separates values in it, where labels hold several. That of a notion that only a
        protocol takes is its own name.
        """
        settings = self.notions.get((dataset, notion))
        if settings and settings.combine:
            # A part combines no others.
            return [self._column(dataset, part) for part in settings.combine]
        column = self._column(dataset, notion)
        return column if isinstance(column, str) else [column]

    def _column(self, dataset: str, notion: str) -> LabelColumn:
        settings = self.notions.get((dataset, notion))
        column = settings.labels if settings and settings.labels else notion
        separator = settings.labels_separator if settings else None
        return (column, separator) if separator else column

    def prompt_sources(self, dataset: str) -> list[dict[str, Any]]:
        """What a dataset's prompts are made of, by notion; the parts of a combined one first.

        Of each its ``name``; ``parts``, or a ``template`` (of prompts that are written out it holds
        nothing else) and either ``aspects``, as they are in their file now, or ``labels``, the
        manifest's column of them. Other wordings are those of :meth:`wording_sources`.

        Raises:
            LanzdmlError: a file cannot be read.
        """
        sources = []
        for name in self.notions_of(dataset):
            notion = self.notions[dataset, name]
            sources.append({"name": name} | self._source(dataset, name, notion))
            if isinstance(notion.against, AgainstConfig):
                own = {"name": own_against(name)}
                sources.append(own | self._source(dataset, name, notion.against))
        return sources

    def wording_sources(self, dataset: str) -> list[dict[str, Any]]:
        """What the wordings of a dataset's notions are made of beside their own prompts.

        As those of :meth:`prompt_sources`, but that an ``ensemble`` has templates in place of one;
        ``wording_of`` is the notion.

        Raises:
            LanzdmlError: a file cannot be read.
        """
        sources = []
        for name, notion in self.config.datasets[dataset].notions.items():
            for wording in notion.wordings[1:]:
                prompts = (notion.variants or {}).get(wording, notion)
                source = self._source(dataset, name, prompts)
                if wording == ENSEMBLE:
                    source |= {"template": None, "ensemble": notion.ensemble}
                named = {"name": of_wording(name, wording), "wording_of": name}
                sources.append(source | named)
        return sources

    def against(self, dataset: str, notion: str) -> list[str]:
        """The names of the prompts that say what must not matter for a notion."""
        if isinstance(self.notions[dataset, notion].against, AgainstConfig):
            return [own_against(notion)]
        return self.others(dataset, notion)

    def others(self, dataset: str, notion: str) -> list[str]:
        """A dataset's notions that must not matter for one.

        Those that it names. Or else all beside it, but for such as combine others, are parts of it,
        have labels in the same column, however these are read, or matter for a part.
        """
        settings = self.notions[dataset, notion]
        if isinstance(settings.against, list):
            return settings.against
        beside = self._beside(dataset, notion)
        for part in settings.combine or ():
            of_part = [*self.others(dataset, part), *(settings.combine or ())]
            beside = [name for name in beside if name in of_part]
        return beside

    def _beside(self, dataset: str, notion: str) -> list[str]:
        same = [notion, *(self.notions[dataset, notion].combine or ())]
        labels = [names_of(self.label_columns(dataset, name)) for name in same]
        return [
            name
            for name in self.notions_of(dataset)
            if name not in same
            and self.notions[dataset, name].combine is None
            and names_of(self.label_columns(dataset, name)) not in labels
        ]

    def wordings(self, dataset: str, notion: str) -> list[str]:
        """The names of a notion's wordings: its own prompts, the variants, the ensemble."""
        return self.notions[dataset, notion].wordings

    def _source(self, dataset: str, name: str, prompts: PromptsSection) -> dict[str, Any]:
        none = dict.fromkeys(("wording_of", "parts", "template", "ensemble", "aspects", "labels"))
        if isinstance(prompts, NotionConfig) and prompts.combine:
            return none | {"parts": prompts.combine}
        made = none | {"template": prompts.template or PLACEHOLDER}
        if prompts.aspects == FROM_LABELS:
            return made | {"labels": self.label_columns(dataset, name)}
        return made | {"aspects": prompts.read_texts()}

    @property
    def overview(self) -> list[dict[str, Any]]:
        """What the overview says of every notion, but for its files."""
        return [
            {
                "dataset": dataset,
                "notion": name,
                "template": notion.told,
                "labels": self.label_columns(dataset, name),
                "parts": notion.combine or [],
                "written_out": notion.prompts is not None,
            }
            for (dataset, name), notion in self.notions.items()
        ]


def of_wording(notion: str, wording: str) -> str:
    """The name of a notion's prompts in one of its wordings."""
    return notion if wording == OWN else f"{notion}/wordings/{wording}"


def sections_of(notion: str, settings: NotionConfig) -> dict[str, PromptsSection]:
    """All that says prompts of a notion but for its ensemble, by the names of these prompts."""
    given: dict[str, PromptsSection] = {notion: settings}
    if isinstance(settings.against, AgainstConfig):
        given[own_against(notion)] = settings.against
    for wording, variant in (settings.variants or {}).items():
        given[of_wording(notion, wording)] = variant
    return given


def own_against(notion: str) -> str:
    """The name of prompts that are given as what must not matter for a notion."""
    return f"{notion}/against"
