"""Folders of results made at once: what jobs of the workflow give, here, on vectors of names.

Images and prompts are vectors that depend on their names only, so that two folders with the same
configuration have the same numbers, as two runs on one machine have.
"""

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.config.config import parse_config
from lanzdml.config.place import RECORD
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint_of, write_manifest
from lanzdml.embeddings.prompts import make_prompts
from lanzdml.embeddings.storage import LOGIT_SCALE, WEIGHTS, combine_prompts, write_embeddings
from lanzdml.experiments.measuring import measure_runs
from lanzdml.metrics.runs import collect_runs
from lanzdml.metrics.scoring import score_runs
from lanzdml.metrics.shards import cluster_run, rank_shard
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.plan.measurements import measure_jobs
from lanzdml.plan.shards import clustering_of, ranking_of
from lanzdml.plan.versions import version_measured, version_with
from lanzdml.sharing.record import write_record
from lanzdml.transforms.fitting import fit_transforms

SIZE = 8
COLORS, MODELS = ["red", "green", "blue", "white"], ["van", "suv", "sedan"]
NOTIONS = {
    "car_color": {"template": "a {aspect} car", "aspects": COLORS},
    "car_model": {"template": "a photo of a {aspect}", "aspects": MODELS},
}
CONFIG = {
    # A registered dataset and a model of open_clip: neither has to be here.
    "datasets": {"demo_cars": {"root": "not/here", "notions": NOTIONS}},
    "models": {"small": {"architecture": "RN50", "pretrained": "openai"}},
    "methods": ["clip", "indirect", "text_subspace", "oracle"],
    "dims": [3],
    "seeds": [0, 1],
}


def vector(*names):
    """A vector that depends on names only."""
    seed = int(hashlib.sha256("/".join(names).encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).normal(size=SIZE)


def manifest():
    """24 images, each with a label for every notion of the dataset."""
    rows = range(24)
    return pd.DataFrame(
        {
            "image_id": [f"image_{row:02}" for row in rows],
            "path": [f"{row}.png" for row in rows],
            "car_color": [COLORS[row % 4] for row in rows],
            "car_model": [MODELS[row % 3] for row in rows],
            "background_color": [COLORS[row // 6] for row in rows],
        }
    )


def make_shards(task, kept):
    """What a run is put together of, where its queries are ranked in shards."""
    if task.clusters is None:
        return
    ranking = ranking_of(task, partial(version_with, "rank_shard"))
    for number, path in enumerate(task.shards, start=1):
        rank_shard(ranking, Path(path), (number, len(task.shards)), kept=kept)
    clustering = clustering_of(task, partial(version_with, "cluster_run"))
    cluster_run(clustering, Path(task.clusters), kept=kept)


def make_fits_and_scores(plan):
    """What jobs make of embeddings and manifests."""
    kept = Path(plan.paths.kept)
    for job in fit_jobs(plan, partial(version_with, "fit_transforms")):
        fit_transforms(job.tasks, kept=kept)
    for job in score_jobs(plan, partial(version_with, "compute_metrics")):
        for task in job.tasks:
            make_shards(task, kept)
        score_runs(job.tasks, kept=kept)
    for job in measure_jobs(plan, version_measured):
        measure_runs(job.tasks, kept=kept)


def make_results(folder, *, images=None, weights="0" * 64, logit_scale=100.0, turn=0.0, **changes):
    """Make a folder of results; returns it.

    Args:
        images: the manifest.
        weights: checksum of the model's weights.
        logit_scale: of the model.
        turn: what is added to each embedding, as another processor would.
        changes: of the configuration.
    """
    config = parse_config(CONFIG | changes | {"results": str(folder), "results_elsewhere": True})
    plan, images = Plan(config), manifest() if images is None else images
    paths = plan.paths
    facts = {WEIGHTS: weights, LOGIT_SCALE: str(logit_scale)}
    for dataset in config.datasets:
        notions = [name for name in images if name not in ("image_id", "path")]
        write_manifest(Path(paths.manifest(dataset)), images, notions, dataset)
    for dataset, model in plan.embedded:
        labels = images.drop(columns=["image_id", "path"]).to_numpy()
        found = np.array([sum(vector(model, text) for text in row) for row in labels])
        found += [vector(model, dataset, name) for name in images["image_id"]]
        told = facts | {FINGERPRINT: fingerprint_of(Path(paths.manifest(dataset)))}
        write_embeddings(
            Path(paths.images(dataset, model)), images[["image_id"]],
            (found + turn).astype(np.float32), told,
        )  # fmt: skip
    for dataset in config.datasets:
        sources = [*plan.prompt_sources(dataset), *plan.wording_sources(dataset)]
        for source in sources:
            if parts := source["parts"]:
                for model in config.main_models:
                    files = [Path(paths.prompts(dataset, model, part)) for part in parts]
                    combine_prompts(files, Path(paths.prompts(dataset, model, source["name"])))
                continue
            prompts = make_prompts(source["template"], source["aspects"])
            for model in config.main_models:
                found = np.array([vector(model, text) for text in prompts["aspect"]])
                path = Path(paths.prompts(dataset, model, source["name"]))
                write_embeddings(path, prompts, (found + turn).astype(np.float32), facts)
    make_fits_and_scores(plan)
    runs = [Path(paths.metrics(run)) for run in plan.runs]
    collect_runs(runs, Path(paths.at("metrics.parquet")))
    write_record(
        Path(paths.at("record.json")),
        config.model_dump(mode="json", exclude={"embeddings": True, "limits": True}),
    )
    Path(folder, RECORD).touch()
    return Path(folder)
