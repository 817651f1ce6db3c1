"""Put all results on one page."""

from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.figures.words import Words
    from lanzdml.report.page import write_report
    from lanzdml.report.results import Results

    def files(name: str) -> list[Path]:
        """An input's files: one, several, or none where there is no such input."""
        paths = snakemake.input.get(name) or []
        return [Path(path) for path in ([paths] if isinstance(paths, str) else paths)]

    params = snakemake.params
    output = Path(snakemake.output[0])
    results = Results(
        folder=output.parent,
        runs=files("runs"),
        main=files("main"),
        paper=files("paper"),
        tables=files("tables"),
        figures={path.stem: path for path in files("figures")},
        words={name: Words(**words) for name, words in params.words.items()},
        prompts={
            (notion["dataset"], notion["notion"]): path
            for notion, path in zip(params.notions, files("prompts"), strict=True)
        },
        images=dict(zip(params.embeddings, files("images"), strict=True)),
        transforms=files("transforms"),
        config=params.config,
        benchmarks=Path(params.benchmarks),
        explorer=next(map(Path, params.explorer), None),
    )
    write_report(output, results)


run_as_script(main, globals())
