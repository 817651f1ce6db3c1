"""The part of a plan about the explorer: which runs it shows, and where these and their images are.

They are among those of the tables: of one model, and by the first protocol, dim and seed.
"""

from lanzdml.explorer.task import DatasetTask, MethodTask, NotionTask, Source
from lanzdml.plan.given import Given
from lanzdml.plan.jobs import grouped
from lanzdml.plan.plan import Plan
from lanzdml.plan.runs import Run


def explored_runs(plan: Plan) -> list[Run]:
    """The runs that the explorer shows; none where the configuration has no such section."""
    section = plan.config.explorer
    if section is None:
        return []
    return [
        run
        for run in plan.main_runs
        if run.protocol == plan.shown_protocol
        and run.fit.model == section.model
        and run.fit.dataset in (section.datasets or ())
        and run.fit.notion in (section.notions or ())
        and run.fit.method in (section.methods or ())
        and run.fit.dim in (None, plan.config.dims[0])
        and run.fit.seed in (None, plan.config.seeds[0])
    ]


def explorer_tasks(plan: Plan, given: Given) -> list[DatasetTask]:
    """What the explorer shows, by dataset."""
    runs, section = explored_runs(plan), plan.config.explorer
    methods = list(section.methods or ()) if section else []
    tasks = []
    for (dataset,), of_dataset in grouped(runs, lambda run: (run.fit.dataset,)).items():
        by_notion = grouped(of_dataset, lambda run: (run.fit.notion,)).values()
        others = plan.ranking_dataset(plan.shown_protocol, dataset)
        tasks.append(
            DatasetTask(
                dataset,
                _source(plan, given, dataset),
                _source(plan, given, others) if others != dataset else None,
                [_notion_task(plan, of_notion, methods) for of_notion in by_notion],
            )
        )
    return tasks


def _notion_task(plan: Plan, runs: list[Run], methods: list[str]) -> NotionTask:
    """A notion; where a protocol takes labels of another for some methods, by its own."""
    fit = runs[0].fit
    usual = [run for run in runs if _labels(plan, run) == fit.notion] or runs
    usual = [run for run in usual if _labels(plan, run) == _labels(plan, usual[0])]
    in_order = sorted(usual, key=lambda run: methods.index(run.fit.method))
    return NotionTask(
        fit.notion,
        plan.paths.images(fit.dataset, fit.model),
        plan.label_columns(fit.dataset, _labels(plan, usual[0])),
        plan.queries(usual[0]),
        [
            MethodTask(
                run.fit.method,
                plan.scored_file(plan.fit_of(run)),
                plan.config.seeds[0],
                plan.paths.metrics(run),
                plan.paths.queries(run),
            )
            for run in in_order
        ],
    )


def _labels(plan: Plan, run: Run) -> str:
    return plan.notions_used(run).labels


def _source(plan: Plan, given: Given, dataset: str) -> Source:
    return Source(plan.paths.manifest(dataset), given.root(dataset), given.linked(dataset))
