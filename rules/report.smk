# report: all results on one page

# Title, what can be seen, and category.
WORDS = {
    "gallery": (
        "The method in one look",
        "Rows of images: a query, then its nearest neighbours, side by side for CLIP and for "
        "InDiReCT with each notion; frames mark neighbours of the query's class and others.",
        "Pictures",
    ),
    "dimensions": (
        "Size of the embeddings",
        "Line chart with a panel for each notion: MAP@R over the number of dimensions, a line with "
        "error bars for each method.",
        "Ablations",
    ),
    "clip_size": (
        "Size of the CLIP model",
        "Chart with a panel for each notion: MAP@R of the methods over CLIP models by size.",
        "Ablations",
    ),
    "prompt_count": (
        "Number of prompts",
        "Line chart: MAP@R over the number of prompts that a method learns from, with error bars, "
        "and as a dashed line what it reaches with all of them.",
        "Ablations",
    ),
    "critical_difference": (
        "Mean ranks",
        "Axis of mean ranks with the methods on it; bars join those that are not told apart.",
        "Significance",
    ),
    "trimap": (
        "Map of the embeddings",
        "Scatter plots of the images in two dimensions, coloured by class: for each notion CLIP's "
        "embeddings beside InDiReCT's.",
        "Pictures",
    ),
    "saliency": (
        "Where the methods look",
        "Images beside maps of the difference in saliency: yellow where InDiReCT attends more than "
        "CLIP, blue where CLIP does.",
        "Pictures",
    ),
}


def words_of(name):
    title, seen, category = WORDS[name]
    return {"title": title, "seen": seen, "caption": caption_of(name), "category": category}


rule make_report:
    input:
        runs=all_runs,
        main=main_runs,
        paper=paper_runs,
        tables=all_tables,
        figures=expand(FIGURE, figure=FIGURES, suffix=["png"]),
        prompts=of_all_notions(PROMPTS),
        images=all_embeddings,
        transforms=all_transforms,
    output:
        REPORT,
    log:
        in_results("logs/report.log"),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("make_report", *ASSETS),
        # Without the settings of the machine, which rerun nothing.
        config=CONFIG.model_dump(mode="json", exclude={"embeddings"}),
        notions=templates,
        embeddings=embedded(),
        words={name: words_of(name) for name in FIGURES},
        benchmarks=in_results("benchmarks"),
    message:
        "Putting all results on one page"
    script:
        "../workflow_scripts/make_report.py"
