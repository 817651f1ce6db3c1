# datasets: raw files to a manifest, downloaded before where the configuration says so

from lanzdml.datasets.class_counts import COUNTS_FILE

DOWNLOAD, MANIFEST = PATHS.download("{dataset}"), PATHS.manifest("{dataset}")
DOWNLOADED = [name for name, settings in CONFIG.datasets.items() if settings.download]
SKIPPING = [name for name, of in CONFIG.datasets.items() if of.on_unreadable == "skip"]


rule download_dataset:
    output:
        # A record only: the archive itself is the user's, and Snakemake deletes outputs.
        DOWNLOAD,
    log:
        log_of(DOWNLOAD),
    wildcard_constraints:
        dataset=any_of(DOWNLOADED),
    # Other nodes of a cluster often have no network.
    localrule: True
    # the environment with the progress bar
    conda:
        "../envs/embeddings.yaml"
    # No parameter version: the checksum alone decides what comes of a download.
    params:
        torchvision=lambda wildcards: GIVEN.torchvision(wildcards.dataset),
        root=lambda wildcards: GIVEN.root(wildcards.dataset),
        # Not recorded, as in common.smk: which files may be read changes no result.
        linked=lambda wildcards, input: GIVEN.linked(wildcards.dataset),
    message:
        "Downloading dataset {wildcards.dataset}"
    script:
        "../workflow_scripts/download_dataset.py"


rule prepare_dataset:
    input:
        # A run is planned before its data is there; what is missing the job says.
        files=lambda wildcards: GIVEN.dataset_files(wildcards.dataset),
        download=lambda wildcards: [DOWNLOAD] if wildcards.dataset in DOWNLOADED else [],
    output:
        manifest=MANIFEST,
        excluded=MANIFEST.replace("manifest.parquet", "excluded.csv"),
    log:
        log_of(MANIFEST),
    benchmark:
        benchmark_of(MANIFEST)
    priority: TABLES + FIRST
    # the environment with torchvision, which reads some
    conda:
        "../envs/embeddings.yaml"
    # Skipping what cannot be read takes decoding every image.
    threads: lambda wildcards: 4 if wildcards.dataset in SKIPPING else 1
    resources:
        mem_mb=more_each_time(2000),
        runtime=more_each_time(240),
    params:
        version=lambda wildcards: version_of(
            "prepare_dataset",
            COUNTS_FILE,
            GIVEN.dataset(wildcards.dataset).module,
            *GIVEN.dataset(wildcards.dataset).resources,
        ),
        contents=lambda wildcards: GIVEN.dataset_contents(wildcards.dataset),
        labels=lambda wildcards: CONFIG.datasets[wildcards.dataset].labels,
        torchvision=lambda wildcards: GIVEN.torchvision(wildcards.dataset),
        notions=lambda wildcards: GIVEN.dataset(wildcards.dataset).notions,
        root=lambda wildcards: GIVEN.root(wildcards.dataset),
        linked=lambda wildcards, input: GIVEN.linked(wildcards.dataset),
        skip_unreadable=lambda wildcards: wildcards.dataset in SKIPPING,
    message:
        "Reading dataset {wildcards.dataset}"
    script:
        "../workflow_scripts/prepare_dataset.py"
