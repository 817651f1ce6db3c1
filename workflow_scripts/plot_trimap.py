"""Draw the images in CLIP's space and in that of each notion."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.labels import read_all_labels
    from lanzdml.datasets.parquet_file import read_result
    from lanzdml.figures.style import write_figure
    from lanzdml.figures.trimap.draw import draw_trimap

    params = snakemake.params
    figure = draw_trimap(
        read_result(Path(snakemake.input.points)).to_pandas(),
        read_all_labels(Path(snakemake.input.manifest), params.labels),
        params.notions,
        dataset=params.dataset,
        model=params.model,
        dim=params.dim,
    )
    write_figure(figure, snakemake.output, snakemake.params.caption)


run_as_script(main, globals())
