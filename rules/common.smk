# What is Snakemake's: the plan of the configuration, and what rules say of every job.

import os
import re
from dataclasses import asdict
from functools import partial
from pathlib import Path

from lanzdml.config.config import parse_config
from lanzdml.config.owner import check_writable, record_owner
from lanzdml.datasets.summary import recall, write_down
from lanzdml.errors import plain_errors
from lanzdml.figures.catalogue import all_words
from lanzdml.files import Kept, digest
from lanzdml.limits import impose
from lanzdml.plan import Plan
from lanzdml.plan.external import vectors_to_read
from lanzdml.plan.given import Given
from lanzdml.plan.jobs import fit_jobs, parameters_of, score_jobs
from lanzdml.plan.plan import FIGURES, MAIN
from lanzdml.plan.shards import clustering_of, memory_mb, ranking_of
from lanzdml.plan.versions import version_measured, version_of, version_told, version_with

ROOT = Path(workflow.basedir)
# What has to be known of tables of the user's own, for later starts and the jobs of a cluster.
SUMMARIES = Path(str(VALUES.get("results", "")), "kept", "tables.json")
recall(SUMMARIES)
with plain_errors():
    CONFIG = parse_config(VALUES)
    impose(CONFIG.limits.limits())
    check_writable(Path(CONFIG.results))
    PLAN, GIVEN = Plan(CONFIG), Given(CONFIG)
PATHS, WORDS = PLAN.paths, all_words(PLAN.shown_protocol)
MAIN_METRICS = [PATHS.metrics(run) for run in PLAN.main_runs]
PAPER_METRICS = [PATHS.metrics(run) for run in PLAN.paper_runs]
NOTHING = "(?!)"  # a pattern without a match; Snakemake takes an empty one for no constraint
# Priorities: first what the tables show, then pictures of it, then the ablations; of each the embeddings,
# and then the longest jobs, so that none of these runs alone at the end.
TABLES, PICTURES, ABLATIONS, FIRST = 30, 20, 10, 9
QUICK_ONES = 2  # as costly as this: they are many, and all are scored


def any_of(names):
    """A wildcard's pattern."""
    return "|".join(map(re.escape, names)) or NOTHING


RULES = set()


def rule_name(*parts):
    """One that no other has, as names of the configuration may differ in signs only."""
    name = re.sub(r"\W", "_", "_".join(parts))
    while name in RULES:
        name += "_"
    RULES.add(name)
    return name


wildcard_constraints:
    dataset=any_of(CONFIG.datasets),
    model=any_of(CONFIG.models),
    collection=any_of(CONFIG.collections),


def unrecorded(value):
    """A parameter that Snakemake does not record, as it takes it for one that depends on inputs.

    A job's tasks would be recorded with each of its outputs, of which there are as many. Their
    digest is a parameter in their place.
    """
    return lambda wildcards, input: value


def more_each_time(amount):
    """A claim, in MB or minutes, that a job which is tried again multiplies."""
    return lambda wildcards, attempt: amount * attempt


def config_told(**options):
    """The configuration without what no score goes by: settings of the machine, and collections."""
    beside = {"datasets": {"__all__": {"linked"}}}
    beside |= dict.fromkeys(("embeddings", "limits", "collections"), True)
    return CONFIG.model_dump(mode="json", exclude=beside, **options)


def priority_of(job):
    of_owner = {MAIN: TABLES, FIGURES: PICTURES}.get(job.key[0], ABLATIONS)
    return of_owner + (job.cost or QUICK_ONES)


def priority_of_model(wildcards):
    """What only an ablation shows comes later."""
    return FIRST + (TABLES if wildcards.model in CONFIG.main_models else ABLATIONS)


def awaited(dataset):
    """What prompts wait for, so that a missing dataset is all that a run complains about.

    They are made of nothing in it, so one that is there is no input: an ancient one would be, and
    hides what else has changed, as Snakemake takes whatever is below a job that runs for done with
    and then passes over ancient inputs.
    """
    if CONFIG.datasets[dataset].download:
        return [PATHS.download(dataset)]
    manifest = PATHS.manifest(dataset)
    return [] if GIVEN.is_there(dataset) or os.path.exists(manifest) else [manifest]


def of_given(dataset, sources, what):
    """Something of the vectors of some prompts that are there already, by a model."""
    names = [source["name"] for source in sources]
    return lambda wildcards: what(GIVEN.vectors_of_prompts(dataset, wildcards.model, names))


def as_message(text):
    """A text as Snakemake prints it, which takes braces for names."""
    return text.replace("{", "{{").replace("}", "}}")


def log_of(output):
    """Log of a job, at the path of its output."""
    return at_path_of(output, "logs", ".log")


def benchmark_of(output):
    """Time and memory of a job, at the path of its output."""
    return at_path_of(output, "benchmarks", ".tsv")


def at_path_of(output, folder, suffix):
    path = Path(output).relative_to(CONFIG.results)
    return PATHS.at(str(Path(folder, path).with_suffix("")) + suffix)


def figure_files(name):
    """Outputs of a figure and its caption, which Snakemake's own report shows."""
    words, caption = WORDS[name], PATHS.figure(name, "rst")
    png = report(
        PATHS.figure(name, "png"),
        # Snakemake takes a caption for a template, in which code can run: never that of a results folder.
        caption=str(ROOT / "resources" / "caption.rst"),
        category=words.category,
        labels={"figure": name},
    )
    return PATHS.figure(name, "pdf"), png, caption
