# transforms: fit each method per notion; one job fits all seeds and writes one file a seed


rule fit_transforms:
    input:
        unpack(fitted_to),
    output:
        expand(TRANSFORM, seed=CONFIG.seeds, allow_missing=True),
    log:
        log_of(FIT),
    benchmark:
        benchmark_of(FIT)
    conda:
        "../envs/analysis.yaml"
    # One thread a fit: the result must not depend on what runs beside it.
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=lambda wildcards: code("fit_transforms", METHODS.module(wildcards.method)),
        seeds=CONFIG.seeds,
    message:
        "Fitting {wildcards.method} to {wildcards.dataset}/{wildcards.notion} ({wildcards.model})"
    script:
        "../workflow_scripts/fit_transforms.py"
