# embeddings: images and prompts through CLIP, once

from lanzdml.embeddings import models

IMAGES = PATHS.images("{dataset}", "{model}")
SHARD = PATHS.shard("{dataset}", "{model}", "{shard}", "{shards}")
SHARDED = [name for name, settings in CONFIG.datasets.items() if settings.shards > 1]


def model_settings(wildcards):
    return CONFIG.models[wildcards.model].model_dump()


def model_files(wildcards):
    """A model's own files: changed weights are embedded with anew."""
    return models.model_files(**model_settings(wildcards))


def model_contents(wildcards):
    return contents_of(model_files(wildcards))


def priority_of_model(wildcards):
    """What only an ablation shows comes later."""
    return FIRST + (TABLES if wildcards.model in CONFIG.main_models else ABLATIONS)


def shards_of(wildcards):
    """The shards of a dataset's embeddings, in order."""
    n = settings_of(wildcards).shards
    return [PATHS.shard(wildcards.dataset, wildcards.model, shard, n) for shard in range(1, n + 1)]


def awaited_dataset(name):
    """What prompts wait for, so that a missing dataset is all that a run complains about.

    They are made of nothing in it, so one that is there is no input: an ancient one would be, and
    hides what else has changed, as Snakemake takes whatever is below a job that runs for done with
    and then passes over ancient inputs.
    """
    if name in DOWNLOADED:
        return [PATHS.download(name)]
    root, manifest = Path(CONFIG.datasets[name].folder), PATHS.manifest(name)
    is_there = root.is_file() or (root.is_dir() and any(root.iterdir()))
    return [] if is_there or os.path.exists(manifest) else [manifest]


def manifest_of_prompts(name):
    """The manifest of a dataset whose labels are aspects."""
    sources = PLAN.prompt_sources(name)
    return [PATHS.manifest(name)] if any(source["labels"] for source in sources) else []


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
            shards=shards_of,
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


# One job a dataset and model: loading the model takes longer than the prompts of a notion.
for dataset in CONFIG.datasets:

    rule:
        name:
            rule_name("embed_prompts", dataset)
        input:
            manifest=manifest_of_prompts(dataset),
            dataset=awaited_dataset(dataset),
            weights=model_files,
        output:
            [PATHS.prompts(dataset, "{model}", notion) for notion in PLAN.notions_of(dataset)],
        log:
            log_of(f"{PATHS.results}/embeddings/{dataset}/{{model}}/prompts.parquet"),
        benchmark:
            benchmark_of(f"{PATHS.results}/embeddings/{dataset}/{{model}}/prompts.parquet")
        priority: priority_of_model
        conda:
            "../envs/embeddings.yaml"
        resources:
            mem_mb=more_each_time(4000),
            runtime=more_each_time(30),
        params:
            version=version_of("embed_prompts"),
            model=model_settings,
            weights=model_contents,
            notions=PLAN.prompt_sources(dataset),
        message:
            f"Embedding the prompts of {dataset} with {{wildcards.model}}"
        script:
            "../workflow_scripts/embed_prompts.py"
