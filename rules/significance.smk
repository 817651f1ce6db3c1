# significance: which differences hold for other images and other fits, from the tables' runs


rule compute_significance:
    input:
        runs=main_runs,
        queries=of_main_runs(QUERIES),
        clusterings=of_main_runs(CLUSTERINGS),
        draws=of_main_runs(DRAWS),
        manifests=[MANIFEST.format(dataset=dataset) for _, dataset, _, _ in SAMPLED],
    output:
        SIGNIFICANCE_FILES,
    log:
        in_results("logs/significance.log"),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("compute_significance"),
        counted=COUNTED,
        sampled=SAMPLED,
    message:
        "Computing intervals and tests of the differences between methods"
    script:
        "../workflow_scripts/compute_significance.py"


if RANKING:

    rule plot_critical_difference:
        input:
            in_results("tables/significance.csv"),
        output:
            *figure_files("critical_difference", "Significance"),
        log:
            in_results("logs/figures/critical_difference.log"),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            code=code("plot_critical_difference"),
        message:
            "Drawing the methods' mean ranks"
        script:
            "../workflow_scripts/plot_critical_difference.py"
