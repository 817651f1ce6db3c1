# transforms: fit each method per notion; one job fits all seeds and writes one file a seed


rule fit_transforms:
    input:
        unpack(fitted_to()),
    output:
        expand(TRANSFORM, seed=CONFIG.seeds, allow_missing=True),
    log:
        log_of(FIT),
    benchmark:
        benchmark_of(FIT)
    conda:
        "../envs/analysis.yaml"
    # Cores are filled with jobs; a fit has one thread.
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        code=lambda wildcards: code_with("fit_transforms", wildcards.method),
        dims=lambda wildcards: [wildcards.dim],
        counts=[None],
        seeds=CONFIG.seeds,
        labels=column_of_fit,
        stacked=stacked,
    message:
        "Fitting {wildcards.method} to {wildcards.dataset}/{wildcards.notion} ({wildcards.model})"
    script:
        "../workflow_scripts/fit_transforms.py"


# The runs of an ablation are small and many: one job fits all that its figure adds to the tables for a
# method, as starting a process costs more than most fits. It may be given fewer seeds than the tables.
# The longest of these jobs start first and, where there are cores for it, with some fits side by side,
# so that none runs alone at the end.

if ADDED_DIMS:

    use rule fit_transforms as fit_dimensions with:
        input:
            unpack(fitted_to(seeds_of(DIMENSIONS), dim=ADDED_DIMS)),
        output:
            expand(TRANSFORM, dim=ADDED_DIMS, seed=seeds_of(DIMENSIONS), allow_missing=True),
        log:
            log_of(FIT.replace("dim-{dim}", "dimensions")),
        benchmark:
            benchmark_of(FIT.replace("dim-{dim}", "dimensions"))
        wildcard_constraints:
            dataset=re.escape(DIMENSIONS.dataset),
            model=re.escape(DIMENSIONS.model),
            notion="|".join(map(re.escape, DIMENSIONS.notions)),
            method="|".join(map(re.escape, DIMENSIONS.methods)),
        priority: 1
        threads: FITS_SIDE_BY_SIDE
        params:
            dims=ADDED_DIMS,
            seeds=seeds_of(DIMENSIONS),

    ruleorder: fit_dimensions > fit_transforms


if ADDED_MODELS:

    use rule fit_transforms as fit_clip_sizes with:
        input:
            unpack(fitted_to(seeds_of(CLIP_SIZE))),
        output:
            expand(TRANSFORM, seed=seeds_of(CLIP_SIZE), allow_missing=True),
        wildcard_constraints:
            dataset=re.escape(CLIP_SIZE.dataset),
            model="|".join(map(re.escape, ADDED_MODELS)),
        params:
            seeds=seeds_of(CLIP_SIZE),

    ruleorder: fit_clip_sizes > fit_transforms


if PROMPT_COUNT:

    use rule fit_transforms as fit_prompt_counts with:
        output:
            expand(
                SUBSET_TRANSFORM,
                n_prompts=PROMPT_COUNT.counts,
                seed=seeds_of(PROMPT_COUNT),
                allow_missing=True,
            ),
        log:
            log_of(f"{FIT}/prompts"),
        benchmark:
            benchmark_of(f"{FIT}/prompts")
        priority: 1
        threads: FITS_SIDE_BY_SIDE
        params:
            counts=PROMPT_COUNT.counts,
            seeds=seeds_of(PROMPT_COUNT),
