"""Score runs."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.queries import Queries
    from lanzdml.metrics.evidence import Evidence
    from lanzdml.metrics.scoring import ScoreTask, score_runs
    from lanzdml.progress import Progress

    params = snakemake.params
    kinds = {"evidence": Evidence, "queries": Queries}
    tasks = [
        ScoreTask(**task | {key: task[key] and kind(**task[key]) for key, kind in kinds.items()})
        for task in params.tasks
    ]
    score_runs(
        tasks,
        kept=Path(params.kept),
        n_threads=snakemake.threads,
        progress=Progress("scored", len(tasks), "runs"),
    )


run_as_script(main, globals())
