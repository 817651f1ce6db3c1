"""One configuration of several: all that any of them has, where none contradicts another."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from lanzdml.config.against import AgainstConfig
from lanzdml.errors import LanzdmlError
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measured import Measured
from lanzdml.methods import METHODS
from lanzdml.methods.needs import AGAINST
from lanzdml.sharing.names import Source

_LISTED = ("methods", "dims", "seeds")
_OF_SCORES = ("metrics", "kmeans_repeats", "kmeans_batch_size")
_OF_QUERIES = ("queries",)
# What decides a notion's numbers, but for its prompts, which are compared as they were embedded.
_OF_NOTION = ("template", "labels", "labels_separator", "combine", "by", "weights", "ensemble")
OF_METHODS = ("methods", "turned", "influence", "maps")
"""Keys of experiments that list methods."""


class _Conflicts:
    """What two folders say of a key that can have one value only."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, key: str, *said: tuple[Source, Any]) -> None:
        both = ", and ".join(f"{value!r} in {source.results.folder}" for source, value in said)
        self.lines.append(f"{key} is {both}: these are not one benchmark; leave one of them out")


def joined(sources: Sequence[Source]) -> tuple[dict[str, Any], list[str]]:
    """The values of one configuration for several folders, and what was left out of it, in lines.

    Lists are in the order of the folders. What is of the machine of its owner, such as where data
    lies, is that of the first folder that has it.

    Raises:
        LanzdmlError: settings that change numbers differ; a line for each.
    """
    conflicts, notes = _Conflicts(), list[str]()
    given = [(source, _renamed(source)) for source in sources]
    values: dict[str, Any] = {}
    for key in _LISTED:
        values[key] = _union(of[key] for _, of in given)
    values["protocol"] = _union(source.results.config.protocols for source, _ in given)
    for key in _OF_SCORES:
        values[key] = _same(key, [(source, of[key]) for source, of in given], conflicts)
    values["models"] = {
        name: of for _, each in reversed(given) for name, of in each["models"].items()
    }
    values["models"] = {
        name: values["models"][name] for name in _union(each["models"] for _, each in given)
    }
    values["datasets"] = {
        name: _dataset(name, _having(given, "datasets", name), conflicts)
        for name in _union(of["datasets"] for _, of in given)
    }
    values["experiments"] = {
        name: _experiment(
            name, _having(given, "experiments", name), values["seeds"], conflicts, notes
        )
        for name in _union(of["experiments"] for _, of in given)
    }
    values["figures"] = {
        name: _having(given, "figures", name)[0][1]
        for name in _union(of["figures"] for _, of in given)
    }
    for source, of in given:
        if of["published"]:
            notes.append(
                f"published values of {source.results.folder} are files of its owner's: list them "
                f"under published to compare with them ({', '.join(of['published'])})"
            )
    if conflicts.lines:
        raise LanzdmlError(*conflicts.lines)
    return values, notes


Given = Sequence[tuple[Source, dict[str, Any]]]


def _having(given: Given, section: str, name: str) -> list[tuple[Source, dict[str, Any]]]:
    return [(source, of[section][name]) for source, of in given if name in of[section]]


def _union(lists: Iterable[Iterable[Any]]) -> list[Any]:
    return list(dict.fromkeys(item for items in lists for item in items))


def _same(key: str, said: Sequence[tuple[Source, Any]], conflicts: _Conflicts) -> Any:
    first = said[0]
    for other in said[1:]:
        if other[1] != first[1]:
            conflicts.add(key, first, other)
            break
    return first[1]


def _dataset(name: str, given: Given, conflicts: _Conflicts) -> dict[str, Any]:
    key = f"datasets.{name}"
    values = dict(given[0][1])
    for setting in _OF_QUERIES:
        values[setting] = _same(
            f"{key}.{setting}", [(s, of[setting]) for s, of in given], conflicts
        )
    # Nothing is to be fetched or cut, as all of it is there.
    values |= {"download": False, "shards": 1}
    values["vectors"] = {k: v for _, of in reversed(given) for k, v in of["vectors"].items()}
    values["notions"] = {
        notion: _notion(
            f"{key}.notions.{notion}", name, notion, _having(given, "notions", notion), conflicts
        )
        for notion in _union(of["notions"] for _, of in given)
    }
    return values


def _notion(
    key: str, dataset: str, name: str, given: Given, conflicts: _Conflicts
) -> dict[str, Any]:
    for setting in _OF_NOTION:
        _same(f"{key}.{setting}", [(source, of[setting]) for source, of in given], conflicts)
    scored = [each for each in given if each[1]["scored"]] or list(given)
    _same(
        f"{key}.sampled_classes",
        [(source, of["sampled_classes"]) for source, of in scored],
        conflicts,
    )
    values = dict(scored[0][1])
    for section in ("variants", "external", "vectors"):
        found: dict[str, Any] = {}
        for source, of in given:
            for inner, said in (of[section] or {}).items():
                first = found.setdefault(inner, (source, said))
                if section != "vectors" and _told(first[1]) != _told(said):
                    conflicts.add(f"{key}.{section}.{inner}", first, (source, said))
        values[section] = {inner: said for inner, (_, said) in found.items()}
    if values["combine"] is not None:
        values["variants"] = None
    values["against"] = _against(key, dataset, name, given, conflicts)
    return values


def _told(section: Mapping[str, Any]) -> dict[str, Any]:
    """A section without where its files are."""
    return {key: value for key, value in section.items() if key != "vectors"}


def _against(key: str, dataset: str, name: str, given: Given, conflicts: _Conflicts) -> Any:
    """What must not matter for a notion, written out where any method was told: in one of the
    folders there may be fewer other notions."""
    said, told = [], []
    for source, of in given:
        results = source.results
        settings = results.config.datasets[source.own_datasets[dataset]].notions[name]
        if settings.stacked or isinstance(settings.against, AgainstConfig):
            return of["against"]
        others = results.plan.against(source.own_datasets[dataset], name)
        said.append((source, others))
        measured = results.plan.measured.values()
        if any(AGAINST in METHODS[method].needs for method in results.config.methods) or any(
            section.beside_others for section in measured
        ):
            told.append((source, others))
    if not told:
        return given[0][1]["against"]
    return _same(f"{key}.against", told, conflicts)


def _experiment(
    name: str, given: Given, seeds: Sequence[int], conflicts: _Conflicts, notes: list[str]
) -> dict[str, Any]:
    key, section = f"experiments.{name}", EXPERIMENTS[name]
    measured = issubclass(section, Measured)
    first, values = given[0]
    values, alike = dict(values), [given[0]]
    for source, of in given[1:]:
        shown = [word for word in ("dataset", "model") if of.get(word) != values.get(word)]
        if shown and not measured:
            notes.append(
                f"{key} of {source.results.folder} shows another {shown[0]} ({of.get(shown[0])}) "
                f"than that of {first.results.folder} ({values.get(shown[0])}) and is left out"
            )
        else:
            alike.append((source, of))
    for setting in values:
        said = [(source, of[setting]) for source, of in alike]
        if setting == "seeds":
            values[setting] = _n_seeds(said, seeds)
        elif any(value is None for _, value in said):
            values[setting] = None
        elif setting in (*OF_METHODS, "datasets", "models") or (
            not measured and isinstance(values[setting], list)
        ):
            values[setting] = _union(value for _, value in said)
        else:
            values[setting] = _same(f"{key}.{setting}", said, conflicts)
    return values


def _n_seeds(said: Sequence[tuple[Source, int | None]], seeds: Sequence[int]) -> int:
    """How many of all seeds from the first: those of the folders that have the experiment.

    Or as many as one of them says that has more.
    """
    counts = [(n, len(source.results.config.seeds)) for source, n in said if n is not None]
    if chosen := [n for n, of in counts if n < of]:
        return max(chosen)
    covered = {seed for source, _ in said for seed in source.results.config.seeds}
    return max(1, sum(1 for _ in takewhile(covered.__contains__, seeds)))


def _renamed(source: Source) -> dict[str, Any]:
    """The values of a folder, with what the result calls its datasets and models."""
    values = source.results.config.model_dump(mode="json")
    datasets, models = source.datasets, source.models
    values["models"] = {models[name]: of for name, of in values["models"].items()}
    values["datasets"] = {datasets[name]: of for name, of in values["datasets"].items()}
    for dataset in values["datasets"].values():
        if dataset["queries"] and dataset["queries"]["dataset"]:
            dataset["queries"]["dataset"] = datasets[dataset["queries"]["dataset"]]
        for section in (dataset, *_with_vectors(dataset)):
            section["vectors"] = {models[name]: of for name, of in section["vectors"].items()}
    for group in ("experiments", "figures"):
        values[group] = {name: of for name, of in values[group].items() if of is not None}
        for section in values[group].values():
            for word, names in (("dataset", datasets), ("model", models)):
                if section.get(word) is not None:
                    section[word] = names[section[word]]
                if section.get(f"{word}s") is not None:
                    section[f"{word}s"] = [names[name] for name in section[f"{word}s"]]
    return values


def _with_vectors(dataset: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for notion in dataset["notions"].values():
        yield notion
        yield from (notion["variants"] or {}).values()
        if isinstance(notion["against"], dict):
            yield notion["against"]
