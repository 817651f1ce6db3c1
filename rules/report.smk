# report: all results on one page

from lanzdml.experiments import EXPERIMENTS
from lanzdml.report import ASSETS

REPORT = PATHS.at("report.html")


rule make_report:
    input:
        # nothing where no notion is scored
        runs=[PATHS.at("metrics.parquet")] if PLAN.main_runs else [],
        main=MAIN_METRICS,
        paper=PAPER_METRICS,
        tables=ALL_TABLES,
        figures=[PATHS.figure(name, "png") for name in PLAN.figures],
        prompts=rules.make_overview.input.prompts,
        images=[PATHS.images(dataset, model) for dataset, model in PLAN.embedded],
        transforms=list(
            dict.fromkeys(
                PATHS.transform(PLAN.fit_of(run))
                for run in PLAN.runs
                if not PLAN.external(run.fit)
            )
        ),
    output:
        REPORT,
    log:
        PATHS.at("logs/report.log"),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=more_each_time(10),
    params:
        version=version_told("make_report", *ASSETS, *map(EXPERIMENTS.module, PLAN.measured)),
        config=config_told(),
        notions=PLAN.overview,
        embeddings=PLAN.embedded,
        words={name: asdict(WORDS[name]) for name in PLAN.figures},
        benchmarks=PATHS.at("benchmarks"),
        explorer=EXPLORER,
    message:
        "Putting all results on one page"
    script:
        "../workflow_scripts/make_report.py"
