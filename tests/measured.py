"""Constructed vectors of images with two notions, as the files that experiments measure."""

from importlib import import_module

import numpy as np
import pandas as pd

from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.prompts import OWN
from lanzdml.embeddings.storage import GIVEN, WEIGHTS, write_embeddings
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measuring import measure_runs, module_of
from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS
from lanzdml.plan.notions import of_wording
from lanzdml.transforms.fitting import FitTask, fit_transforms

MADE_BY = {WEIGHTS: "w", GIVEN: "mine.npy"}  # so that nobody says the logit scale
NOTIONS = ("shape", "shade")


def write_world(folder, labels, images, texts):
    """Files of images, their labels by notion (null for none), and prompts by notion and aspect."""
    table = pd.DataFrame({"image_id": [f"{n}.png" for n in range(len(images))], **labels})
    table["path"] = table["image_id"]
    write_manifest(folder / "manifest.parquet", table, list(labels), "mine")
    made_by = MADE_BY | {FINGERPRINT: fingerprint(table)}
    write_embeddings(folder / "images.parquet", table[["image_id"]], images, made_by)
    for notion, vectors in texts.items():
        write_wording(folder, notion, vectors)


def write_wording(folder, notion, vectors, wording=OWN):
    """Prompts of a notion, by aspect, in one of its wordings."""
    rows = pd.DataFrame({"prompt": [f"a {name} thing" for name in vectors], "aspect": [*vectors]})
    path = folder / f"{of_wording(notion, wording)}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_embeddings(path, rows, np.array([*vectors.values()], np.float32), MADE_BY)


def measure(
    folder, experiment, methods, notions=NOTIONS, dim=4, seeds=(0, 1), wordings=(None,), **settings
):
    """The rows of the tables and what was measured: an experiment on a world."""
    settings = EXPERIMENTS[experiment](**settings).settings
    tasks = []
    for notion in notions:
        for method in methods:
            cls = METHODS[method]
            of_seeds = seeds[:1] if cls.deterministic else seeds
            others = {name: str(folder / f"{name}.parquet") for name in notions if name != notion}
            told = others if AGAINST in cls.needs else {}
            prompts = str(folder / f"{notion}.parquet")
            seen, sees_images = LABELS in cls.needs, IMAGES in cls.needs
            fits = [
                FitTask(
                    output=str(folder / f"{notion}-{method}-{seed}.safetensors"),
                    method=method,
                    dim=dim if cls.has_dim else None,
                    seed=seed,
                    version="1",
                    prompts=None if seen else prompts,
                    against=told,
                    images=str(folder / "images.parquet") if sees_images else None,
                    manifest=str(folder / "manifest.parquet") if seen else None,
                    labels=notion if seen else None,
                )
                for seed in of_seeds
            ]
            fit_transforms(fits, kept=folder / "kept")
            run = {"dataset": "mine", "notion": notion, "model": "m", "protocol": "paper"}
            tasks += [
                MeasureTask(
                    output=str(folder / experiment / f"{notion}-{method}-{wording}.parquet"),
                    experiment=experiment,
                    run=run | {"method": method},
                    dim=dim if cls.has_dim else None,
                    settings=settings,
                    version="1",
                    images=str(folder / "images.parquet"),
                    manifest=str(folder / "manifest.parquet"),
                    prompts=str(folder / f"{of_wording(notion, wording or OWN)}.parquet"),
                    against=told,
                    labels={notion: notion} | {name: name for name in others},
                    transforms=[fit.output for fit in fits] if wording in (None, OWN) else [],
                    seeds=of_seeds,
                    wording=wording,
                    own_prompts=prompts if wording else None,
                )
                for wording in wordings
            ]
    measure_runs(tasks, kept=folder / "kept")
    rows = pd.concat([pd.read_parquet(task.output) for task in tasks], ignore_index=True)
    return import_module(module_of(experiment, "table")).summarise(rows), rows
