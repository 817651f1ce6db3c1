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
        dims=lambda wildcards: [wildcards.dim],
        counts=[None],
        seeds=CONFIG.seeds,
    message:
        "Fitting {wildcards.method} to {wildcards.dataset}/{wildcards.notion} ({wildcards.model})"
    script:
        "../workflow_scripts/fit_transforms.py"


# The runs of an ablation are small and many: one job fits all that its figure adds to the tables,
# as starting a process costs more than most fits.

if ADDED_DIMS:

    use rule fit_transforms as fit_dimensions with:
        output:
            expand(TRANSFORM, dim=ADDED_DIMS, seed=ADDED_SEEDS, allow_missing=True),
        log:
            log_of(FIT.replace("dim-{dim}", "dimensions")),
        benchmark:
            benchmark_of(FIT.replace("dim-{dim}", "dimensions"))
        wildcard_constraints:
            dataset=re.escape(CONFIG.experiments.dimensions.dataset),
            model=re.escape(model_of(CONFIG.experiments.dimensions)),
        params:
            dims=ADDED_DIMS,
            seeds=ADDED_SEEDS,

    ruleorder: fit_dimensions > fit_transforms


if "prompt_count" in ABLATIONS:

    use rule fit_transforms as fit_prompt_counts with:
        output:
            expand(
                SUBSET_TRANSFORM,
                n_prompts=CONFIG.experiments.prompt_count.counts,
                seed=CONFIG.seeds,
                allow_missing=True,
            ),
        log:
            log_of(f"{FIT}/prompts"),
        benchmark:
            benchmark_of(f"{FIT}/prompts")
        params:
            counts=CONFIG.experiments.prompt_count.counts,
