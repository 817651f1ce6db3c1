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
    conda:
        "../envs/embeddings.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=0 if CONFIG.embeddings.device == "cpu" else 1,
        # These three change the result by rounding only, so they are no params.
        device=CONFIG.embeddings.device,
        batch_size=CONFIG.embeddings.batch_size,
        workers=CONFIG.embeddings.workers,
    params:
        code=code("embed_images"),
        model=model_settings,
        root=dataset_root,
    message:
        "Embedding the images of {wildcards.dataset} with {wildcards.model}"
    script:
        "../workflow_scripts/embed_images.py"


rule embed_prompts:
    input:
        unpack(label_source),
        # Not before there is a dataset, so that a missing one is all that a run complains about.
        dataset=ancient(MANIFEST),
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
        mem_mb=4000,
        runtime=30,
    params:
        code=code("embed_prompts"),
        model=model_settings,
        template=template_of,
        aspects=aspects_of,
    message:
        "Embedding the prompts of {wildcards.dataset}/{wildcards.notion} with {wildcards.model}"
    script:
        "../workflow_scripts/embed_prompts.py"
