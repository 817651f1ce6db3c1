"""Put all results on one page."""

from pathlib import Path

from job import run


def main(snakemake) -> None:
    from lanzdml.report.page import write_report

    def files(name: str) -> list[Path]:
        """An input's files: one, several, or none where there is no such input."""
        found = snakemake.input.get(name, [])
        return [Path(path) for path in ([found] if isinstance(found, str) else found)]

    params = snakemake.params
    write_report(
        Path(snakemake.output[0]),
        runs=files("runs"),
        main=files("main"),
        paper=files("paper"),
        tables=files("tables"),
        figures={path.stem: path for path in files("figures")},
        captions=params.captions,
        prompts={
            (notion["dataset"], notion["notion"]): path
            for notion, path in zip(params.notions, files("prompts"), strict=True)
        },
        images=dict(zip(params.embeddings, files("images"), strict=True)),
        transforms=files("transforms"),
        config=params.config,
        benchmarks=Path(params.benchmarks),
    )


if "snakemake" in globals():
    run(main, snakemake)  # noqa: F821
