# datasets: raw files to a manifest


rule prepare_dataset:
    input:
        # A run is planned before its data is there; what is missing the job says.
        lambda wildcards: filter(os.path.isfile, [dataset_root(wildcards)]),
        resources=dataset_resources,
    output:
        manifest=MANIFEST,
        excluded=MANIFEST.replace("manifest.parquet", "excluded.csv"),
    log:
        log_of(MANIFEST),
    benchmark:
        benchmark_of(MANIFEST)
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=lambda wildcards: code("prepare_dataset", DATASETS[wildcards.dataset].module),
        root=dataset_root,
    message:
        "Reading dataset {wildcards.dataset}"
    script:
        "../workflow_scripts/prepare_dataset.py"
