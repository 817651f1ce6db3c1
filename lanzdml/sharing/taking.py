"""What a merged folder takes from which source.

A file is taken where its own plan asked for exactly what the merged plan asks for, as tasks
describe it (:mod:`lanzdml.sharing.asked`). What no source has like that is left to the workflow.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from lanzdml.errors import LanzdmlError
from lanzdml.files import content_of, replacing
from lanzdml.metrics.images import ScoredImages
from lanzdml.metrics.steps import first_fitted
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan import Fit, Plan, Run
from lanzdml.plan.jobs import fit_task, score_task
from lanzdml.plan.measurements import measure_task, measurements
from lanzdml.plan.shards import n_shards
from lanzdml.plan.versions import no_version
from lanzdml.sharing.agreement import (
    embeddings_differ,
    rows_differ,
    tables_differ,
    transforms_differ,
)
from lanzdml.sharing.asked import asked
from lanzdml.sharing.names import (
    Source,
    is_of_these_packages,
    is_of_this_code,
    rename_rows,
)
from lanzdml.sharing.rows import ROW_KEYS, read_rows
from lanzdml.sharing.seeds import has_pairs, join_seeds, write_pairs

_MOST_LINES = 20
Found = list[tuple[Source, Path]]
"""Files of the same thing, and the folders that they are of."""


class Taking:
    """Takes files of sources into a folder, by the plan of what is asked of it.

    Args:
        sources: folders, with the names that their datasets and models have here.
        plan: the merged one, with the paths of the folder.

    Attributes:
        taken: how many files, by stage.
        left: what no source has, by model and what it is: how many of each method or the like. The
            workflow is to make it.
        notes: what else is to be said, in lines.
        n_clustered: of how many runs k-means was run, as no source has both seeds.
    """

    def __init__(self, sources: Sequence[Source], plan: Plan) -> None:
        self._sources, self._plan = sources, plan
        self._main = frozenset(plan.main_runs)
        self._conflicts: list[str] = []
        self.taken: Counter[str] = Counter()
        self.left: dict[tuple[str, str], Counter[str]] = {}
        self.notes: list[str] = []
        self.n_clustered = 0

    def take_all(self) -> None:
        """Take all that the plan asks for and a source has.

        Raises:
            LanzdmlError: two sources have the same thing and differ, a line for each.
        """
        for dataset in self._plan.config.datasets:
            self._take_dataset(dataset)
        self._take_embeddings()
        for fit in self._plan.fits:
            self._take_fit(fit)
        for run in self._plan.runs:
            self._take_run(run)
        self._check_conflicts()
        self._complete_clusterings()
        for experiment in self._plan.measured:
            self._take_measured(experiment)
        for picture in self._plan.pictures:
            self._take_picture(picture)
        self._check_conflicts()

    def _check_conflicts(self) -> None:
        shown, more = self._conflicts[:_MOST_LINES], len(self._conflicts) - _MOST_LINES
        if shown:
            raise LanzdmlError(*shown, *([f"and {more:,} more"] if more > 0 else []))

    # Stages

    def _take_dataset(self, dataset: str) -> None:
        path = self._plan.paths.manifest(dataset)
        found = [
            (source, Path(source.results.plan.paths.manifest(own)))
            for source in self._sources
            for own, new in source.datasets.items()
            if new == dataset
        ]
        self._take(path, found)
        beside = [(source, file.with_name("excluded.csv")) for source, file in found]
        there = [(source, file) for source, file in beside if file.is_file()]
        self._take(str(Path(path).with_name("excluded.csv")), there)

    def _take_embeddings(self) -> None:
        found: dict[str, Found] = {}
        for source in self._sources:
            for path in source.results.embeddings:
                new = source.new(source.results.below(path))
                found.setdefault(new, []).append((source, Path(path)))
        for path, files in found.items():
            self._take(self._plan.paths.at(path), files, self._embeddings_differ)
        for dataset, model in self._plan.embedded:
            if not Path(self._plan.paths.images(dataset, model)).exists():
                self._leave(model, "embeddings, which need the images", dataset)
        for dataset, model, name in self._plan.prompts:
            if not Path(self._plan.paths.prompts(dataset, model, name)).exists():
                self._leave(model, "embeddings of prompts", f"{dataset} {name}")

    def _embeddings_differ(self, mine: Path, theirs: Path) -> list[str]:
        try:
            most = embeddings_differ(mine, theirs)
        except LanzdmlError as error:
            return error.lines
        if most:
            self.notes.append(
                f"{theirs} was rounded otherwise than {mine}, by {most:.1g} of its length at "
                "most: the latter is taken"
            )
        return []

    def _take_fit(self, fit: Fit) -> None:
        wanted = asked(fit_task(self._plan, fit, no_version), self._plan.config.results)
        found: Found = []
        for source in self._sources:
            plan, own = source.results.plan, source.own(fit)
            if own in plan.fits:
                task = fit_task(plan, own, no_version)
                if asked(task, plan.config.results, source) == wanted:
                    found.append((source, Path(plan.paths.transform(own))))
        if not self._take(self._plan.paths.transform(fit), found, transforms_differ):
            self._leave(fit.model, "fits", fit.method)

    def _take_run(self, run: Run) -> None:
        plan, is_main = self._plan, run in self._main
        task = score_task(plan, run, no_version, is_main)
        found = self._runs_like(run, asked(task, plan.config.results), is_main)
        if plan.external(run.fit) is not None:
            self._take_vectors(run, found)
        seeds = [source.results.plan.seeds_of(own) for source, own in found]
        stages = list(ROW_KEYS) if is_main else ["metrics"]
        files: dict[str, Found] = {stage: [] for stage in stages}
        for (source, own), (stage, of) in product(found, files.items()):
            of.append((source, _file(source.results.plan, stage, own)))
        for (source, own), (_, path) in zip(found, files["metrics"], strict=True):
            told, its = read_rows(path, "metrics")["seed"].tolist(), source.results.plan
            if told != its.seeds_of(own):
                self._conflicts.append(f"{path} has seeds {told}, not {its.seeds_of(own)}")
                return
        for stage, of in files.items():
            # Of another first seed there are other draws and pairs, which others do not have.
            self._check_same(of, partial(rows_differ, stage=stage))
        if not set(task.seeds) <= {seed for of in seeds for seed in of}:
            self._leave(run.fit.model, "scores", run.fit.method)
            return
        # First the one that begins as this.
        first = next(position for position, of in enumerate(seeds) if task.seeds[0] in of)
        for of in files.values():
            of.insert(0, of.pop(first))
        self._take_shards(task, run, *found[first])
        if seeds[first] == list(task.seeds):
            for stage, of in files.items():
                self._take(str(_file(plan, stage, run)), of)
            return
        outputs = {stage: _file(plan, stage, run) for stage in stages}
        paths = {stage: [path for _, path in of] for stage, of in files.items()}
        if lines := join_seeds(paths, outputs, task.seeds):
            names = " and ".join(map(str, paths["metrics"]))
            self._conflicts.append(f"{names} differ: {'; '.join(lines)}")
            return
        for stage, of in files.items():
            self.taken[stage] += 1
            rename_rows(outputs[stage], of[0][0])

    def _take_shards(self, task: ScoreTask, run: Run, source: Source, own: Run) -> None:
        """What a run was put together of, without which the workflow would make it anew."""
        n = n_shards(self._plan, run.fit.dataset)
        if n == 1:
            return
        its, paths = source.results.plan, self._plan.paths
        theirs = score_task(its, own, no_version, run in self._main)
        # Of more seeds there are more clusters, and pairs with those of the first.
        firsts = {first_fitted(of.siblings) or of.transform for of in (task, theirs)}
        alike = [*task.seeds] == [*theirs.seeds] and len({*map(content_of, firsts)}) == 1
        clusters = its.paths.clusters(str(own.path)) if alike else ""
        for what, ours, others in (
            ("rankings", paths.ranked_shards(run, n), its.paths.ranked_shards(own, n)),
            ("clusters", [paths.clusters(str(run.path))], [clusters]),
        ):
            if are_there(others):
                for path, other in zip(ours, others, strict=True):
                    self._take(path, [(source, Path(other))])
            else:  # or of another number of shards
                self._leave(run.fit.model, f"{what} of runs in shards", run.fit.method)

    def _runs_like(
        self, run: Run, wanted: dict[str, Any], is_main: bool
    ) -> list[tuple[Source, Run]]:
        """A run as sources have it."""
        found = []
        for source in self._sources:
            its, fit = source.results, source.own(run.fit)
            own = Run(run.protocol, fit) if fit else None
            if own in (its.main_runs if is_main else its.runs):
                task = score_task(its.plan, own, no_version, is_main)
                if asked(task, its.config.results, source) == wanted:
                    found.append((source, own))
        return found

    def _take_vectors(self, run: Run, found: Sequence[tuple[Source, Run]]) -> None:
        path = self._plan.scored_file(run.fit)
        own = [(source, Path(source.results.plan.scored_file(its.fit))) for source, its in found]
        if not Path(path).exists() and not self._take(path, own, self._embeddings_differ):
            self._leave(run.fit.model, "vectors", run.fit.method)

    def _complete_clusterings(self) -> None:
        """Run k-means with pairs of seeds that no source has: of the first fit, by the seeds of
        another folder's, and of these by the first."""
        images_of = lru_cache(maxsize=1)(ScoredImages)
        for run in self._plan.main_runs:
            task = score_task(self._plan, run, no_version, is_main=True)
            there = task.evidence is not None and Path(task.evidence.clusterings).exists()
            if (
                run.fit.seed is None
                or n_shards(self._plan, run.fit.dataset) > 1  # the workflow does
                or not there
                or not are_there(task.siblings)
                or has_pairs(task)
            ):
                continue
            self._check_made_here(run.fit.model, "runs of more seeds are clustered here")
            images, manifest, labels, queries = task.source
            columns = labels if isinstance(labels, str) else tuple(labels)
            write_pairs(task, images_of(images, manifest, columns, queries))
            self.n_clustered += 1

    def _take_measured(self, experiment: str) -> None:
        wanted, found = measurements(self._plan, experiment), dict[str, Found]()
        for source in self._sources:
            plan = source.results.plan
            own = measurements(plan, experiment) if experiment in plan.measured else {}
            for path, measured in own.items():
                new = self._plan.paths.at(source.new(source.results.below(path)))
                if new in wanted and Path(path).is_file():
                    its = measure_task(plan, experiment, measured, no_version)
                    ours = measure_task(self._plan, experiment, wanted[new], no_version)
                    if asked(its, plan.config.results, source) == asked(
                        ours, self._plan.config.results
                    ):
                        found.setdefault(new, []).append((source, Path(path)))
        for path, measured in wanted.items():
            if not self._take(path, found.get(path, []), tables_differ):
                fit = measured.run.fit
                self._leave(fit.model, f"measurements of {experiment}", fit.method)

    def _take_picture(self, picture: str) -> None:
        """What a picture is drawn of; that of images itself, as these may not be here."""
        section = self._plan.pictures[picture]
        source = next(each for each in self._sources if picture in each.results.plan.pictures)
        its, config = source.results.config, self._plan.config
        own = its.given_pictures[picture]
        (model,), (own_model,) = section.models_used(config), own.models_used(its)
        files = {
            "trimap": ["trimap/{}/{}.parquet"],
            "saliency": ["saliency/{}/{}/maps.safetensors", "saliency/{}/{}/shares.parquet"],
            "gallery": [f"figures/gallery.{suffix}" for suffix in ("pdf", "png", "rst")],
        }[picture]
        # All that these depend on beside what is taken.
        first = [(c.seeds[0], c.dims[0], c.protocols[0]) for c in (its, config)]
        for file in files:
            path = source.results.at(file.format(own.dataset, own_model))
            there = [(source, path)] if first[0] == first[1] and path.is_file() else []
            if not self._take(self._plan.paths.at(file.format(section.dataset, model)), there):
                self._leave(model, "the picture", picture)

    # Files

    def _take(
        self, path: str, found: Found, differ: Callable[[Path, Path], list[str]] | None = None
    ) -> bool:
        """Copy the first of several files that have to be the same; false if there is none."""
        if not found:
            return False
        if differ is not None:
            self._check_same(found, differ)
        source, own = found[0]
        with replacing(path) as temporary:
            shutil.copyfile(own, temporary)
        self.taken[Path(path).relative_to(self._plan.config.results).parts[0]] += 1
        rename_rows(Path(path), source)
        return True

    def _check_same(self, found: Found, differ: Callable[[Path, Path], list[str]]) -> None:
        for _, other in found[1:]:
            first = found[0][1]
            if lines := differ(first, other):
                self._conflicts.append(f"{first} and {other} differ: {'; '.join(lines)}")

    def _leave(self, model: str, what: str, of: str) -> None:
        self.left.setdefault((model, what), Counter())[of] += 1

    def check_left(self) -> None:
        """Raise where the workflow would make anew here what was made by other versions.

        Raises:
            LanzdmlError: it would.
        """
        for (model, what), of in self.left.items():
            self._check_made_here(model, f"{what} of {', '.join(of)} are in none of the folders")

    def _check_made_here(self, model: str, why: str) -> None:
        for source in self._sources:
            for own, new in source.models.items():
                made_here = is_of_these_packages(source, own) and is_of_this_code(source, own)
                if new == model and not made_here:
                    raise LanzdmlError(
                        f"{why}, and {own} of {source.results.folder} was made by other packages "
                        "or another version of the code than are here: merge where these are, or "
                        "complete that folder first"
                    )


def are_there(paths: Sequence[str]) -> bool:
    """Whether all of some files are there."""
    return all(Path(path).is_file() for path in paths)


def _file(plan: Plan, stage: str, run: Run) -> Path:
    path: str = getattr(plan.paths, stage)(run)
    return Path(path)
