"""Jobs of experiments that measure more of fits than scores on their own notion."""

from collections.abc import Callable, Iterator

from lanzdml.errors import LanzdmlError
from lanzdml.experiments.measured import Measured
from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS, QUICK
from lanzdml.methods.needs import AGAINST
from lanzdml.metrics.protocols import UsedNotions
from lanzdml.plan.jobs import Job, grouped, is_large, job_of, kind_of
from lanzdml.plan.plan import Plan
from lanzdml.plan.runs import Run

MeasureVersion = Callable[[str, str], str]
"""From the names of an experiment and a method to the version of the code that measures it."""


def measured_runs(plan: Plan, name: str) -> list[Run]:
    """The runs that an experiment measures, the first of their seeds each.

    They are among those of the tables: of the first protocol and dim, and of no notion that the
    protocol mixes up with another. Where methods are fitted anew, of no notion that combines others
    and of nothing that was made elsewhere; otherwise of notions beside which there are others.
    """
    section = plan.measured[name]
    dims, protocol = (None, plan.config.dims[0]), plan.config.protocols[0]
    first: dict[str, Run] = {}
    for run in plan.main_runs:
        fit, external = run.fit, plan.external(run.fit) is not None
        if (
            run.protocol == protocol
            and fit.dim in dims
            and fit.dataset in (section.datasets or ())
            and (fit.method in (section.methods or ()) or (external and not section.fits_anew))
            and _can_be_measured(plan, section, run)
        ):
            first.setdefault(plan.paths.measured(name, run), run)
    return [*first.values()]


def _can_be_measured(plan: Plan, section: Measured, run: Run) -> bool:
    dataset, notion = run.fit.dataset, run.fit.notion
    if plan.notions_used(run) != UsedNotions(notion, notion):
        return False
    if section.fits_anew:
        return not plan.notions[dataset, notion].combine
    return bool(_others(plan, dataset, notion))


def _others(plan: Plan, dataset: str, notion: str) -> list[str]:
    """The scored notions beside one; of those with the same labels the first."""
    others = plan.others(dataset, notion)
    scored = [name for name in others if plan.notions[dataset, name].scored]
    by_labels = {str(plan.label_columns(dataset, name)): name for name in reversed(scored)}
    return [name for name in scored if name in by_labels.values()]


def measure_jobs(plan: Plan, version: MeasureVersion) -> Iterator[Job[MeasureTask]]:
    """The jobs that measure: one a dataset and model, and one each for what takes long to fit.

    Raises:
        LanzdmlError: an experiment has nothing to measure.
    """
    for name, section in plan.measured.items():

        def key(run: Run, name: str = name, anew: bool = section.fits_anew) -> tuple[str, ...]:
            kind = kind_of(run.fit.method) if anew or METHODS.guest(run.fit.method) else QUICK
            of_large = (run.fit.notion,) if is_large(plan, run.fit.dataset) else ()
            return (name, run.fit.dataset, run.fit.model, *of_large, kind)

        measured = measured_runs(plan, name)
        if not measured:
            raise LanzdmlError(
                f"experiments.{name}: there is nothing to measure, as no run of the tables is of a "
                "scored notion that it takes; leave it out"
            )
        for group, runs in grouped(measured, key).items():
            tasks = [_task(plan, name, run, version) for run in runs]
            inputs = sorted({path for task in tasks for path in task.files})
            yield job_of(group, [run.fit for run in runs], tasks, inputs)


def _task(plan: Plan, name: str, run: Run, version: MeasureVersion) -> MeasureTask:
    paths, fit, section = plan.paths, run.fit, plan.measured[name]
    external = plan.external(fit)
    anew = section.fits_anew
    told = anew and AGAINST in METHODS[fit.method].needs
    others = [] if anew else _others(plan, fit.dataset, fit.notion)
    transforms = plan.siblings(run)[: section.seeds]
    against = plan.against(fit.dataset, fit.notion) if told else []
    return MeasureTask(
        output=paths.measured(name, run),
        experiment=name,
        run={
            "dataset": fit.dataset,
            "notion": fit.notion,
            "model": fit.model,
            "protocol": run.protocol,
            "method": fit.method,
        },
        dim=fit.dim,
        settings=section.settings,
        version=version(name, fit.method),
        images=paths.images(fit.dataset, fit.model),
        manifest=paths.manifest(fit.dataset),
        prompts=paths.prompts(fit.dataset, fit.model, fit.notion) if anew else None,
        against={name: paths.prompts(fit.dataset, fit.model, name) for name in against},
        labels={n: plan.label_columns(fit.dataset, n) for n in (fit.notion, *others)},
        transforms=transforms,
        seeds=plan.config.seeds[: len(transforms)],
        external=external.model_dump(include={"source", "supervised"}) if external else None,
    )
