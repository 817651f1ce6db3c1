# figures: the ablations, and pictures of one dataset


rule plot_dimensions:
    input:
        dimension_runs,
    output:
        *figure_files("dimensions", "Ablations"),
    log:
        "results/logs/figures/dimensions.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("plot_dimensions"),
        seeds=seeds_of(DIMENSIONS),
    message:
        "Drawing scores over the size of the embedding"
    script:
        "../workflow_scripts/plot_dimensions.py"


rule plot_clip_size:
    input:
        clip_size_runs,
    output:
        *figure_files("clip_size", "Ablations"),
    log:
        "results/logs/figures/clip_size.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("plot_clip_size"),
        seeds=seeds_of(CLIP_SIZE),
    message:
        "Drawing scores over the CLIP models"
    script:
        "../workflow_scripts/plot_clip_size.py"


rule plot_prompt_count:
    input:
        prompt_count_runs,
    output:
        *figure_files("prompt_count", "Ablations"),
    log:
        "results/logs/figures/prompt_count.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("plot_prompt_count"),
        seeds=seeds_of(CONFIG.experiments.prompt_count),
    message:
        "Drawing scores over the number of prompts"
    script:
        "../workflow_scripts/plot_prompt_count.py"


rule compute_trimap:
    input:
        images=IMAGES,
        transforms=learned_for("trimap"),
    output:
        TRIMAP,
    log:
        log_of(TRIMAP),
    benchmark:
        benchmark_of(TRIMAP)
    conda:
        "../envs/figures.yaml"
    # One thread, as with the fits.
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("compute_trimap", METHODS.module("indirect")),
        notions=setting("trimap", "notions"),
        seed=CONFIG.seeds[0],
    message:
        "Embedding the images of {wildcards.dataset} ({wildcards.model}) in two dimensions"
    script:
        "../workflow_scripts/compute_trimap.py"


rule plot_trimap:
    input:
        points=of_picture("trimap", TRIMAP),
        manifest=of_picture("trimap", MANIFEST),
    output:
        *figure_files("trimap", "Pictures"),
    log:
        "results/logs/figures/trimap.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("plot_trimap"),
        dataset=setting("trimap", "dataset"),
        model=setting("trimap", "model"),
        notions=setting("trimap", "notions"),
    message:
        "Drawing the embeddings in two dimensions"
    script:
        "../workflow_scripts/plot_trimap.py"


rule compute_saliency:
    input:
        manifest=MANIFEST,
        weights=model_files,
        transforms=learned_for("saliency", dim=2),
    output:
        maps=SALIENCY_MAPS,
        shares=SALIENCY_SHARES,
    log:
        log_of(SALIENCY_MAPS),
    benchmark:
        benchmark_of(SALIENCY_MAPS)
    conda:
        "../envs/embeddings.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=0 if CONFIG.embeddings.device == "cpu" else 1,
        device=CONFIG.embeddings.device,
    params:
        code=code("compute_saliency", METHODS.module("indirect")),
        model=model_settings,
        root=dataset_root,
        notions=setting("saliency", "notions"),
        images=setting("saliency", "images"),
        measured=setting("saliency", "measured"),
        seed=CONFIG.seeds[0],
    message:
        "Computing saliency maps of {wildcards.dataset} with {wildcards.model}"
    script:
        "../workflow_scripts/compute_saliency.py"


rule plot_saliency:
    input:
        maps=of_picture("saliency", SALIENCY_MAPS),
        shares=of_picture("saliency", SALIENCY_SHARES),
    output:
        figure=figure_files("saliency", "Pictures"),
        table=SALIENCY_TABLE,
    log:
        "results/logs/figures/saliency.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("plot_saliency"),
        dataset=setting("saliency", "dataset"),
    message:
        "Drawing what InDiReCT looks at"
    script:
        "../workflow_scripts/plot_saliency.py"


rule plot_gallery:
    input:
        images=of_picture("gallery", IMAGES),
        manifest=of_picture("gallery", MANIFEST),
        transforms=learned_for("gallery"),
    output:
        *figure_files("gallery", "Pictures"),
    log:
        "results/logs/figures/gallery.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_gallery", METHODS.module("indirect")),
        dataset=setting("gallery", "dataset"),
        model=setting("gallery", "model"),
        notions=setting("gallery", "notions"),
        queries=setting("gallery", "queries"),
        seed=CONFIG.seeds[0],
        root=lambda wildcards: dataset_root(PICTURES["gallery"]),
    message:
        "Drawing the nearest images of some queries"
    script:
        "../workflow_scripts/plot_gallery.py"
