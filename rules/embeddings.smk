# embeddings: images and prompts through CLIP, once


rule embed_images:
    input:
        manifest=MANIFEST,
        weights=model_files,
    output:
        IMAGES,
    log:
        log_of(IMAGES),
    benchmark:
        benchmark_of(IMAGES)
    wildcard_constraints:
        dataset="|".join(re.escape(name) for name in CONFIG.datasets if name not in SHARDED)
        or NOTHING,
    conda:
        "../envs/embeddings.yaml"
    # The script takes two even on one core: another number would round otherwise.
    threads: 2
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
        gpu=0 if CONFIG.embeddings.device == "cpu" else 1,
        # These three change the result by rounding only, so they are no params (but of shards).
        device=CONFIG.embeddings.device,
        batch_size=CONFIG.embeddings.batch_size,
        workers=CONFIG.embeddings.workers,
    params:
        code=code("embed_images"),
        model=model_settings,
        weights=model_contents,
        root=dataset_root,
    message:
        "Embedding the images of {wildcards.dataset} with {wildcards.model}"
    script:
        "../workflow_scripts/embed_images.py"


# Shards are cut between batches, so that every image is in the batch that it would be in without them:
# batches round their products differently.

if SHARDED:

    use rule embed_images as embed_shard with:
        output:
            temp(SHARD),
        log:
            log_of(SHARD),
        benchmark:
            benchmark_of(SHARD)
        wildcard_constraints:
            dataset="|".join(map(re.escape, SHARDED)),
        params:
            cut_between=CONFIG.embeddings.batch_size,
        message:
            "Embedding shard {wildcards.shard} of {wildcards.shards} of the images of "
            "{wildcards.dataset} with {wildcards.model}"

    rule gather_shards:
        input:
            manifest=MANIFEST,
            shards=shards_of,
        output:
            IMAGES,
        log:
            log_of(IMAGES),
        wildcard_constraints:
            dataset="|".join(map(re.escape, SHARDED)),
        conda:
            "../envs/analysis.yaml"
        resources:
            mem_mb=growing(8000),
            runtime=growing(30),
        params:
            code=code("gather_shards"),
        message:
            "Gathering the embeddings of {wildcards.dataset} by {wildcards.model}"
        script:
            "../workflow_scripts/gather_shards.py"


rule embed_prompts:
    input:
        unpack(prompt_source),
        dataset=awaited_dataset,
        weights=model_files,
    output:
        PROMPTS,
    log:
        log_of(PROMPTS),
    benchmark:
        benchmark_of(PROMPTS)
    conda:
        "../envs/embeddings.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("embed_prompts"),
        model=model_settings,
        weights=model_contents,
        template=template_of,
        aspects=aspects_of,
        labels=column_of_aspects,
    message:
        "Embedding the prompts of {wildcards.dataset}/{wildcards.notion} with {wildcards.model}"
    script:
        "../workflow_scripts/embed_prompts.py"
