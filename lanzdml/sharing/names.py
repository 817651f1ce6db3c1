"""Names in merged results: what is not the same is told apart by its checksum, and never mixed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.config.section import LETTERS_OF_NAME
from lanzdml.datasets.manifest import FINGERPRINT
from lanzdml.datasets.parquet_file import read_result
from lanzdml.embeddings.storage import GIVEN, logit_scale_of, weights_of
from lanzdml.files import digest, replacing
from lanzdml.plan import Fit
from lanzdml.plan.versions import version_with
from lanzdml.sharing.folders import Results
from lanzdml.transforms.storage import FITTED_WITH, made_with, read_metadata

CODE = "code"  # among the versions that scored a run
CODE_OF = f"{CODE} of "


@dataclass
class Source:
    """A folder that is merged, and what its datasets and models are called in the result.

    Attributes:
        results: the folder.
        datasets, models: new names by its own.
        why: a line for each that is another.
    """

    results: Results
    datasets: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)

    def own(self, fit: Fit) -> Fit | None:
        """A fit of the result as this folder calls it; None where it has no such names."""
        datasets, models = self.own_datasets, self.own_models
        if fit.dataset not in datasets or fit.model not in models:
            return None
        return Fit(**vars(fit) | {"dataset": datasets[fit.dataset], "model": models[fit.model]})

    @cached_property
    def own_datasets(self) -> dict[str, str]:
        """From names of the result to those of this folder."""
        return {new: old for old, new in self.datasets.items()}

    @cached_property
    def own_models(self) -> dict[str, str]:
        """As :attr:`own_datasets`."""
        return {new: old for old, new in self.models.items()}

    def new(self, path: str) -> str:
        """A path below the folder as it is in the result."""
        first, *rest = path.split("/")
        before = {"experiments": 2, "trimap": 0, "saliency": 0}.get(
            first, int(first in ("shards", "metrics", "queries", "clusterings", "draws"))
        )
        head, names = rest[:before], rest[before:]
        if first == "vectors":
            names[0] = self.datasets[names[0]]
        elif names:
            names[0] = self.datasets.get(names[0], names[0])
            if len(names) > 1:
                names[1] = self.models.get(names[1], names[1])
        return "/".join([first, *head, *names])

    @cached_property
    def versions(self) -> dict[str, dict[str, set[str]]]:
        """The versions behind each model's numbers: of packages, of the code by method."""
        found: dict[str, dict[str, set[str]]] = {}
        results = self.results
        for run in results.plan.runs:
            of_model = found.setdefault(run.fit.model, {})
            for package, version in results.scored_with(run).items():
                key = f"{CODE_OF}{run.fit.method}" if package == CODE else package
                of_model.setdefault(key, set()).add(version)
        for fit in results.plan.fits:
            of_model = found.setdefault(fit.model, {})
            told = read_metadata(results.plan.paths.transform(fit))
            for package in FITTED_WITH:
                of_model.setdefault(package, set()).add(told.get(package, "not said"))
        return found

    @cached_property
    def weights(self) -> dict[str, dict[str, str]]:
        """The checksum of the weights of each model, by dataset, as vectors that are given have
        one each."""
        found: dict[str, dict[str, str]] = {}
        for dataset, model in self.results.plan.embedded:
            path = Path(self.results.plan.paths.images(dataset, model))
            found.setdefault(model, {})[self.datasets[dataset]] = weights_of(path)
        return found

    @cached_property
    def scales(self) -> dict[str, set[float | None]]:
        """The logit scale of each model; of vectors that are given somebody says it of each."""
        found: dict[str, set[float | None]] = {}
        for dataset, model in self.results.plan.embedded:
            path = Path(self.results.plan.paths.images(dataset, model))
            found.setdefault(model, set()).add(logit_scale_of(path))
        return found

    @cached_property
    def manifests(self) -> dict[str, pa.Table]:
        """The manifest of each dataset."""
        paths = self.results.plan.paths
        return {
            name: read_result(Path(paths.manifest(name))) for name in self.results.config.datasets
        }

    @cached_property
    def prompts(self) -> dict[str, dict[str, pa.Table]]:
        """The texts of each dataset's prompts, by their name."""
        found: dict[str, dict[str, pa.Table]] = {}
        for (dataset, name), path in self.results.prompts.items():
            table = read_result(Path(path), ["prompt", "aspect"]).replace_schema_metadata()
            found.setdefault(dataset, {})[name] = table
        return found


def told_apart(folders: Sequence[Results]) -> list[Source]:
    """The sources of a merge, with a name of its own for each that is not what it is called.

    Of those that have a name the first folder's keeps it, with all that are the same.
    """
    sources = [Source(results) for results in folders]
    _name(sources, "datasets", _of_dataset, _datasets_differ)
    _name(sources, "models", _of_model, _models_differ)
    return sources


def _name(
    sources: Sequence[Source],
    kind: str,
    facts_of: Callable[[Source, str], str],
    differ: Callable[[Source, Source, str], str],
) -> None:
    taken: dict[str, list[tuple[Source, str]]] = {}
    for source in sources:
        for name in getattr(source.results.config, kind):
            groups: list[tuple[Source, str]] = taken.setdefault(name, [])
            why = ""
            for other, new in groups:
                difference = differ(source, other, name)
                if not difference:
                    getattr(source, kind)[name] = new
                    groups.append((source, new))
                    break
                why = why or f"{difference} than in {other.results.folder}"
            else:
                new = name
                if groups:
                    suffix = f"-{digest(facts_of(source, name))[:8]}"
                    new = name[: LETTERS_OF_NAME - len(suffix)] + suffix
                    source.why.append(f"{name} of {source.results.folder} is called {new}: {why}")
                getattr(source, kind)[name] = new
                groups.append((source, new))


def _of_dataset(source: Source, name: str) -> str:
    table = source.manifests[name]
    texts = {key: texts.to_pylist() for key, texts in source.prompts.get(name, {}).items()}
    return digest(_fingerprint(table), _labels(table).to_pylist(), sorted(texts.items()))


def _datasets_differ(source: Source, other: Source, name: str) -> str:
    mine, theirs = source.manifests[name], other.manifests[name]
    if _fingerprint(mine) != _fingerprint(theirs):
        return "it has other images"
    if not _labels(mine).equals(_labels(theirs)):
        return "its images have other labels"
    of_mine, of_theirs = source.prompts.get(name, {}), other.prompts.get(name, {})
    for key in of_mine.keys() & of_theirs.keys():
        if not of_mine[key].equals(of_theirs[key]):
            return f"{key} has other prompts"
    return ""


def _fingerprint(manifest: pa.Table) -> bytes | None:
    return (manifest.schema.metadata or {}).get(FINGERPRINT.encode())


def _labels(manifest: pa.Table) -> pa.Table:
    pictures = [name for name in manifest.column_names if name in ("image", "mask")]
    return manifest.drop_columns(pictures).replace_schema_metadata()


def _of_model(source: Source, name: str) -> str:
    versions = {key: sorted(of) for key, of in source.versions.get(name, {}).items()}
    scales = sorted(map(str, source.scales.get(name, ())))
    return json.dumps([source.weights.get(name), scales, versions], sort_keys=True)


def _models_differ(source: Source, other: Source, name: str) -> str:
    of_mine, of_theirs = source.weights.get(name, {}), other.weights.get(name, {})
    for mine, theirs in (
        *((of_mine[dataset], of_theirs[dataset]) for dataset in of_mine.keys() & of_theirs.keys()),
        *product(*(filter(_is_checksum, found.values()) for found in (of_mine, of_theirs))),
    ):
        if mine != theirs:
            return f"its weights ({mine[:12]}) are others ({theirs[:12]})"
    scales = [each.scales.get(name, set()) for each in (source, other)]
    if all(scales) and scales[0] != scales[1]:
        said = (" and ".join(sorted(map(str, of))) for of in scales)
        return "its logit scale ({}) is another one ({})".format(*said)
    return _versions_differ(source, other, name)


def _is_checksum(weights: str) -> bool:
    """Of vectors that are given each file has its own, which says nothing of others."""
    return not weights.startswith(GIVEN)


def _versions_differ(source: Source, other: Source, name: str) -> str:
    mine, theirs = source.versions.get(name, {}), other.versions.get(name, {})
    shared = sorted(mine.keys() & theirs.keys())
    for key in shared:
        if mine[key] != theirs[key]:
            if key.startswith(CODE):
                return f"another version of the {key} made it"
            of_mine, of_theirs = (" and ".join(sorted(found[key])) for found in (mine, theirs))
            return f"{key} {of_mine} made it, and another one ({of_theirs})"
    if not mine or not theirs or any(key.startswith(CODE) for key in shared):
        return ""
    return _commits_differ(source, other, name)


def _commits_differ(source: Source, other: Source, name: str) -> str:
    """Of runs that have no method in common the commit can tell, or the code that is here."""
    commits = {each.results.record.commit for each in (source, other)}
    dirty = any(each.results.record.dirty for each in (source, other))
    if len(commits) == 1 and "" not in commits and not dirty:
        return ""
    if all(is_of_this_code(each, name) for each in (source, other)):
        return ""
    return "no method is in both, and nothing says that the same code made it"


def is_of_this_code(source: Source, model: str) -> bool:
    """Whether the code that is here would score a model's runs as they were scored."""
    found = source.versions.get(model, {})
    return all(
        versions == {version_with("compute_metrics", key.removeprefix(CODE_OF))}
        for key, versions in found.items()
        if key.startswith(CODE_OF)
    )


def is_of_these_packages(source: Source, model: str) -> bool:
    """Whether the packages that are here are those that made a model's numbers."""
    found, here = source.versions.get(model, {}), made_with()
    return all(versions == {here[key]} for key, versions in found.items() if key in here)


def rename_rows(path: Path, source: Source) -> None:
    """Write what the result calls datasets and models into a file that was taken from a folder."""
    named = {"dataset": source.datasets, "model": source.models}
    new = {column: of for column, of in named.items() if any(old != of[old] for old in of)}
    if not new or path.suffix != ".parquet":
        return
    table = read_result(path)
    for column in new.keys() & set(table.column_names):
        field, at = table.schema.field(column), table.column_names.index(column)
        cells = [new[column].get(cell, cell) for cell in table[column].to_pylist()]
        table = table.set_column(at, field, pa.array(cells, field.type))
    with replacing(path) as temporary:
        pq.write_table(table, temporary)
