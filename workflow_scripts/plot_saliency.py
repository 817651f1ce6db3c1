"""Draw the saliency maps' differences, and write the table of what is on the foreground."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.parquet_file import read_result
    from lanzdml.figures.saliency.draw import draw_saliency
    from lanzdml.figures.saliency.maps import read_maps
    from lanzdml.figures.saliency.table import write_saliency_table
    from lanzdml.figures.style import write_figure

    maps, shares = (
        read_maps(snakemake.input.maps),
        read_result(Path(snakemake.input.shares)).to_pandas(),
    )
    figure = draw_saliency(
        maps.images,
        maps.difference,
        maps.masks,
        maps.notions,
        dataset=snakemake.params.dataset,
        model=snakemake.params.model,
        dim=maps.dim,
    )
    write_figure(figure, snakemake.output.figure, snakemake.params.caption)
    write_saliency_table(shares, maps, snakemake.params.dataset, snakemake.output.table)


run_as_script(main, globals())
