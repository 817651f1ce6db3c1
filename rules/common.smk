# Validates the configuration and turns it into paths. No rule is defined here.

import os
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))

from snakemake.exceptions import WorkflowError

from lanzdml import models
from lanzdml.config import ConfigError, parse_config
from lanzdml.datasets import DATASETS, find_dataset
from lanzdml.methods import METHODS
from lanzdml.overview import PAPER_COUNTS
from lanzdml.prompts import FROM_LABELS, PLACEHOLDER, read_aspects, read_prompts
from lanzdml.protocols import PROTOCOLS
from lanzdml.published import PUBLISHED, read_published
from lanzdml.sources import source_fingerprint
from lanzdml.tables import SUFFIXES, TABLES

try:
    CONFIG = parse_config(config)
except ConfigError as error:
    raise WorkflowError(f"The configuration is wrong:\n{error}") from None

IMAGES = "results/embeddings/{dataset}/{model}/images.parquet"
DOWNLOAD = "results/datasets/{dataset}/download.json"
MANIFEST = "results/datasets/{dataset}/manifest.parquet"
PROMPTS = "results/embeddings/{dataset}/{model}/prompts/{notion}.parquet"
FIT = "results/transforms/{dataset}/{model}/{notion}/{method}/dim-{dim}"
TRANSFORM = f"{FIT}/seed-{{seed}}.safetensors"
METRICS = "results/metrics/{protocol}/{dataset}/{model}/{notion}/{method}/dim-{dim}.parquet"
TABLE_FILES = expand("results/tables/{table}.{suffix}", table=TABLES, suffix=SUFFIXES)
OVERVIEW_FILES = expand("results/tables/table1.{suffix}", suffix=SUFFIXES)
COMPARISON_FILES = expand("results/tables/published_comparison.{suffix}", suffix=["csv", "md"])
FULL_DIM = "full"
# Those of the configuration, and those that a protocol takes in their place.
NOTIONS = sorted(
    {notion for settings in CONFIG.datasets.values() for notion in settings.notions}
    | {notion for name in DATASETS.keys() & CONFIG.datasets for notion in DATASETS[name].notions}
)
DOWNLOADED = [name for name, settings in CONFIG.datasets.items() if settings.download]
NOTHING = "(?!)"  # a pattern without a match; Snakemake takes an empty one for no constraint


wildcard_constraints:
    dataset="|".join(map(re.escape, CONFIG.datasets)),
    model="|".join(map(re.escape, CONFIG.models)),
    notion="|".join(map(re.escape, NOTIONS)),
    protocol="|".join(CONFIG.protocols),
    method="|".join(map(re.escape, CONFIG.methods)),
    dim=rf"\d+|{FULL_DIM}",


@cache
def code(name, *sources):
    """Fingerprint of what a script runs, as a parameter: a changed library reruns its jobs.

    Sources are what it does not import by name: modules, and data files of this repository.
    """
    scripts = (ROOT / "workflow_scripts" / f"{script}.py" for script in (name, "job"))
    return source_fingerprint(*scripts, *sources)


def log_of(output):
    """Log file of a job with this output."""
    return output.replace("results/", "results/logs/", 1).rsplit(".", 1)[0] + ".log"


def benchmark_of(output):
    """Time and memory of a job with this output."""
    return output.replace("results/", "results/benchmarks/", 1).rsplit(".", 1)[0] + ".tsv"


def dataset_root(wildcards):
    """Where a dataset is: images of the user's own, unless told, where their table is."""
    settings = CONFIG.datasets[wildcards.dataset]
    return str(Path(settings.labels).parent) if settings.root is None else settings.root


def dataset_labels(wildcards):
    return CONFIG.datasets[wildcards.dataset].labels


def dataset_of(wildcards):
    return find_dataset(wildcards.dataset, dataset_labels(wildcards))


def dataset_download(wildcards):
    """The record of a download for a dataset that is to be downloaded; nothing for any other."""
    return [DOWNLOAD] if wildcards.dataset in DOWNLOADED else []


def label_table(wildcards):
    """The table of a dataset of the user's own; nothing for any other."""
    labels = dataset_labels(wildcards)
    return [labels] if labels else []


def model_settings(wildcards):
    return CONFIG.models[wildcards.model].model_dump()


def model_files(wildcards):
    """A model's own files: changed weights are embedded with anew."""
    return models.model_files(**model_settings(wildcards))


def notion_settings(wildcards):
    return CONFIG.datasets[wildcards.dataset].notions[wildcards.notion]


def template_of(wildcards):
    """A notion's template: that of prompts which are written out holds nothing else."""
    return notion_settings(wildcards).template or PLACEHOLDER


def aspects_of(wildcards):
    """A notion's aspects or prompts: what changes when somebody edits their file."""
    notion = notion_settings(wildcards)
    if notion.prompts is not None:
        return read_prompts(notion.prompts)
    return notion.aspects if notion.aspects == FROM_LABELS else read_aspects(notion.aspects)


def label_source(wildcards):
    """The manifest for a notion whose aspects are its labels; nothing for any other."""
    return {"manifest": MANIFEST} if aspects_of(wildcards) == FROM_LABELS else {}


# (dataset, notion, its settings) of every notion of the configuration
ALL_NOTIONS = [
    (dataset, name, notion)
    for dataset, settings in CONFIG.datasets.items()
    for name, notion in settings.notions.items()
]


def of_all_notions(pattern):
    """The files of every notion; prompts are the same for every model."""
    model = next(iter(CONFIG.models))
    return [pattern.format(dataset=d, model=model, notion=n) for d, n, _ in ALL_NOTIONS]


def templates(wildcards):
    """Dataset, notion and template of every notion."""
    return [
        (dataset, name, notion.template or PLACEHOLDER) for dataset, name, notion in ALL_NOTIONS
    ]


def all_tables(wildcards):
    """The tables; of scores where there are any, and compared where there are published ones."""
    published = set(read_published()["dataset"])
    compared = COMPARISON_FILES if published & set(CONFIG.datasets) else []
    scores = [*TABLE_FILES, *compared] if all_metrics(wildcards) else []
    return [*OVERVIEW_FILES, *scores]


def dims_of(method):
    return CONFIG.dims if METHODS[method].has_dim else [FULL_DIM]


def all_metrics(wildcards):
    """Metrics of every run that the configuration asks for."""
    return [
        METRICS.format(
            protocol=protocol,
            dataset=dataset,
            model=model,
            notion=notion,
            method=method,
            dim=dim,
        )
        for protocol in CONFIG.protocols
        for dataset, notion, settings in ALL_NOTIONS
        if settings.scored
        for model in CONFIG.models
        for method in CONFIG.methods
        for dim in dims_of(method)
    ]


def targets(wildcards):
    """What a run is for: the tables, and of notions that are not scored all that needs no labels."""
    files = all_tables(wildcards)
    for dataset, notion, settings in ALL_NOTIONS:
        if not settings.scored:
            files += unscored(dataset=dataset, notion=notion, model=list(CONFIG.models))
    return files


def unscored(**notion):
    """Embeddings of a notion's images and prompts, and the transforms learned from the prompts."""
    files = expand([IMAGES, PROMPTS], **notion)
    for method in CONFIG.methods:
        if not METHODS[method].supervised:
            dims = dims_of(method)
            files += expand(TRANSFORM, **notion, method=method, dim=dims, seed=CONFIG.seeds)
    return files


def fitted_to(wildcards):
    """What a method learns from: prompts, or images and labels for a supervised one (Oracle)."""
    if METHODS[wildcards.method].supervised:
        return {"images": IMAGES, "manifest": MANIFEST}
    return {"prompts": PROMPTS}


def transforms_of(wildcards):
    """The transforms that runs score: those of another notion where the protocol takes one."""
    sources = PROTOCOLS[wildcards.protocol].sources(
        wildcards.dataset, wildcards.notion, wildcards.method
    )
    notion = sources.labels if METHODS[wildcards.method].supervised else sources.prompts
    return expand(TRANSFORM, seed=CONFIG.seeds, **dict(wildcards.items()) | {"notion": notion})
