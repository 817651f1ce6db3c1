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
        seeds=ADDED_SEEDS,
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
    message:
        "Drawing scores over the number of prompts"
    script:
        "../workflow_scripts/plot_prompt_count.py"
