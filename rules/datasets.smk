# datasets: raw files to a manifest, downloaded before where the configuration says so

import hashlib

from lanzdml.datasets import files_read, find_dataset, images_listed

DOWNLOAD, MANIFEST = PATHS.download("{dataset}"), PATHS.manifest("{dataset}")
DOWNLOADED = [name for name, settings in CONFIG.datasets.items() if settings.download]


def settings_of(wildcards):
    return CONFIG.datasets[wildcards.dataset]


def dataset_of(wildcards):
    return find_dataset(wildcards.dataset, settings_of(wildcards).labels)


def dataset_root(wildcards):
    return settings_of(wildcards).folder


def skips_unreadable(wildcards):
    return settings_of(wildcards).on_unreadable == "skip"


def dataset_download(wildcards):
    """The record of a download for a dataset that is to be downloaded; nothing for any other."""
    return [DOWNLOAD] if wildcards.dataset in DOWNLOADED else []


def dataset_files(wildcards):
    """The files that a manifest is made of, but for images, and for what is yet to be downloaded."""
    dataset, root = dataset_of(wildcards), Path(dataset_root(wildcards))
    tables = [dataset.table] if settings_of(wildcards).labels else []
    files = [*tables, *files_read(dataset, root)]
    if wildcards.dataset in DOWNLOADED:
        return [file for file in files if file != root / dataset.download.file]
    return files


def dataset_contents(wildcards):
    """What those files hold, and which images there are where the reader lists them itself."""
    images = images_listed(dataset_of(wildcards), Path(dataset_root(wildcards)))
    names = hashlib.sha256("\n".join(map(str, images)).encode()).hexdigest()[:16]
    return [*contents_of(dataset_files(wildcards)), names]


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
    priority: TABLES + FIRST
    conda:
        "../envs/analysis.yaml"
    # Skipping what cannot be read takes decoding every image.
    threads: lambda wildcards: 4 if skips_unreadable(wildcards) else 1
    resources:
        mem_mb=more_each_time(2000),
        runtime=more_each_time(240),
    params:
        version=lambda wildcards: version_of(
            "prepare_dataset", dataset_of(wildcards).module, *dataset_of(wildcards).resources
        ),
        contents=dataset_contents,
        labels=lambda wildcards: settings_of(wildcards).labels,
        notions=lambda wildcards: dataset_of(wildcards).notions,
        root=dataset_root,
        skip_unreadable=skips_unreadable,
    message:
        "Reading dataset {wildcards.dataset}"
    script:
        "../workflow_scripts/prepare_dataset.py"
