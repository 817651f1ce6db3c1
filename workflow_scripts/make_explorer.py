"""Put images, and what they find by each method, on a page to look at."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.explorer.page import write_explorer
    from lanzdml.explorer.task import DatasetTask

    params = snakemake.params
    tasks = [DatasetTask.of(task) for task in params.explored]
    write_explorer(Path(snakemake.output[0]), tasks, **params.shown)


run_as_script(main, globals())
