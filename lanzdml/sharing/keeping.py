"""What a merged folder keeps of what it took, so that a job that gets one more run makes only that.

What the folders kept themselves is not believed: a name there says what a file was made of, and
nobody can see whether it was. So each file is kept by what a job here would have made it of, and
only where the same commit and packages made it.
"""

from collections.abc import Sequence
from functools import partial
from os import PathLike

from lanzdml.experiments.measuring import measure_runs
from lanzdml.files import Kept
from lanzdml.methods import METHODS
from lanzdml.metrics.scoring import score_runs
from lanzdml.plan import Plan
from lanzdml.plan.jobs import files_of, fit_jobs, score_jobs
from lanzdml.plan.measurements import measure_jobs
from lanzdml.plan.versions import version_measured, version_with
from lanzdml.report.provenance import commit
from lanzdml.sharing.names import Source, is_of_these_packages
from lanzdml.sharing.taking import are_there
from lanzdml.transforms.fitting import fit_transforms


class _There(Kept):
    """Keeps what is in its place as if it had been made there."""

    def take(self, made_of: str, outputs: Sequence[str | PathLike[str]]) -> bool:
        self.keep(made_of, outputs)
        return True


def keep_taken(plan: Plan, sources: Sequence[Source]) -> None:
    """Keep what a plan's jobs have in its folder; nothing of methods of others.

    Args:
        plan: with the paths of the folder.
        sources: all that it was taken from.
    """
    if not all(_is_made_here(source) for source in sources):
        return
    kept = _There(plan.paths.kept)
    for fits in fit_jobs(plan, partial(version_with, "fit_transforms")):
        fit_transforms(
            [
                task
                for task in fits.tasks
                if not task.parts
                and METHODS.is_ours(task.method)
                and are_there([task.output, *files_of(task)])
            ],
            kept=kept,
        )
    for scores in score_jobs(plan, partial(version_with, "compute_metrics")):
        score_runs(
            [
                task
                for task in scores.tasks
                if METHODS.is_ours(task.run["method"])
                and are_there([*task.outputs, *task.inputs, *task.siblings])
            ],
            kept=kept,
        )
    for measured in measure_jobs(plan, version_measured):
        measure_runs(
            [
                task
                for task in measured.tasks
                if METHODS.is_ours(task.run["method"]) and are_there([task.output, *task.files])
            ],
            kept=kept,
        )


def _is_made_here(source: Source) -> bool:
    record, here = source.results.record, commit()
    same_code = here.hash != "" and record.commit == here.hash and not (record.dirty or here.dirty)
    return same_code and all(is_of_these_packages(source, name) for name in source.models)
