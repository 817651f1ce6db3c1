"""Jobs of experiments that measure more of fits than scores on their own notion."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lanzdml.datasets.labels import names_of
from lanzdml.embeddings.prompts import OWN
from lanzdml.errors import LanzdmlError
from lanzdml.experiments.measured import Measured
from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS, QUICK
from lanzdml.methods.needs import AGAINST
from lanzdml.metrics.protocols import UsedNotions
from lanzdml.plan.jobs import Job, grouped, is_large, job_of, kind_of
from lanzdml.plan.notions import of_wording
from lanzdml.plan.plan import MAIN, Plan
from lanzdml.plan.runs import Run, runs_of

MeasureVersion = Callable[[str, str], str]
"""From the names of an experiment and a method to the version of the code that measures it."""


@dataclass(frozen=True)
class Measurement:
    """What an experiment measures at once: a file each.

    Attributes:
        run: the first of its seeds.
        wording: of the notion's prompts, where each is measured by itself.
        to_labels: whether the experiment fits the method to labels, some of them at a time.
    """

    run: Run
    wording: str | None
    to_labels: bool

    @property
    def has_transforms(self) -> bool:
        """Whether the tables' runs have fitted it already."""
        return not self.to_labels and self.wording in (None, OWN)


def measurements(plan: Plan, name: str) -> dict[str, Measurement]:
    """What an experiment measures, by the file of each.

    The runs are among those of the tables, but for those of methods that the experiment fits to
    labels: of the first protocol in which each image ranks all others, of the first dim, and of no
    notion that the protocol mixes up with another.
    Where methods are fitted anew, of no notion that combines others and of nothing that was made
    elsewhere.
    """
    section = plan.measured[name]
    protocol = section.protocol(plan.config)
    first: dict[str, Measurement] = {}
    for run in (*plan.main_runs, *_fitted_to_labels(plan, section)):
        fit, external = run.fit, plan.external(run.fit) is not None
        to_labels = fit.method in section.fitted_to_labels and not external
        if (
            run.protocol == protocol
            and fit.dim in (None, plan.config.dims[0])
            and fit.dataset in (section.datasets or ())
            and (to_labels or _is_chosen(section, fit.method, external))
            and _can_be_measured(plan, section, run)
        ):
            wordings: list[str | None] = [None]
            if section.by_wording:
                wordings = [*plan.wordings(fit.dataset, fit.notion)]
            for wording in wordings:
                path = plan.paths.measured(name, run, wording)
                first.setdefault(path, Measurement(run, wording, to_labels))
    return first


def _is_chosen(section: Measured, method: str, external: bool) -> bool:
    return not section.fits_anew if external else method in (section.methods or ())


def _fitted_to_labels(plan: Plan, section: Measured) -> Iterator[Run]:
    """Runs of the methods that an experiment fits to labels, on what the tables have."""
    methods = section.fitted_to_labels
    for grid in plan.grids[MAIN] if methods else ():
        yield from runs_of(replace(grid, methods=methods))


def _can_be_measured(plan: Plan, section: Measured, run: Run) -> bool:
    dataset, notion = run.fit.dataset, run.fit.notion
    if plan.notions_used(run) != UsedNotions(notion, notion):
        return False
    if section.beside_others:
        return bool(_others(plan, dataset, notion))
    return not plan.notions[dataset, notion].combine


def _others(plan: Plan, dataset: str, notion: str) -> list[str]:
    """The scored notions beside one; of those with the same labels the first."""
    others = plan.others(dataset, notion)
    scored = [name for name in others if plan.notions[dataset, name].scored]
    by_labels = {names_of(plan.label_columns(dataset, name)): name for name in reversed(scored)}
    return [name for name in scored if name in by_labels.values()]


def measure_jobs(plan: Plan, version: MeasureVersion) -> Iterator[Job[MeasureTask]]:
    """The jobs that measure: one a dataset and model, and one each for what takes long to fit.

    Raises:
        LanzdmlError: an experiment has nothing to measure.
    """
    for name, section in plan.measured.items():

        def key(
            measured: Measurement, name: str = name, section: Measured = section
        ) -> tuple[str, ...]:
            fit = measured.run.fit
            own_job = section.fits_anew or measured.to_labels or METHODS.guest(fit.method)
            of_large = (fit.notion,) if is_large(plan, fit.dataset) else ()
            kind = kind_of(fit.method) if own_job else QUICK
            return (name, fit.dataset, fit.model, *of_large, kind)

        found = measurements(plan, name).values()
        if not found:
            raise LanzdmlError(
                f"experiments.{name}: there is nothing to measure, as no run of the tables is of a "
                "scored notion that it takes; leave it out"
            )
        for group, measured in grouped(found, key).items():
            tasks = [measure_task(plan, name, each, version) for each in measured]
            inputs = sorted({path for task in tasks for path in task.files})
            yield job_of(group, [each.run.fit for each in measured], tasks, inputs)


def measure_task(
    plan: Plan, name: str, measured: Measurement, version: MeasureVersion
) -> MeasureTask:
    """What makes a measurement of an experiment."""
    paths, run, section = plan.paths, measured.run, plan.measured[name]
    fit, external = run.fit, plan.external(run.fit)
    anew = section.fits_anew or measured.to_labels
    others = _others(plan, fit.dataset, fit.notion) if section.beside_others else []
    told = anew and AGAINST in METHODS[fit.method].needs
    against = plan.against(fit.dataset, fit.notion) if told else []
    prompts = of_wording(fit.notion, measured.wording or OWN)
    own = paths.prompts(fit.dataset, fit.model, fit.notion) if measured.wording else None
    of_seeds = plan.siblings(run)[: section.seeds]
    # What is changed a little are the own prompts: another angle measures no other wording anew.
    settings = section.settings if measured.wording in (None, OWN) else {}
    return MeasureTask(
        output=paths.measured(name, run, measured.wording),
        experiment=name,
        run={
            "dataset": fit.dataset,
            "notion": fit.notion,
            "model": fit.model,
            "protocol": run.protocol,
            "method": fit.method,
        },
        dim=fit.dim,
        settings=settings,
        version=version(name, fit.method),
        images=paths.images(fit.dataset, fit.model),
        manifest=paths.manifest(fit.dataset),
        prompts=paths.prompts(fit.dataset, fit.model, prompts) if anew else None,
        against={name: paths.prompts(fit.dataset, fit.model, name) for name in against},
        labels={n: plan.label_columns(fit.dataset, n) for n in (fit.notion, *others)},
        transforms=of_seeds if measured.has_transforms else [],
        seeds=plan.config.seeds[: len(of_seeds)],
        external=external.model_dump(include={"source", "supervised"}) if external else None,
        wording=measured.wording,
        own_prompts=own,
    )
