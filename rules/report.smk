# report: all results on one page


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
        captions={name: caption_of(name) for name in FIGURES},
        benchmarks=in_results("benchmarks"),
    message:
        "Putting all results on one page"
    script:
        "../workflow_scripts/make_report.py"
