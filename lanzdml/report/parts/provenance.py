"""How each number was made: code, versions, configuration, prompts and embeddings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lanzdml.names import DATASET_NAMES, NOTION_NAMES, on_paper, shortened
from lanzdml.report.part import Part
from lanzdml.report.places import without_places
from lanzdml.report.provenance import Embedded, fitted_with, read_prompts, versions
from lanzdml.report.results import Results
from lanzdml.report.templates import render
from lanzdml.tables.markup import LONGEST

_MOST_PROMPTS = 1_000  # of a notion


@dataclass(frozen=True)
class Prompts:
    """The prompts of a notion: how many there are, and those that are shown."""

    name: str
    dataset: str
    number: int
    prompts: list[str]


@dataclass(frozen=True)
class Embeddings:
    """A model's embeddings of images: of which images they are, and how they were made."""

    model: str
    images: str
    facts: dict[str, str]


def part(results: Results) -> Part:
    """What would be needed to make the numbers again."""
    html = render(
        "parts/provenance.html.j2",
        commit=results.commit,
        versions=versions(),
        fitted_with=fitted_with(results.transforms),
        config=_yaml(results.config),
        prompts=[_prompts(*notion, path) for notion, path in results.prompts.items()],
        embedded=[_embeddings(entry) for entry in results.embedded],
    )
    return Part("provenance", "How each number was made", html)


def _yaml(config: Mapping[str, Any]) -> str:
    plain = without_places(json.loads(json.dumps(config)))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def _prompts(dataset: str, notion: str, path: Path) -> Prompts:
    names = on_paper(notion, NOTION_NAMES), on_paper(dataset, DATASET_NAMES)
    prompts = read_prompts(path)
    shown = [shortened(prompt, LONGEST) for prompt in prompts[:_MOST_PROMPTS]]
    return Prompts(*names, len(prompts), shown)


def _embeddings(entry: Embedded) -> Embeddings:
    images = (f"{on_paper(name, DATASET_NAMES)} ({n:,} images)" for name, n in entry.images.items())
    facts = {key: shortened(without_places(fact), LONGEST) for key, fact in entry.facts.items()}
    return Embeddings(entry.model, ", ".join(images), facts)
