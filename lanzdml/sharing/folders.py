"""A folder of results as it was received: its configuration, its plan and its files.

It may be somebody else's. What it says is checked before it is used: no method is loaded that the
user did not name, no file is read that lies elsewhere, and what the configuration names of its
owner's machine, such as data and files of prompts, is not looked for.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lanzdml.config.config import Config
from lanzdml.config.extent import TooMuch, check_extent, parts_of
from lanzdml.config.messages import error_of
from lanzdml.config.place import check_links
from lanzdml.config.section import LETTERS_OF_NAME
from lanzdml.datasets.parquet_file import read_result
from lanzdml.embeddings.prompts import FROM_LABELS
from lanzdml.embeddings.storage import read_metadata
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import is_source
from lanzdml.metrics.runs import SCORED_WITH
from lanzdml.plan import Fit, Plan, Run
from lanzdml.plan.jobs import fit_task
from lanzdml.plan.notions import of_wording, own_against
from lanzdml.plan.versions import no_version
from lanzdml.sharing.record import RECORD, read_record

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LETTERS_OF_NAME - 1}}}")


class Results:
    """A folder of results.

    Args:
        folder: as the user calls it.

    Attributes:
        folder: that.
        record: what it says of itself (:class:`lanzdml.sharing.record.Record`).
        config: its configuration, resolved; prompts that it names a file of are written out.
        plan: that of the configuration, with this folder's paths.

    Raises:
        LanzdmlError: it is no folder of results, a link leads out of it, or its configuration is
            none, or names a method that is not known here.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise LanzdmlError(f"there is no folder {folder}")
        check_links(folder)
        self.folder, self.record = folder, read_record(folder)
        self._where = folder / RECORD
        values = self._checked(self.record.config)
        self.config = self._parse(self._written_out(values))
        self.plan = Plan(self.config)
        self._check_plan()

    def at(self, path: str) -> Path:
        """A path below the folder."""
        return self.folder / path

    def below(self, path: str) -> str:
        """The part of one of the plan's paths that is below the folder."""
        return path.removeprefix(f"{self.config.results}/")

    @cached_property
    def prompts(self) -> dict[tuple[str, str], str]:
        """The names of all embeddings of prompts, by dataset and name: the file of the first
        model."""
        model = self.config.main_models[0]
        return {
            (dataset, name): self.plan.paths.prompts(dataset, model, name)
            for dataset, model_, name in self.plan.prompts
            if model_ == model
        }

    @cached_property
    def embeddings(self) -> list[str]:
        """The files of all embeddings, those that only an ablation's fits need, too."""
        plan, paths = self.plan, self.plan.paths
        found = [paths.images(*pair) for pair in plan.embedded]
        found += [paths.prompts(*key) for key in plan.prompts]
        for fit in plan.fits:
            task = fit_task(plan, fit, no_version)
            found += [path for path in (task.prompts, *task.against.values()) if path]
        return list(dict.fromkeys(found))

    def outputs(self, run: Run) -> list[str]:
        """All files of a run."""
        paths, is_main = self.plan.paths, run in self.main_runs
        evidence = (paths.queries, paths.clusterings, paths.draws)
        return [paths.metrics(run), *(path(run) for path in evidence if is_main)]

    @cached_property
    def runs(self) -> frozenset[Run]:
        """All runs."""
        return frozenset(self.plan.runs)

    @cached_property
    def main_runs(self) -> frozenset[Run]:
        """The runs of the tables."""
        return frozenset(self.plan.main_runs)

    def needed(self) -> Iterator[str]:
        """The files of all that the plan asks for but tables, figures and experiments' own."""
        plan, paths = self.plan, self.plan.paths
        yield from (paths.manifest(dataset) for dataset in self.config.datasets)
        yield from self.embeddings
        yield from map(paths.transform, plan.fits)
        for run in plan.runs:
            yield from self.outputs(run)

    def check_complete(self) -> None:
        """Raise where a file is missing.

        Raises:
            LanzdmlError: one is.
        """
        missing = [path for path in self.needed() if not Path(path).is_file()]
        if missing:
            raise LanzdmlError(
                f"{self.folder} is not complete: {len(missing):,} files of its runs are missing, "
                f"such as {missing[0]}; run its workflow, which makes what is missing"
            )

    def scored_with(self, run: Run) -> dict[str, str]:
        """The versions that scored a run, of packages and of the code.

        Raises:
            LanzdmlError: its file does not say.
        """
        path = Path(self.plan.paths.metrics(run))
        try:
            told = json.loads(read_metadata(path).get(SCORED_WITH, ""))
            return {str(name): str(value) for name, value in told.items()}
        except (ValueError, AttributeError, RecursionError):
            raise LanzdmlError(
                f"{path} does not say which versions scored it, as those of earlier versions: run "
                "its workflow anew"
            ) from None

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Raise for a configuration that would load what nobody here named."""
        try:
            check_extent(values, parts_of)
        except (TooMuch, RecursionError) as error:
            raise LanzdmlError(f"{self._where}: {error}") from None
        asked = values.get("methods"), values.get("experiments")
        for text in dict.fromkeys(_texts(asked)):
            if is_source(text) and text not in METHODS:
                raise LanzdmlError(
                    f"{self._where}: {text} names code; nothing is run that lies in results: if "
                    "you trust it, give it by --method"
                )
        return {**values, "results": str(self.folder), "results_elsewhere": True}

    def _parse(self, values: dict[str, Any]) -> Config:
        try:
            config = Config.model_validate(without_nothing(values))
        except ValidationError as error:
            lines = error_of(error, Config).lines
            raise LanzdmlError(*(f"{self._where}: {line}" for line in lines)) from None
        if unknown := [name for name in config.methods if name not in METHODS]:
            raise LanzdmlError(
                f"{self.folder} has runs of {', '.join(map(repr, unknown))}, no method of this "
                "version: what it makes of vectors only its class says; give that by --method "
                "file.py:Class, or install the package that registers it"
            )
        return config

    def _written_out(self, values: dict[str, Any]) -> dict[str, Any]:
        """With prompts in place of files of them, which are its owner's."""
        config = self._parse(values)
        values = config.model_dump(mode="json")
        for dataset, settings in values["datasets"].items():
            prompts = self.at(f"embeddings/{dataset}/{config.main_models[0]}/prompts")
            for name, notion in settings["notions"].items():
                _write_out(notion, prompts / f"{name}.parquet")
                if isinstance(notion["against"], dict):
                    _write_out(notion["against"], prompts / f"{own_against(name)}.parquet")
                variants = notion["variants"] or {}
                for wording, variant in list(variants.items()):
                    path = prompts / f"{of_wording(name, wording)}.parquet"
                    if path.is_file():
                        _write_out(variant, path)
                    elif _file_in(variant):  # nothing measures it
                        del variants[wording]
        return values

    def _check_plan(self) -> None:
        """Raise for names that are none, of which paths are made, or that are not there."""
        try:
            choices = {
                **{f"experiments.{k}": v for k, v in self.config.given_experiments.items()},
                **{f"figures.{k}": v for k, v in self.config.given_pictures.items()},
            }
            lines = [line for key, v in choices.items() for line in v.check(key, self.config)]
            lines += self._check_notions()
            of_plan = () if lines else (self.plan.fits, (run.fit for run in self.plan.runs))
            fits = [*chain.from_iterable(of_plan)]
        except (KeyError, StopIteration, ValueError) as error:
            lines, fits = [f"its configuration does not fit together: {error!r}"], []
        lines += [f"{name!r} is no name" for name in dict.fromkeys(_names(fits))]
        if lines:
            raise LanzdmlError(*(f"{self._where}: {line}" for line in lines[:10]))

    def _check_notions(self) -> Iterator[str]:
        for dataset, settings in self.config.datasets.items():
            for name, notion in settings.notions.items():
                key, notions = f"datasets.{dataset}.notions.{name}", settings.notions
                yield from notion.check_against(key, name, notions)
                if notion.combine is not None:
                    yield from notion.check_parts(key, name, notions, notions)


def without_nothing(value: Any) -> Any:
    """A configuration without keys that have no value, which need not be there."""
    if isinstance(value, Mapping):
        return {key: without_nothing(inner) for key, inner in value.items() if inner is not None}
    return value


def _names(fits: Sequence[Fit]) -> Iterator[str]:
    for fit in fits:
        for name in (fit.dataset, fit.model, fit.notion, fit.method):
            if not _NAME.fullmatch(name):
                yield name


def _file_in(section: Mapping[str, Any]) -> tuple[str, str] | None:
    """The key of a section of prompts that names a file, and the column that holds what it did."""
    for key, column in (("aspects", "aspect"), ("prompts", "prompt")):
        if isinstance(given := section[key], str) and (key, given) != ("aspects", FROM_LABELS):
            return key, column
    return None


def _write_out(section: dict[str, Any], path: Path) -> None:
    """Put what was embedded in place of the file that it was read from."""
    if found := _file_in(section):
        key, column = found
        section[key] = read_result(path, [column])[column].to_pylist()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
