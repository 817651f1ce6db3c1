# tables: the paper's Table 2 and appendix Table 1


rule make_tables:
    message:
        "Rendering the tables"
    input:
        "results/metrics.parquet",
    output:
        TABLES,
    params:
        code=code("make_tables"),
    log:
        "results/logs/tables.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        script("make_tables")
