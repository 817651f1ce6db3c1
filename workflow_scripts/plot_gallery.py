"""Draw what some images find by CLIP and by InDiReCT."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets.archives import unpacked
    from lanzdml.datasets.queries import Queries
    from lanzdml.figures.gallery.draw import draw_gallery
    from lanzdml.figures.gallery.retrieval import Source, retrieve
    from lanzdml.figures.style import write_figure

    files, params = snakemake.input, snakemake.params
    transforms = zip(params.notions, files.transforms, strict=True)
    of_datasets = zip(
        files.images, files.manifests, params.root, params.labels, params.linked, strict=True
    )
    sources = [
        Source(Path(images), Path(manifest), unpacked(Path(root)), labels, linked)
        for images, manifest, root, labels, linked in of_datasets
    ]
    retrievals = retrieve(
        sources,
        {notion: Path(path) for notion, path in transforms},
        split=params.split and Queries(**params.split),
        **params.drawn,
    )
    is_split = params.split is not None or len(sources) > 1
    figure = draw_gallery(
        retrievals,
        dataset=params.datasets[0],
        model=params.model,
        dim=params.dim,
        queries_of=params.datasets[-1] if is_split else None,
    )
    write_figure(figure, snakemake.output, snakemake.params.caption)


run_as_script(main, globals())
