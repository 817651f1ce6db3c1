"""Draw what some images find by CLIP and by InDiReCT."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.archives import unpacked
    from lanzdml.figures.gallery.draw import draw_gallery
    from lanzdml.figures.gallery.retrieval import retrieve
    from lanzdml.figures.style import write_figure

    params = snakemake.params
    transforms = zip(params.notions, snakemake.input.transforms, strict=True)
    retrievals = retrieve(
        Path(snakemake.input.images),
        Path(snakemake.input.manifest),
        unpacked(Path(params.root)),
        {notion: Path(path) for notion, path in transforms},
        columns=params.labels,
        linked=params.linked,
        **params.drawn,
    )
    figure = draw_gallery(retrievals, dataset=params.dataset, model=params.model, dim=params.dim)
    write_figure(figure, snakemake.output, snakemake.params.caption)


run_as_script(main, globals())
