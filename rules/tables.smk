# tables: the paper's Table 2 and appendix Table 1


rule make_tables:
    input:
        "results/metrics.parquet",
    output:
        TABLE_FILES,
    log:
        "results/logs/tables.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("make_tables"),
    message:
        "Rendering the tables"
    script:
        "../workflow_scripts/make_tables.py"
