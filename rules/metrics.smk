# metrics: transform the images and score the result; then all rows in one file


rule compute_metrics:
    input:
        transforms=transforms_of(),
        images=IMAGES,
        manifest=MANIFEST,
    output:
        metrics=[METRICS],
        queries=QUERIES,
        clusterings=CLUSTERINGS,
        draws=DRAWS,
    log:
        log_of(METRICS),
    benchmark:
        benchmark_of(METRICS)
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=lambda wildcards: code_with("compute_metrics", wildcards.method),
        labels=scored_column,
    message:
        "Scoring {wildcards.method} on {wildcards.dataset}/{wildcards.notion} "
        "({wildcards.model}, {wildcards.protocol} protocol)"
    script:
        "../workflow_scripts/compute_metrics.py"


# As with the fits, one job scores all that an ablation adds. Statistics are made of the tables' runs
# only, so ablations keep nothing but metrics.

if ADDED_DIMS:

    use rule compute_metrics as compute_dimensions with:
        input:
            transforms=transforms_of(seeds=seeds_of(DIMENSIONS), dim=ADDED_DIMS),
            images=IMAGES,
            manifest=MANIFEST,
        output:
            metrics=expand(METRICS, dim=ADDED_DIMS, allow_missing=True),
        log:
            log_of(METRICS.replace("dim-{dim}", "dimensions")),
        benchmark:
            benchmark_of(METRICS.replace("dim-{dim}", "dimensions"))
        wildcard_constraints:
            dataset=re.escape(DIMENSIONS.dataset),
            model=re.escape(DIMENSIONS.model),
            notion="|".join(map(re.escape, DIMENSIONS.notions)),
            method="|".join(map(re.escape, DIMENSIONS.methods)),

    ruleorder: compute_dimensions > compute_metrics


if ADDED_MODELS:

    use rule compute_metrics as compute_clip_sizes with:
        input:
            transforms=transforms_of(seeds=seeds_of(CLIP_SIZE)),
            images=IMAGES,
            manifest=MANIFEST,
        output:
            metrics=[METRICS],
        wildcard_constraints:
            dataset=re.escape(CLIP_SIZE.dataset),
            model="|".join(map(re.escape, ADDED_MODELS)),

    ruleorder: compute_clip_sizes > compute_metrics


if PROMPT_COUNT:

    use rule compute_metrics as compute_prompt_counts with:
        input:
            transforms=transforms_of(
                SUBSET_TRANSFORM,
                seeds=seeds_of(PROMPT_COUNT),
                n_prompts=PROMPT_COUNT.counts,
            ),
            images=IMAGES,
            manifest=MANIFEST,
        output:
            metrics=expand(
                SUBSET_METRICS,
                n_prompts=PROMPT_COUNT.counts,
                allow_missing=True,
            ),
        log:
            log_of(f"{SCORES}/prompts.parquet"),
        benchmark:
            benchmark_of(f"{SCORES}/prompts.parquet")


rule collect_metrics:
    input:
        all_metrics,
    output:
        in_results("metrics.parquet"),
    log:
        in_results("logs/metrics.log"),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("collect_metrics"),
    message:
        "Collecting the metrics of all runs"
    script:
        "../workflow_scripts/collect_metrics.py"
