# metrics: transform the images and score the result; then all rows in one file


rule compute_metrics:
    input:
        transforms=transforms_of,
        images=IMAGES,
        manifest=MANIFEST,
    output:
        METRICS,
    log:
        log_of(METRICS),
    benchmark:
        benchmark_of(METRICS)
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=lambda wildcards: code("compute_metrics", METHODS.module(wildcards.method)),
    message:
        "Scoring {wildcards.method} on {wildcards.dataset}/{wildcards.notion} "
        "({wildcards.model}, {wildcards.protocol} protocol)"
    script:
        "../workflow_scripts/compute_metrics.py"


rule collect_metrics:
    input:
        all_metrics,
    output:
        "results/metrics.parquet",
    log:
        "results/logs/metrics.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("collect_metrics"),
    message:
        "Collecting the metrics of all runs"
    script:
        "../workflow_scripts/collect_metrics.py"
