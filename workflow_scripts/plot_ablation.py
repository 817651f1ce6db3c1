"""Draw an ablation: MAP@R over the size of the embedding, the model or the number of prompts."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.experiments import EXPERIMENTS
    from lanzdml.figures.style import write_figure
    from lanzdml.metrics.runs import read_runs

    experiment = EXPERIMENTS[snakemake.params.figure]
    runs = read_runs([Path(path) for path in snakemake.input], snakemake.params.seeds)
    write_figure(experiment.draw(runs), snakemake.output)


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
