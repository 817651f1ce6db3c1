# datasets: raw files to a manifest, downloaded before where the configuration says so


rule download_dataset:
    output:
        # A record only: the archive itself is the user's, and Snakemake deletes outputs.
        DOWNLOAD,
    log:
        log_of(DOWNLOAD),
    wildcard_constraints:
        dataset="|".join(map(re.escape, DOWNLOADED)) or NOTHING,
    # Other nodes of a cluster often have no network.
    localrule: True
    # the environment with the progress bar
    conda:
        "../envs/embeddings.yaml"
    # No parameter code: the checksum alone decides what comes of a download.
    params:
        root=dataset_root,
    message:
        "Downloading dataset {wildcards.dataset}"
    script:
        "../workflow_scripts/download_dataset.py"


rule prepare_dataset:
    input:
        # A run is planned before its data is there; what is missing the job says.
        files=dataset_files,
        download=dataset_download,
    output:
        manifest=MANIFEST,
        excluded=MANIFEST.replace("manifest.parquet", "excluded.csv"),
    log:
        log_of(MANIFEST),
    benchmark:
        benchmark_of(MANIFEST)
    conda:
        "../envs/analysis.yaml"
    # Skipping what cannot be read takes decoding every image.
    threads: lambda wildcards: 4 if skips_unreadable(wildcards) else 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        code=lambda wildcards: code(
            "prepare_dataset", dataset_of(wildcards).module, *dataset_of(wildcards).resources
        ),
        contents=dataset_contents,
        labels=dataset_labels,
        notions=lambda wildcards: dataset_of(wildcards).notions,
        root=dataset_root,
        skip_unreadable=skips_unreadable,
    message:
        "Reading dataset {wildcards.dataset}"
    script:
        "../workflow_scripts/prepare_dataset.py"
