# significance: which differences hold for other images and other fits, from the tables' runs

SIGNIFICANCE_FILES = [PATHS.table("significance", suffix) for suffix in ("csv", "md")]


rule compute_significance:
    input:
        runs=MAIN_METRICS,
        queries=[PATHS.queries(run) for run in PLAN.main_runs],
        clusterings=[PATHS.clusterings(run) for run in PLAN.main_runs],
        draws=[PATHS.draws(run) for run in PLAN.main_runs],
        manifests=[PATHS.manifest(queries) for _, _, _, queries, _ in PLAN.sampled],
    output:
        SIGNIFICANCE_FILES,
    log:
        PATHS.at("logs/significance.log"),
    priority: TABLES
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=more_each_time(2000),
        runtime=more_each_time(30),
    params:
        version=version_told("compute_significance"),
        counted=PLAN.counted,
        sampled=PLAN.sampled,
    message:
        "Computing intervals and tests of the differences between methods"
    script:
        "../workflow_scripts/compute_significance.py"


if PLAN.has_ranks:

    rule plot_critical_difference:
        input:
            PATHS.table("significance", "csv"),
        output:
            *figure_files("critical_difference"),
        log:
            PATHS.at("logs/figures/critical_difference.log"),
        priority: PICTURES
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=more_each_time(1000),
            runtime=more_each_time(10),
        params:
            version=version_told("plot_critical_difference"),
            caption=WORDS["critical_difference"].caption,
        message:
            "Drawing the methods' mean ranks"
        script:
            "../workflow_scripts/plot_critical_difference.py"
