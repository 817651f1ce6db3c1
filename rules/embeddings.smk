# embeddings: images and prompts through CLIP, once

IMAGES = PATHS.images("{dataset}", "{model}")
SHARD = PATHS.shard("{dataset}", "{model}", "{shard}", "{shards}")
SHARDED = [name for name, settings in CONFIG.datasets.items() if settings.shards > 1]


rule embed_images:
    input:
        manifest=MANIFEST,
        weights=lambda wildcards: GIVEN.model_files(wildcards.model),
    output:
        IMAGES,
    log:
        log_of(IMAGES),
    benchmark:
        benchmark_of(IMAGES)
    wildcard_constraints:
        dataset=any_of(name for name in CONFIG.datasets if name not in SHARDED),
    priority: priority_of_model
    conda:
        "../envs/embeddings.yaml"
    # The script takes two in any case: another number would round otherwise. But where there are no
    # more cores, a job that claims both would wait until all others are done.
    threads: 2 if (workflow.resource_settings.cores or 1) > 2 else 1
    resources:
        mem_mb=more_each_time(8000),
        runtime=more_each_time(240),
        gpu=0 if CONFIG.embeddings.device == "cpu" else 1,
        # These three change the result by rounding only, so they are no params (but of shards).
        device=CONFIG.embeddings.device,
        batch_size=CONFIG.embeddings.batch_size,
        workers=CONFIG.embeddings.workers,
    params:
        version=version_of("embed_images"),
        model=lambda wildcards: GIVEN.model(wildcards.model),
        weights=lambda wildcards: GIVEN.model_contents(wildcards.model),
        root=lambda wildcards: GIVEN.root(wildcards.dataset),
        linked=lambda wildcards, input: GIVEN.linked(wildcards.dataset),  # not recorded
    message:
        "Embedding the images of {wildcards.dataset} with {wildcards.model}"
    script:
        "../workflow_scripts/embed_images.py"


# Vectors that are there already: embeddings of a dataset and model, or finished vectors for a notion.
# Snakemake prefers rules without wildcards.
for given in vectors_to_read(CONFIG, PATHS, PLAN.embedded):

    rule:
        name:
            rule_name("read_vectors", given.dataset, *given.of)
        input:
            manifest=PATHS.manifest(given.dataset),
            vectors=GIVEN.vector_files(given.source),
        output:
            given.output,
        log:
            log_of(given.output),
        benchmark:
            benchmark_of(given.output)
        priority: TABLES + FIRST
        conda:
            "../envs/analysis.yaml"
        resources:
            mem_mb=more_each_time(8000),
            runtime=more_each_time(60),
        params:
            version=version_of("read_vectors"),
            vectors=given.source,
            seed=given.seed,
            contents=GIVEN.vector_contents(given.source),
        message:
            f"Reading the vectors of {given.title}"
        script:
            "../workflow_scripts/read_vectors.py"


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
            dataset=any_of(SHARDED),
            shard=r"\d+",
            shards=r"\d+",
        params:
            cut_between=CONFIG.embeddings.batch_size,
        message:
            "Embedding shard {wildcards.shard} of {wildcards.shards} of the images of "
            "{wildcards.dataset} with {wildcards.model}"

    rule gather_shards:
        input:
            manifest=MANIFEST,
            shards=lambda wildcards: PATHS.shards(
                **wildcards, n=CONFIG.datasets[wildcards.dataset].shards
            ),
        output:
            IMAGES,
        log:
            log_of(IMAGES),
        wildcard_constraints:
            dataset=any_of(SHARDED),
        priority: priority_of_model
        conda:
            "../envs/analysis.yaml"
        resources:
            mem_mb=more_each_time(8000),
            runtime=more_each_time(30),
        params:
            version=version_of("gather_shards"),
        message:
            "Gathering the embeddings of {wildcards.dataset} by {wildcards.model}"
        script:
            "../workflow_scripts/gather_shards.py"


# One job a dataset and model: loading the model takes longer than the prompts of a notion. Other
# wordings have a job of their own, so that what depends on a notion's own prompts is not made anew.
for dataset, kind, sources in [
    (dataset, kind, sources)
    for dataset in CONFIG.datasets
    for kind, sources in [
        ("prompts", PLAN.prompt_sources(dataset)),
        ("wordings", PLAN.wording_sources(dataset)),
    ]
    if sources
]:
    worded = dict.fromkeys(source["wording_of"] for source in sources if source["wording_of"])

    rule:
        name:
            rule_name(f"embed_{kind}", dataset)
        input:
            # Where labels are aspects.
            manifest=(
                [PATHS.manifest(dataset)] if any(source["labels"] for source in sources) else []
            ),
            dataset=awaited(dataset),
            weights=lambda wildcards: GIVEN.model_files(wildcards.model),
            vectors=of_given(dataset, sources, lambda given: GIVEN.vector_files(*given.values())),
            worded=[PATHS.prompts(dataset, "{model}", notion) for notion in worded],
        output:
            [PATHS.prompts(dataset, "{model}", source["name"]) for source in sources],
        log:
            log_of(f"{PATHS.results}/embeddings/{dataset}/{{model}}/{kind}.parquet"),
        benchmark:
            benchmark_of(f"{PATHS.results}/embeddings/{dataset}/{{model}}/{kind}.parquet")
        priority: priority_of_model
        conda:
            "../envs/embeddings.yaml"
        resources:
            mem_mb=more_each_time(4000),
            runtime=more_each_time(30),
        params:
            version=version_of("embed_prompts"),
            model=lambda wildcards: GIVEN.model(wildcards.model),
            weights=lambda wildcards: GIVEN.model_contents(wildcards.model),
            notions=sources,
            worded=[*worded],
            given=of_given(dataset, sources, dict),
            contents=of_given(
                dataset, sources, lambda given: GIVEN.vector_contents(*given.values())
            ),
            logit_scale=lambda wildcards: CONFIG.models[wildcards.model].logit_scale,
        message:
            f"Embedding the {kind} of {dataset} with {{wildcards.model}}"
        script:
            "../workflow_scripts/embed_prompts.py"
