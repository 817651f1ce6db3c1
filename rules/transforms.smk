# transforms: fit each method per notion; one job fits all seeds and writes one file a seed


rule fit_transforms:
    message:
        "Fitting {wildcards.method} to {wildcards.dataset}/{wildcards.notion} ({wildcards.model})"
    input:
        unpack(supervision),
        prompts=PROMPTS,
    output:
        expand(TRANSFORM, seed=CONFIG.seeds, allow_missing=True),
    params:
        code=lambda wildcards: code("fit_transforms", METHODS.module(wildcards.method)),
        seeds=CONFIG.seeds,
    log:
        log_of(METRICS.replace("results/metrics/", "results/transforms/")),
    benchmark:
        benchmark_of(METRICS.replace("results/metrics/", "results/transforms/"))
    conda:
        "../envs/analysis.yaml"
    # One thread a fit: the result must not depend on what runs beside it.
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    script:
        script("fit_transforms")
