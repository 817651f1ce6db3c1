# sharing: what a folder of results says of itself


rule record_run:
    input:
        PATHS.at("metrics.parquet"),
    output:
        PATHS.at("record.json"),
    log:
        PATHS.at("logs/record.log"),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=more_each_time(10),
    params:
        version=version_of("record_run"),
        config=config_told(exclude_none=True),
    message:
        "Recording what made the results"
    script:
        "../workflow_scripts/record_run.py"
