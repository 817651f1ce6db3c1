"""``lanzdml merge``: several folders of results become one, on which the workflow goes on.

The folder has what runs gave, and a configuration of all of them that names nothing of other
machines which it can do without: prompts are written out, labels and finished vectors are files of
the folder. So tables, statistics, figures and report are made of it, and nothing is embedded,
fitted or scored.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from lanzdml.config.config import parse_config
from lanzdml.config.models import ModelConfig
from lanzdml.config.owner import RECORD as OWNER
from lanzdml.config.place import GIVEN
from lanzdml.datasets import DATASETS
from lanzdml.datasets.manifest import EXCLUDED, ID, IMAGE, MASK, PATH
from lanzdml.errors import LanzdmlError
from lanzdml.files import temporary_name, write_text
from lanzdml.methods import METHODS
from lanzdml.plan import Plan
from lanzdml.sharing.folders import Results, without_nothing
from lanzdml.sharing.joining import OF_METHODS, joined
from lanzdml.sharing.keeping import keep_taken
from lanzdml.sharing.names import Source, told_apart
from lanzdml.sharing.parts import Part, read_parts, write_parts
from lanzdml.sharing.taking import Taking

CONFIG = "config.yaml"


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    Attributes:
        config: the configuration of the new folder.
        taken: how many files, by stage.
        left: what the workflow is to make, in lines.
        notes: what else is to be said, in lines.
    """

    config: Path
    taken: Mapping[str, int]
    left: Sequence[str]
    notes: Sequence[str]


def merge(folders: Sequence[Path], output: Path) -> Merged:
    """Merge folders of results.

    Args:
        folders: two or more.
        output: a new folder; it is complete or absent.

    Raises:
        LanzdmlError: a folder is none of results, or not complete; settings that change numbers
            differ, or the same run gave other numbers; or what is in none of the folders would be
            made by other versions than the rest.
    """
    _check_places(folders, output)
    results = [Results(folder) for folder in folders]
    for each in results:
        each.check_complete()
    sources = told_apart(results)
    values, notes = joined(sources)
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(output)
    try:
        temporary.mkdir()
        write_text(temporary / OWNER, "")
        local = _Local(values, sources, temporary)
        plan = Plan(_parsed(local.values(temporary)))
        taking = Taking(sources, plan)
        taking.take_all()
        taking.check_left()
        keep_taken(plan, sources)
        # The values that were given beside files, of the first folder: one file has all of them.
        config = local.values(output)
        write_text(
            temporary / CONFIG, _HEAD + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        )
        write_parts(temporary, [_part(source) for source in sources])
        _date(temporary)
        if os.path.lexists(output):
            raise LanzdmlError(f"{output} has been made in the meantime: name another folder")
        temporary.rename(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    notes = [*(line for source in sources for line in source.why), *local.notes, *notes]
    notes += taking.notes
    if taking.n_clustered:
        notes.append(
            f"of {taking.n_clustered:,} runs, k-means was run here with the seeds of another folder"
        )
    left = [
        f"{of.total():,} {what} by {model} ({', '.join(of)})"
        for (model, what), of in taking.left.items()
    ]
    return Merged(output / CONFIG, taking.taken, left, notes)


_HEAD = """# Of several folders of results, which merged.json names. Prompts are written out; labels
# and vectors of other machines are files of this folder.
"""


def _check_places(folders: Sequence[Path], output: Path) -> None:
    if len(folders) < 2:
        raise LanzdmlError("name two or more folders of results to merge")
    places = {folder: Path(os.path.realpath(folder)) for folder in folders}
    for position, folder in enumerate(folders):
        for other in folders[:position]:
            if places[folder] == places[other]:
                raise LanzdmlError(f"{folder} and {other} are the same folder: name it once")
    place = Path(os.path.realpath(output))
    for folder, there in places.items():
        if place.is_relative_to(there) or there.is_relative_to(place):
            raise LanzdmlError(f"{output} is in {folder} or holds it: name another folder")
    if os.path.lexists(output):
        raise LanzdmlError(f"{output} is there already: name a folder that is not, or delete it")


def _parsed(values: dict[str, Any]) -> Any:
    try:
        return parse_config(values)
    except LanzdmlError as error:
        raise LanzdmlError(*(f"the merged configuration: {line}" for line in error.lines)) from None


class _Local:
    """A configuration without what is on other machines, and the files that it names instead."""

    def __init__(self, values: dict[str, Any], sources: Sequence[Source], folder: Path) -> None:
        self._values, self._sources, self._folder = values, sources, folder
        self.notes: list[str] = []
        self._gone = {name for name, of in values["models"].items() if not _is_there(of)}
        for name in sorted(self._gone):
            self.notes.append(
                f"the weights of {name} are not here: its vectors are taken as they are, and "
                "nothing else can be embedded with it"
            )
        self._tables = {name for name in values["datasets"] if name not in DATASETS}
        for name in self._tables:
            self._write_table(name)

    def values(self, place: Path) -> dict[str, Any]:
        """As they are for results in a folder, which is to have our files."""
        below = os.path.relpath(place)
        given = f"{below}/{GIVEN}"
        values: dict[str, Any] = json.loads(json.dumps(self._values))
        for key in ("embeddings", "limits"):
            values.pop(key, None)
        values |= {"results": below, "results_elsewhere": below.startswith("..")}
        values["methods"] = [_named(name) for name in values["methods"]]
        for section in values["experiments"].values():
            for key in OF_METHODS:
                if section.get(key) is not None:
                    section[key] = [_named(name) for name in section[key]]
        for name in self._gone:
            values["models"][name] |= {"architecture": None, "pretrained": None}
        for name, dataset in values["datasets"].items():
            if name in self._tables:
                if dataset["root"] is None:
                    dataset["root"] = str(Path(dataset["labels"] or "").parent)
                dataset |= {"labels": f"{given}/{name}.parquet", "torchvision": None}
            self._name_vectors(name, dataset, given)
        return without_nothing(values)

    def _name_vectors(self, name: str, dataset: dict[str, Any], given: str) -> None:
        models = {*dataset["vectors"], *self._gone}
        dataset["vectors"] = {
            m: self._link(f"embeddings/{name}/{m}/images.parquet", given) for m in models
        }
        dataset["vectors"] = {m: of for m, of in dataset["vectors"].items() if of}
        for notion, settings in dataset["notions"].items():
            if self._gone:
                settings["ensemble"] = None
            sections = {notion: settings}
            if isinstance(settings["against"], dict):
                sections[f"{notion}/against"] = settings["against"]
            for wording, variant in (settings["variants"] or {}).items():
                sections[f"{notion}/wordings/{wording}"] = variant
            for prompts, section in sections.items():
                named = {
                    m: self._link(f"embeddings/{name}/{m}/prompts/{prompts}.parquet", given)
                    for m in (
                        {*section["vectors"], *self._gone} if settings["combine"] is None else ()
                    )
                }
                section["vectors"] = {m: of for m, of in named.items() if of}
            for method, external in settings["external"].items():
                seeds = self._values["seeds"]
                files = [
                    self._link(f"vectors/{name}/{notion}/{method}/seed-{seed}.parquet", given)
                    for seed in (seeds if len(external["vectors"]) > 1 else seeds[:1])
                ]
                external["vectors"] = [of for of in files if of]

    def _link(self, path: str, given: str) -> dict[str, str] | None:
        """A result as a file that a configuration names; None where no source has it."""
        here = self._folder / GIVEN / path
        if not here.exists():
            found = (
                each.results.at(own)
                for each in self._sources
                for own in [_own_path(each, path)]
                if own is not None and each.results.at(own).is_file()
            )
            if (source := next(found, None)) is None:
                return None
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, here)
        return {"file": f"{given}/{path}"}

    def _write_table(self, name: str) -> None:
        """The images of a dataset with their labels, as a table of a user's own has them."""
        source, own = next(
            (each, own)
            for each in self._sources
            for own, new in each.datasets.items()
            if new == name
        )
        table = source.manifests[own]
        table = table.drop_columns([c for c in (MASK, EXCLUDED) if c in table.column_names])
        if IMAGE in table.column_names:  # in the manifest: the table need not hold them again
            at = table.column_names.index(IMAGE)
            table = table.set_column(at, IMAGE, table[ID])
        names = [IMAGE if column == PATH else column for column in table.column_names]
        path = self._folder / GIVEN / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.rename_columns(names).replace_schema_metadata(), path)


def _is_there(model: Mapping[str, Any]) -> bool:
    return not ModelConfig.model_validate(model).check("")


def _own_path(source: Source, path: str) -> str | None:
    """A path of the result as it is in a source."""
    stage, dataset, second, *rest = path.split("/")
    datasets, models = source.own_datasets, source.own_models
    if stage == "embeddings":
        if dataset not in datasets or second not in models:
            return None
        return "/".join([stage, datasets[dataset], models[second], *rest])
    return "/".join([stage, datasets[dataset], second, *rest]) if dataset in datasets else None


def _named(method: str) -> str:
    """A method as a configuration names it."""
    guest = METHODS.guest(method)
    return method if guest is None else guest.source


def _date(folder: Path) -> None:
    """Give all files one date: Snakemake takes what is older than its input for old."""
    now = (folder / CONFIG).stat().st_mtime
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (now, now))


def _part(source: Source) -> Part:
    made = source.results.record.model_dump(exclude={"config"})
    folder = source.results.folder
    return Part(
        folder=folder.resolve().name, **made, datasets=source.datasets, models=source.models,
        parts=read_parts(folder),
    )  # fmt: skip
