# tables: the paper's three tables, one of all methods, and our values beside the published ones


rule make_tables:
    input:
        paper_runs,
    output:
        TABLE_FILES,
    log:
        in_results("logs/tables.log"),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("make_tables"),
    message:
        "Rendering the tables"
    script:
        "../workflow_scripts/make_tables.py"


rule make_overview:
    input:
        manifests=of_all_notions(MANIFEST),
        prompts=of_all_notions(PROMPTS),
    output:
        OVERVIEW_FILES,
    log:
        in_results("logs/overview.log"),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("make_overview", PAPER_COUNTS),
        notions=templates,
    message:
        "Rendering the table of datasets and notions"
    script:
        "../workflow_scripts/make_overview.py"


rule make_beyond:
    input:
        runs=main_runs,
        overview=in_results("tables/table1.csv"),
    output:
        BEYOND_FILES,
    log:
        in_results("logs/beyond.log"),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("make_beyond"),
    message:
        "Rendering the table of all methods"
    script:
        "../workflow_scripts/make_beyond.py"


rule compare_published:
    input:
        paper_runs,
    output:
        COMPARISON_FILES,
    log:
        in_results("logs/published_comparison.log"),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("compare_published", PUBLISHED),
    message:
        "Comparing with the published values"
    script:
        "../workflow_scripts/compare_published.py"
