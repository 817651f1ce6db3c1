# Validates the configuration and turns it into paths. No rule is defined here.

import hashlib
import os
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from lanzdml.embeddings import models
from lanzdml.tables.beyond import NAME as BEYOND
from lanzdml.config.config import parse_config
from lanzdml.datasets import DATASETS, files_read, find_dataset, images_listed
from lanzdml.errors import plain_errors
from lanzdml.files import sample_of
from lanzdml.methods import METHODS, PAPER_METHODS
from lanzdml.config.owner import check_folder, claim
from lanzdml.tables.overview import PAPER_COUNTS
from lanzdml.embeddings.prompts import FROM_LABELS, PLACEHOLDER, read_aspects, read_prompts
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.tables.published import PUBLISHED, read_published
from lanzdml.report import ASSETS
from lanzdml.figures.saliency.picture import DIM as SALIENCY_DIM
from lanzdml.significance.comparisons import OURS
from lanzdml.sources import source_fingerprint
from lanzdml.tables.paper import SUFFIXES, TABLES

ROOT = Path(workflow.basedir)
with plain_errors():
    CONFIG = parse_config(config)
    check_folder(Path(CONFIG.results))


def in_results(path):
    return f"{CONFIG.results}/{path}"


IMAGES = in_results("embeddings/{dataset}/{model}/images.parquet")
SHARD = in_results("embeddings/{dataset}/{model}/shards/{shard}-of-{shards}.parquet")
DOWNLOAD = in_results("datasets/{dataset}/download.json")
MANIFEST = in_results("datasets/{dataset}/manifest.parquet")
PROMPTS = in_results("embeddings/{dataset}/{model}/prompts/{notion}.parquet")
FIT = in_results("transforms/{dataset}/{model}/{notion}/{method}/dim-{dim}")
TRANSFORM = f"{FIT}/seed-{{seed}}.safetensors"
SUBSET = f"{FIT}/prompts-{{n_prompts}}"
SUBSET_TRANSFORM = f"{SUBSET}/seed-{{seed}}.safetensors"
RUN = "{protocol}/{dataset}/{model}/{notion}/{method}/dim-{dim}"
SCORES = in_results(f"metrics/{RUN}")
METRICS = f"{SCORES}.parquet"
QUERIES = in_results(f"queries/{RUN}.parquet")
CLUSTERINGS = in_results(f"clusterings/{RUN}.parquet")
DRAWS = in_results(f"draws/{RUN}.parquet")
SUBSET_METRICS = f"{SCORES}/prompts-{{n_prompts}}.parquet"
TABLE_FILES = expand(in_results("tables/{table}.{suffix}"), table=TABLES, suffix=SUFFIXES)
OVERVIEW_FILES = expand(in_results("tables/table1.{suffix}"), suffix=SUFFIXES)
BEYOND_FILES = expand(in_results(f"tables/{BEYOND}.{{suffix}}"), suffix=SUFFIXES)
COMPARISON_FILES = expand(in_results("tables/published_comparison.{suffix}"), suffix=["csv", "md"])
SIGNIFICANCE_FILES = expand(in_results("tables/significance.{suffix}"), suffix=["csv", "md"])
TRIMAP = in_results("trimap/{dataset}/{model}.parquet")
SALIENCY_MAPS = in_results("saliency/{dataset}/{model}/maps.safetensors")
SALIENCY_SHARES = in_results("saliency/{dataset}/{model}/shares.parquet")
SALIENCY_TABLE = expand(in_results("tables/saliency.{suffix}"), suffix=["md", "csv"])
FIGURE = in_results("figures/{figure}.{suffix}")
REPORT = in_results("report.html")
FULL_DIM = "full"
# In one job: few, as threads of one process get into each other's way and other jobs fill the cores. A
# job that is sent to another machine has one unless --set-threads says more, here as there.
FITS_SIDE_BY_SIDE = (
    1 if workflow.remote_exec else max(1, (workflow.resource_settings.cores or 1) // 4)
)
# Those of the configuration, and those that a protocol takes in their place.
NOTIONS = sorted(
    {notion for settings in CONFIG.datasets.values() for notion in settings.notions}
    | {notion for name in DATASETS.keys() & CONFIG.datasets for notion in DATASETS[name].notions}
)
DOWNLOADED = [name for name, settings in CONFIG.datasets.items() if settings.download]
SHARDED = [name for name, settings in CONFIG.datasets.items() if settings.shards > 1]
NOTHING = "(?!)"  # a pattern without a match; Snakemake takes an empty one for no constraint


wildcard_constraints:
    dataset="|".join(map(re.escape, CONFIG.datasets)),
    model="|".join(map(re.escape, CONFIG.models)),
    notion="|".join(map(re.escape, NOTIONS)),
    protocol="|".join(CONFIG.protocols),
    method="|".join(map(re.escape, CONFIG.methods)),
    dim=rf"\d+|{FULL_DIM}",
    n_prompts=r"\d+",
    shard=r"\d+",
    shards=r"\d+",


@cache
def code(name, *sources):
    """Fingerprint of what a script runs, as a parameter: a changed library reruns its jobs.

    Sources are what it does not import by name: modules, and data files of this repository.
    """
    scripts = (ROOT / "workflow_scripts" / f"{script}.py" for script in (name, "job"))
    return source_fingerprint(*scripts, *sources)


def code_with(name, method):
    """That of a script that runs a method: with its module, and its class there."""
    return f"{code(name, METHODS.module(method))} {METHODS.class_name(method)}"


def claim_results():
    with plain_errors():
        claim(Path(CONFIG.results), workflow.configfiles)


def growing(amount):
    """A claim, in MB or minutes, that a job which is tried again multiplies."""
    return lambda wildcards, attempt: amount * attempt


def log_of(output):
    """Log file of a job with this output."""
    return beside(output, "logs", ".log")


def benchmark_of(output):
    """Time and memory of a job with this output."""
    return beside(output, "benchmarks", ".tsv")


def beside(output, folder, suffix):
    path = Path(output).relative_to(CONFIG.results)
    return in_results(str(Path(folder, path).with_suffix("")) + suffix)


def dataset_root(wildcards):
    """Where a dataset is: images of the user's own, unless told, where their table is."""
    settings = CONFIG.datasets[wildcards.dataset]
    return str(Path(settings.labels).parent) if settings.root is None else settings.root


def dataset_labels(wildcards):
    return CONFIG.datasets[wildcards.dataset].labels


def skips_unreadable(wildcards):
    return CONFIG.datasets[wildcards.dataset].on_unreadable == "skip"


def dataset_of(wildcards):
    return find_dataset(wildcards.dataset, dataset_labels(wildcards))


def dataset_download(wildcards):
    """The record of a download for a dataset that is to be downloaded; nothing for any other."""
    return [DOWNLOAD] if wildcards.dataset in DOWNLOADED else []


def awaited_dataset(wildcards):
    """What prompts wait for, so that a missing dataset is all that a run complains about.

    They are made of nothing in it, so one that is there is no input: an ancient one would be, and
    hides what else has changed, as Snakemake takes whatever is below a job that runs for done with
    and then passes over ancient inputs.
    """
    if record := dataset_download(wildcards):
        return record
    root, manifest = Path(dataset_root(wildcards)), MANIFEST.format(**wildcards)
    there = root.is_file() or (root.is_dir() and any(root.iterdir()))
    return [] if there or os.path.exists(manifest) else [manifest]


def dataset_files(wildcards):
    """The files that a manifest is made of, but for images, and for what is yet to be downloaded."""
    dataset, root = dataset_of(wildcards), Path(dataset_root(wildcards))
    tables = [dataset.table] if dataset_labels(wildcards) else []
    files = [*tables, *files_read(dataset, root)]
    if wildcards.dataset in DOWNLOADED:
        return [file for file in files if file != root / dataset.download.file]
    return files


def dataset_contents(wildcards):
    """What those files hold, and which images there are where the reader lists them itself."""
    images = images_listed(dataset_of(wildcards), Path(dataset_root(wildcards)))
    names = hashlib.sha256("\n".join(map(str, images)).encode()).hexdigest()[:16]
    return [*contents_of(dataset_files(wildcards)), names]


def contents_of(files):
    """What files hold, as a parameter: Snakemake goes by dates, and a copy may have an older one."""
    return [sample_of(file) for file in files]


def model_settings(wildcards):
    return CONFIG.models[wildcards.model].model_dump()


def model_files(wildcards):
    """A model's own files: changed weights are embedded with anew."""
    return models.model_files(**model_settings(wildcards))


def model_contents(wildcards):
    return contents_of(model_files(wildcards))


def notion_settings(wildcards):
    return CONFIG.datasets[wildcards.dataset].notions[wildcards.notion]


def template_of(wildcards):
    """A notion's template: that of prompts which are written out holds nothing else."""
    return notion_settings(wildcards).template or PLACEHOLDER


def aspects_of(wildcards):
    """A notion's aspects or prompts: what changes when somebody edits their file."""
    notion = notion_settings(wildcards)
    if notion.combine:
        return []
    if notion.prompts is not None:
        return read_prompts(notion.prompts)
    return notion.aspects if notion.aspects == FROM_LABELS else read_aspects(notion.aspects)


def shards_of(wildcards):
    """The shards of a dataset's embeddings, in order."""
    n = CONFIG.datasets[wildcards.dataset].shards
    return expand(SHARD, **wildcards, shard=range(1, n + 1), shards=n)


def prompt_source(wildcards):
    """The prompts of a combined notion's parts, or the manifest where aspects are labels."""
    if parts := notion_settings(wildcards).combine:
        return {"parts": expand(PROMPTS, notion=parts, allow_missing=True)}
    return {"manifest": MANIFEST} if aspects_of(wildcards) == FROM_LABELS else {}


# (dataset, notion, its settings) of every notion of the configuration
ALL_NOTIONS = [
    (dataset, name, notion)
    for dataset, settings in CONFIG.datasets.items()
    for name, notion in settings.notions.items()
]


def of_all_notions(pattern):
    """The files of every notion; prompts are the same for every model."""
    model = CONFIG.main_models[0]
    return [pattern.format(dataset=d, model=model, notion=n) for d, n, _ in ALL_NOTIONS]


def templates(wildcards):
    """What the overview says of every notion, but for its files."""
    return [
        {
            "dataset": dataset,
            "notion": name,
            "template": template_text(notion),
            "labels": label_column(dataset, name),
            "parts": notion.combine or [],
            "written_out": notion.prompts is not None,
        }
        for dataset, name, notion in ALL_NOTIONS
    ]


def template_text(notion):
    """A notion's template; of a combined notion what it combines, and how, by weights that differ."""
    if notion.combine:
        weights = notion.weights or []
        by = "" if len(set(weights)) < 2 else f" {':'.join(f'{weight:g}' for weight in weights)}"
        return f"{' + '.join(notion.combine)}, {notion.by}{by}"
    return notion.template or PLACEHOLDER


def label_column(dataset, notion):
    """The manifest's column of a notion's labels; of one that only a protocol takes, its own.

    A combined notion has several, one a part.
    """
    settings = CONFIG.datasets[dataset].notions.get(notion)
    if settings and settings.combine:
        return [label_column(dataset, part) for part in settings.combine]
    return settings.labels if settings and settings.labels else notion


def column_of_aspects(wildcards):
    """The labels that are a notion's aspects, where they are: no others change its prompts."""
    if aspects_of(wildcards) == FROM_LABELS:
        return label_column(wildcards.dataset, wildcards.notion)


def column_of_fit(wildcards):
    """The labels that a method is fitted to, where it is: no others change a fit."""
    if METHODS[wildcards.method].supervised and not stacked(wildcards):
        return label_column(wildcards.dataset, wildcards.notion)


def scored_column(wildcards):
    """The labels that a run is scored by: those of another notion where the protocol takes one."""
    sources = PROTOCOLS[wildcards.protocol].sources(
        wildcards.dataset, wildcards.notion, wildcards.method
    )
    return label_column(wildcards.dataset, sources.labels)


def columns_of(picture):
    """The labels' column, or columns, of each notion of a picture."""
    return {notion: label_column(picture.dataset, notion) for notion in picture.notions}


def all_tables(wildcards):
    """The tables; of scores where there are any, and compared where there are published ones."""
    published = set(read_published()["dataset"])
    compared = COMPARISON_FILES if published & set(CONFIG.datasets) else []
    scored = [*TABLE_FILES, *compared] if paper_runs(wildcards) else []
    if main_runs(wildcards):
        scored += SIGNIFICANCE_FILES
    if len(main_runs(wildcards)) > len(paper_runs(wildcards)):
        scored += BEYOND_FILES
    shares = SALIENCY_TABLE if "saliency" in PICTURES else []
    return [*OVERVIEW_FILES, *scored, *shares]


def dims_of(method, dims=CONFIG.dims):
    return dims if METHODS[method].has_dim else [FULL_DIM]


def scores(protocols, notions, models, methods, dims, pattern=METRICS, **more):
    """The metrics of runs, in this order; notions are pairs of a dataset and a notion."""
    return [
        path
        for protocol in protocols
        for dataset, notion in notions
        for model in models
        for method in methods
        for path in expand(
            pattern,
            protocol=protocol,
            dataset=dataset,
            model=model,
            notion=notion,
            method=method,
            dim=dims_of(method, dims),
            **more,
        )
    ]


SCORED_NOTIONS = [(dataset, name) for dataset, name, notion in ALL_NOTIONS if notion.scored]


def of_main_runs(pattern, methods=CONFIG.methods, notions=SCORED_NOTIONS):
    """Files of the runs that the tables show."""
    runs = CONFIG.protocols, notions, CONFIG.main_models, methods, CONFIG.dims
    return scores(*runs, pattern=pattern)


def main_runs(wildcards):
    """Metrics of the runs that the tables show."""
    return of_main_runs(METRICS)


def paper_runs(wildcards):
    """Those of the paper's methods and of no combined notion, which its own tables show."""
    methods = [name for name in CONFIG.methods if name in PAPER_METHODS]
    plain = [(dataset, name) for dataset, name, notion in ALL_NOTIONS
             if notion.scored and not notion.combine]  # fmt: skip
    return of_main_runs(METRICS, methods, plain)


def ablated(ablation, models, dims, **more):
    """Metrics of an ablation's runs: by the first protocol."""
    notions = [(ablation.dataset, notion) for notion in ablation.notions]
    return scores(CONFIG.protocols[:1], notions, models, ablation.methods, dims, **more)


DIMENSIONS = CONFIG.experiments.dimensions
CLIP_SIZE = CONFIG.experiments.clip_size
PROMPT_COUNT = CONFIG.experiments.prompt_count


def dimension_runs(wildcards):
    return ablated(DIMENSIONS, [DIMENSIONS.model], DIMENSIONS.dims)


def clip_size_runs(wildcards):
    return ablated(CLIP_SIZE, CLIP_SIZE.models, CONFIG.dims[:1])


def prompt_count_runs(wildcards):
    """Those of some of the prompts, and those of all for comparison."""
    runs = PROMPT_COUNT, [PROMPT_COUNT.model], CONFIG.dims[:1]
    some = ablated(*runs, pattern=SUBSET_METRICS, n_prompts=PROMPT_COUNT.counts)
    return some + ablated(*runs)


# Runs of each ablation that is configured, and so its figure of the same name.
ABLATIONS = {
    name: runs
    for name, runs in {
        "dimensions": dimension_runs,
        "clip_size": clip_size_runs,
        "prompt_count": prompt_count_runs,
    }.items()
    if getattr(CONFIG.experiments, name)
}
PICTURES = {name: picture for name, picture in CONFIG.figures if picture}
# What is ranked and tested over: a combined notion repeats its parts, and several notions of one
# label column each other, so of those the first stands for all.
COUNTED = sorted(
    {
        (dataset, label_column(dataset, name)): (dataset, name)
        for dataset, name, notion in reversed(ALL_NOTIONS)
        if notion.scored and not notion.combine
    }.values()
)
# Notions whose classes are a sample of more: by protocol, and the column of the labels.
SAMPLED = [
    (protocol, dataset, name, label_column(dataset, sources.labels))
    for protocol in CONFIG.protocols
    for dataset, name, notion in ALL_NOTIONS
    if notion.scored and notion.sampled_classes
    for sources in [PROTOCOLS[protocol].sources(dataset, name, OURS)]
]
# Ranks over notions need several of both; methods that see labels have none.
RANKED = [method for method in CONFIG.methods if not METHODS[method].supervised]
RANKING = ["critical_difference"] if len(COUNTED) >= 2 and len(RANKED) >= 3 else []
FIGURES = [*ABLATIONS, *RANKING, *PICTURES]


def seeds_of(ablation):
    return CONFIG.seeds[: ablation.seeds]


# What the ablation of dims adds to the runs of the tables, and that of models. A model that another
# ablation takes, too, is fitted as those of the tables are, by all seeds.
ADDED_DIMS = [dim for dim in DIMENSIONS.dims if dim not in CONFIG.dims] if DIMENSIONS else []
ADDED_MODELS = set(CLIP_SIZE.models) if CLIP_SIZE else set()
ADDED_MODELS -= {*CONFIG.main_models, *(a.model for a in (DIMENSIONS, PROMPT_COUNT) if a)}


def all_metrics(wildcards):
    """Metrics of every run that the configuration asks for."""
    runs = [main_runs, *ABLATIONS.values()]
    return list(dict.fromkeys(path for find in runs for path in find(wildcards)))


def all_figures(wildcards):
    return expand(FIGURE, figure=FIGURES, suffix=["pdf", "png"])


def caption_of(name):
    return (ROOT / "captions" / f"{name}.rst").read_text(encoding="utf-8").strip()


def embedded():
    """Dataset and model of all embeddings that are made of images."""
    pairs = {(dataset, model) for dataset in CONFIG.datasets for model in CONFIG.main_models}
    if CLIP_SIZE:
        pairs |= {(CLIP_SIZE.dataset, model) for model in CLIP_SIZE.models}
    others = (DIMENSIONS, PROMPT_COUNT, *PICTURES.values())
    return sorted(pairs | {(other.dataset, other.model) for other in others if other})


def all_embeddings(wildcards):
    return [IMAGES.format(dataset=dataset, model=model) for dataset, model in embedded()]


def all_runs(wildcards):
    """The rows of all runs; nothing where no notion is scored."""
    return [in_results("metrics.parquet")] if main_runs(wildcards) else []


def targets(wildcards):
    """What a run is for; of notions that are not scored, all that needs no labels."""
    files = [REPORT, *all_runs(wildcards), *all_tables(wildcards), *all_figures(wildcards)]
    for dataset, notion, settings in ALL_NOTIONS:
        if not settings.scored:
            files += unscored(dataset=dataset, notion=notion, model=CONFIG.main_models)
    return files


def unscored(**notion):
    """Embeddings of a notion's images and prompts, and the transforms learned from the prompts."""
    files = expand([IMAGES, PROMPTS], **notion)
    for method in CONFIG.methods:
        if not METHODS[method].supervised:
            dims = dims_of(method)
            files += expand(TRANSFORM, **notion, method=method, dim=dims, seed=CONFIG.seeds)
    return files


def stacked(wildcards):
    """The parts of a combined notion that are stacked, and their weights; nothing for any other.

    Oracle is stacked as the others are: it is the ceiling of what they do, which a fit of it to the
    joined labels is not.
    """
    notion = CONFIG.datasets[wildcards.dataset].notions.get(wildcards.notion)
    if notion is None or notion.by != "stacked":
        return {}
    return dict(zip(notion.combine, notion.weights, strict=True))


def fitted_to(seeds=CONFIG.seeds, **variants):
    """What a transform is made of: prompts, or images and labels for a supervised method (Oracle).

    Of a notion that is stacked the transforms of its parts.
    """

    def find(wildcards):
        if parts := stacked(wildcards):
            # Part after part, each in the order of the outputs: the last key changes fastest.
            run = dict(wildcards.items()) | {"notion": parts} | variants | {"seed": seeds}
            return {"parts": expand(TRANSFORM, **run)}
        if METHODS[wildcards.method].supervised:
            return {"images": IMAGES, "manifest": MANIFEST}
        return {"prompts": PROMPTS}

    return find


def transforms_of(pattern=TRANSFORM, seeds=CONFIG.seeds, **variants):
    """The transforms that runs score: those of another notion where the protocol takes one."""

    def find(wildcards):
        sources = PROTOCOLS[wildcards.protocol].sources(
            wildcards.dataset, wildcards.notion, wildcards.method
        )
        notion = sources.labels if METHODS[wildcards.method].supervised else sources.prompts
        # The last key changes fastest: the seeds of a run lie together.
        run = dict(wildcards.items()) | {"notion": notion} | variants | {"seed": seeds}
        return expand(pattern, **run)

    return find


def transforms_behind(path, seeds):
    """The transforms that a file of metrics was made of; its path says which."""
    names = ("protocol", "dataset", "model", "notion", "method", "dim", "n_prompts")
    parts = Path(path).relative_to(in_results("metrics")).with_suffix("").parts
    run = dict(zip(names, parts))  # without a number of prompts where all are taken
    run |= {name: run[name].partition("-")[2] for name in names[5:] if name in run}
    pattern = SUBSET_TRANSFORM if "n_prompts" in run else TRANSFORM
    return transforms_of(pattern, seeds)(SimpleNamespace(**run, items=run.items))


def all_transforms(wildcards):
    """The transforms of every run."""
    files = [(path, CONFIG.seeds) for path in main_runs(wildcards)]
    for name, runs in ABLATIONS.items():
        seeds = seeds_of(getattr(CONFIG.experiments, name))
        files += [(path, seeds) for path in runs(wildcards)]
    return list(dict.fromkeys(file for run in files for file in transforms_behind(*run)))


def figure_files(name, category):
    """Outputs of a figure, and where they stand in Snakemake's own report."""
    pdf, png = expand(FIGURE, figure=name, suffix=["pdf", "png"])
    shown = report(
        png, caption=f"../captions/{name}.rst", category=category, labels={"figure": name}
    )
    return pdf, shown


def of_picture(name, pattern):
    """The file of a picture's dataset and model."""
    return pattern.format(dataset=PICTURES[name].dataset, model=PICTURES[name].model)


def learned_for(name, dim=CONFIG.dims[0]):
    """What InDiReCT learned for each notion of a picture, by the first seed."""
    picture, seed = PICTURES[name], CONFIG.seeds[0]
    keys = {"dataset": picture.dataset, "model": picture.model, "method": "indirect"}
    return expand(TRANSFORM, **keys, notion=picture.notions, dim=dim, seed=seed)
