"""Jobs: which fits, and which scores, one process makes.

To start a process takes two to four seconds, which is more than most fits take. So one job fits all
methods that take less, for a dataset and model, and one each method that takes more; what an
ablation adds is one job a method, over all its notions, models and sizes. Scores are gathered
alike, but a large dataset's are a job a notion, and of a very large one's other jobs rank and
cluster (:mod:`lanzdml.plan.shards`). What was made before is kept run by run
(:class:`lanzdml.files.Kept`): a job to which a run is added makes that run only.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from lanzdml.datasets.queries import Queries
from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS, QUICK, method_on_paper
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS, PROMPTS
from lanzdml.metrics.evidence import Evidence
from lanzdml.metrics.task import ScoreTask
from lanzdml.names import DATASET_NAMES, on_paper
from lanzdml.plan.plan import FIGURES, MAIN, Plan
from lanzdml.plan.runs import Fit, Run
from lanzdml.plan.shards import Version, check_number, n_shards
from lanzdml.transforms.fitting import FitTask

LARGE = 3_000  # images; from here on the scores of one notion are worth a process

Task = TypeVar("Task", FitTask, ScoreTask, MeasureTask)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Job(Generic[Task]):
    """What one process makes.

    Attributes:
        key: what its tasks have in common; no two jobs of a stage have the same.
        title: what is said of it.
        tasks: in the order in which they are made.
        inputs: the files that they need and that another job makes.
        cost: of a fit, see :class:`lanzdml.methods.base.Method`.
    """

    key: tuple[str, ...]
    title: str
    tasks: Sequence[Task]
    inputs: Sequence[str]
    cost: int

    @property
    def is_main(self) -> bool:
        """Whether the tables show it."""
        return self.key[0] == MAIN

    @property
    def name(self) -> str:
        """The key as one name; those of two jobs can be the same, where names hold underscores."""
        return "_".join(self.key)

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Its tasks, as :func:`parameters_of`."""
        return [parameters_of(task) for task in self.tasks]

    @property
    def path(self) -> str:
        """Where its log and its benchmark lie below their stage's folder."""
        owner, dataset, *rest = self.key
        return "/".join((dataset, owner, *rest))


def parameters_of(task: FitTask | ScoreTask | MeasureTask) -> dict[str, Any]:
    """A task as a parameter; a list that many of them have is not copied into each."""
    return {
        key: asdict(value) if isinstance(value, Evidence | Queries) else value
        for key, value in vars(task).items()
    }


def fit_jobs(plan: Plan, version: Version) -> list[Job[FitTask]]:
    """The jobs that make all fits, each in one of them."""

    def key(fit: Fit) -> tuple[str, ...]:
        owner = plan.fits[fit]
        of_tables = (fit.model,) if owner in (MAIN, FIGURES) else ()
        return (owner, fit.dataset, *of_tables, kind_of(fit.method))

    jobs = []
    for group, fits in grouped(plan.fits, key).items():
        tasks = [fit_task(plan, fit, version) for fit in fits]
        made = {task.output for task in tasks}
        inputs = {path for task in tasks for path in files_of(task)} - made
        jobs.append(job_of(group, fits, tasks, sorted(inputs)))
    return jobs


def score_jobs(plan: Plan, version: Version) -> list[Job[ScoreTask]]:
    """The jobs that score all runs, each in one of them.

    Raises:
        LanzdmlError: the runs have more shards than can be planned.
    """
    owners = {run: name for name, runs in reversed(plan.experiments.items()) for run in runs}
    large = {name for name in plan.config.datasets if is_large(plan, name)}
    shards = {name: n_shards(plan, name) for name in plan.config.datasets}
    check_number(sum(shards[run.fit.dataset] for run in plan.runs))

    def key(run: Run) -> tuple[str, ...]:
        owner, fit = owners[run], run.fit
        of_tables = (run.protocol, fit.model) if owner == MAIN else ()
        of_large = (fit.notion, fit.model) if fit.dataset in large else ()
        return (owner, fit.dataset, *dict.fromkeys((*of_tables, *of_large)), kind_of(fit.method))

    jobs = []
    for group, runs in grouped(plan.runs, key).items():
        tasks = [
            score_task(plan, run, version, owners[run] == MAIN, shards[run.fit.dataset])
            for run in runs
        ]
        # Each a list that many tasks have.
        siblings = {id(task.siblings): task.siblings for task in tasks}
        inputs = {path for task in tasks for path in task.inputs}
        inputs.update(*siblings.values())
        jobs.append(job_of(group, [run.fit for run in runs], tasks, sorted(inputs)))
    return jobs


def job_of(
    key: tuple[str, ...], fits: Sequence[Fit], tasks: Sequence[Task], inputs: list[str]
) -> Job[Task]:
    """A job of tasks, a fit each; its key ends in a :func:`kind_of` methods, or in another word."""
    cost = METHODS[key[-1]].cost if key[-1] in METHODS else 0
    return Job(key, _said(key, fits), tasks, inputs, cost)


def kind_of(method: str) -> str:
    """A method's name where its fits are worth a process, and what stands for all others."""
    # What others wrote may end its process, which should make nothing else.
    own = method in METHODS and (METHODS[method].cost or METHODS.guest(method))
    return method if own else QUICK


def grouped(
    items: Iterable[Item], key: Callable[[Item], tuple[str, ...]]
) -> Mapping[tuple[str, ...], list[Item]]:
    """Items by their keys, in order."""
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _said(key: tuple[str, ...], fits: Sequence[Fit]) -> str:
    """What fits have in common, in words."""
    methods = list(dict.fromkeys(fit.method for fit in fits))
    notions = list(dict.fromkeys(fit.notion for fit in fits))
    datasets = list(dict.fromkeys(on_paper(fit.dataset, DATASET_NAMES) for fit in fits))
    models = list(dict.fromkeys(fit.model for fit in fits))
    by = method_on_paper(methods[0]) if len(methods) == 1 else f"{len(methods)} methods"
    of = notions[0] if len(notions) == 1 else f"{len(notions)} notions"
    times = f"{len(fits)} {'time' if len(fits) == 1 else 'times'}"
    where = f"{of} of {', '.join(datasets)} ({', '.join(models)})"
    return f"{by} on {where}, {times}{'' if key[0] == MAIN else f', for {key[0]}'}"


def is_large(plan: Plan, dataset: str) -> bool:
    """Whether the scores of one of a dataset's notions are worth a process."""
    return plan.config.datasets[dataset].source(dataset).n_images >= LARGE


def fit_task(plan: Plan, fit: Fit, version: Version) -> FitTask:
    """What makes a fit."""
    paths = plan.paths
    task = FitTask(
        output=paths.transform(fit),
        method=fit.method,
        dim=fit.dim,
        seed=0 if fit.seed is None else fit.seed,
        version=version(fit.method),
    )
    if parts := plan.parts(fit):
        stacked = [(part.notion, paths.transform(part), weight) for part, weight in parts]
        return replace(task, parts=stacked)
    needs = METHODS[fit.method].needs
    if IMAGES in needs:
        task = replace(task, images=paths.images(fit.dataset, fit.model))
    if LABELS in needs:
        labels = plan.label_columns(fit.dataset, fit.notion)
        task = replace(task, manifest=paths.manifest(fit.dataset), labels=labels)
    if PROMPTS not in needs:
        return task
    task = replace(
        task,
        prompts=paths.prompts(fit.dataset, fit.model, fit.notion),
        n_prompts=fit.n_prompts,
    )
    if AGAINST not in needs:
        return task
    others = plan.against(fit.dataset, fit.notion)
    against = {name: paths.prompts(fit.dataset, fit.model, name) for name in others}
    return replace(task, against=against)


def files_of(task: FitTask) -> list[str]:
    """All files that a fit reads."""
    parts = (path for _, path, _ in task.parts)
    files = [task.prompts, *task.against.values(), task.images, task.manifest, *parts]
    return [path for path in files if path is not None]


def score_task(plan: Plan, run: Run, version: Version, is_main: bool, shards: int = 1) -> ScoreTask:
    """What scores a run, with evidence where it is one of the tables'; of so many shards."""
    paths, fit = plan.paths, run.fit
    evidence = Evidence(paths.queries(run), paths.clusterings(run), paths.draws(run))
    name = {key: getattr(fit, key) for key in ("dataset", "notion", "model", "method")}
    siblings, external = plan.siblings(run), plan.external(fit)
    return ScoreTask(
        output=paths.metrics(run),
        run={**name, "protocol": run.protocol},
        transform=plan.scored_file(plan.fit_of(run)),
        seeds=plan.seeds_of(run),
        version=version(fit.method),
        images=siblings[0] if external else paths.images(fit.dataset, fit.model),
        manifest=paths.manifest(fit.dataset),
        labels=plan.label_columns(fit.dataset, plan.notions_used(run).labels),
        queries=plan.queries(run),
        siblings=siblings if is_main else (),
        external=external.model_dump(include={"source", "supervised"}) if external else None,
        evidence=evidence if is_main else None,
        metrics=plan.config.more_metrics,
        kmeans_repeats=plan.config.kmeans_repeats,
        kmeans_batch_size=plan.config.kmeans_batch_size,
        shards=paths.ranked_shards(run, shards) if shards > 1 else (),
        clusters=paths.clusters(str(run.path)) if shards > 1 else None,
    )
