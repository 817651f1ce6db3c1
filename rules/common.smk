# Validates the configuration and turns it into paths. No rule is defined here.

import os
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))

from snakemake.exceptions import WorkflowError

from lanzdml.clip import is_path
from lanzdml.config import ConfigError, parse_config
from lanzdml.datasets import DATASETS
from lanzdml.methods import METHODS
from lanzdml.prompts import FROM_LABELS, read_aspects
from lanzdml.sources import source_fingerprint
from lanzdml.tables import SUFFIXES, TABLES

try:
    CONFIG = parse_config(config)
except ConfigError as error:
    raise WorkflowError(f"The configuration is wrong:\n{error}") from None

IMAGES = "results/embeddings/{dataset}/{model}/images.parquet"
MANIFEST = "results/datasets/{dataset}/manifest.parquet"
PROMPTS = "results/embeddings/{dataset}/{model}/prompts/{notion}.parquet"
FIT = "results/transforms/{dataset}/{model}/{notion}/{method}/dim-{dim}"
TRANSFORM = f"{FIT}/seed-{{seed}}.safetensors"
METRICS = "results/metrics/{dataset}/{model}/{notion}/{method}/dim-{dim}.parquet"
TABLE_FILES = expand("results/tables/{table}.{suffix}", table=TABLES, suffix=SUFFIXES)
FULL_DIM = "full"


wildcard_constraints:
    dataset="|".join(map(re.escape, CONFIG.datasets)),
    model="|".join(map(re.escape, CONFIG.models)),
    notion="|".join(sorted({re.escape(n) for d in CONFIG.datasets.values() for n in d.notions})),
    method="|".join(map(re.escape, CONFIG.methods)),
    dim=rf"\d+|{FULL_DIM}",


@cache
def code(name, *modules):
    """Fingerprint of what a script runs, as a parameter: a changed library reruns its jobs."""
    scripts = (ROOT / "workflow_scripts" / f"{script}.py" for script in (name, "job"))
    return source_fingerprint(*scripts, *modules)


def log_of(output):
    """Log file of a job with this output."""
    return output.replace("results/", "results/logs/", 1).rsplit(".", 1)[0] + ".log"


def benchmark_of(output):
    """Time and memory of a job with this output."""
    return output.replace("results/", "results/benchmarks/", 1).rsplit(".", 1)[0] + ".tsv"


def dataset_root(wildcards):
    return CONFIG.datasets[wildcards.dataset].root


def dataset_resources(wildcards):
    """Files of this repository that a dataset's labels come from."""
    return [ROOT / file for file in DATASETS[wildcards.dataset].resources]


def model_settings(wildcards):
    return CONFIG.models[wildcards.model].model_dump()


def model_files(wildcards):
    """The files among a model's settings; open_clip's own names and tags are no files."""
    return [value for value in model_settings(wildcards).values() if is_path(value)]


def notion_settings(wildcards):
    return CONFIG.datasets[wildcards.dataset].notions[wildcards.notion]


def aspects_of(wildcards):
    """A notion's aspects: what changes when somebody edits their file."""
    aspects = notion_settings(wildcards).aspects
    return aspects if aspects == FROM_LABELS else read_aspects(aspects)


def label_source(wildcards):
    """The manifest for a notion whose aspects are its labels; nothing for any other."""
    return {"manifest": MANIFEST} if aspects_of(wildcards) == FROM_LABELS else {}


def dims_of(method):
    return CONFIG.dims if METHODS[method].has_dim else [FULL_DIM]


def all_metrics(wildcards):
    """Metrics of every run that the configuration asks for."""
    return [
        METRICS.format(dataset=dataset, model=model, notion=notion, method=method, dim=dim)
        for dataset, settings in CONFIG.datasets.items()
        for model in CONFIG.models
        for notion in settings.notions
        for method in CONFIG.methods
        for dim in dims_of(method)
    ]


def supervision(wildcards):
    """Images and labels for a supervised method (Oracle); nothing for any other."""
    if not METHODS[wildcards.method].supervised:
        return {}
    return {"images": IMAGES, "manifest": MANIFEST}
