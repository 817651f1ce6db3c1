"""What single things take here: measures lanzdml/estimate/rates.json, which estimates begin with.

    python -m benchmarks.rates                     all of it; some ten minutes of a core
    python -m benchmarks.rates iteration rank      some of it; the rest stays

Seconds are those of a core (user and system), so other work beside it changes them little. How many
iterations fits take is of stand-ins at the paper's sizes and of the demo data, whose default run
has to be there: results/metrics.parquet.
"""

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from benchmarks.machine import facts
from benchmarks.standins import StandInModel, labels_at_paper_sizes, template_and_aspects
from lanzdml.config.config import parse_config
from lanzdml.config.file import read_values
from lanzdml.embeddings.prompts import FROM_LABELS, read_aspects
from lanzdml.estimate.rates import FILE, Rates, parameters_of
from lanzdml.estimate.sizes import pairs_of
from lanzdml.files import write_text
from lanzdml.methods import METHODS
from lanzdml.sources import ROOT

WIDTH = 512
TRAINED = ("indirect", "lae", "ae", "indirect_svd", "oracle")
# What a job's script imports before it begins with its work.
STARTS = {
    "dataset": "lanzdml.datasets.manifest, lanzdml.datasets.own, lanzdml.datasets.demo_cars",
    "images": "lanzdml.embeddings.embedding, lanzdml.embeddings.loading, open_clip",
    "prompts": "lanzdml.embeddings.embedding, lanzdml.embeddings.loading, open_clip",
    "quick": "lanzdml.transforms.fitting, lanzdml.embeddings.storage, safetensors.numpy, "
    "sklearn.decomposition, lanzdml.methods.pca",
    "trained": "lanzdml.transforms.fitting, lanzdml.embeddings.storage, safetensors.numpy, "
    "torch.optim.adam, lanzdml.methods.indirect",
    "score": "lanzdml.metrics.scoring, sklearn.cluster, lanzdml.methods.indirect",
    "table": "lanzdml.tables.paper, lanzdml.metrics.runs",
    "figure": "lanzdml.figures.style, lanzdml.figures.ablation, lanzdml.metrics.runs",
    "trimap": "torch, trimap, lanzdml.embeddings.storage, sklearn.decomposition",
    "report": "lanzdml.report.page, lanzdml.report.results, matplotlib.figure",
}
TELL = """
import re, time
held = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]
print(time.process_time(), held)
"""
FITS = {  # dataset and notion of what fits are repeated on until they end, and at which dims
    ("cars196", "car_model"): (2, 8, 32, 128, 512),
    ("cub200", "bird_species"): (128,),
    ("deepfashion", "texture"): (128,),
    ("movie_posters", "production_country"): (128,),
}


def cpu(work: Callable[..., object], *given: Any, **named: Any) -> float:
    """Seconds of a core that a piece of work takes here."""
    start = time.process_time()
    work(*given, **named)
    return time.process_time() - start


def start_and_memory() -> dict[str, dict[str, float]]:
    """Seconds of a core until a process has imported what its job needs, and MiB: medians of 3."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    for _ in range(4):
        for name, imports in STARTS.items():
            # Told by the child itself: its own resources would count what forked it.
            command = [sys.executable, "-c", f"import {imports}\n{TELL}"]
            told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
            seconds, kib = map(float, told.stdout.split())
            found[name].append((seconds, kib / 1024))
    medians = {name: np.median(of[1:], axis=0).round(2) for name, of in found.items()}
    return {
        "start": {name: float(seconds) for name, (seconds, _) in medians.items()},
        "memory": {name: float(mib) for name, (_, mib) in medians.items()},
    }


def iteration() -> dict[str, dict[str, list[float]]]:
    """Seconds an iteration: of each by itself, with numbers that are reconstructed, parameters."""
    found = {}
    for method in TRAINED:
        oracle = method == "oracle"
        sizes = [(n, 128) for n in ((500, 2000, 8000) if oracle else (10, 100, 1000))]
        rows, seconds = [], []
        for n, dim in [*sizes, (sizes[1][0], 8), (sizes[1][0], 512)]:
            rng = np.random.default_rng(0)
            given: list[Any] = [rng.standard_normal((n, WIDTH)).astype(np.float32)]
            n_classes = 100 if oracle else 0
            if oracle:
                given.append((np.arange(n) % n_classes).astype(str))
            most = int(np.clip(50_000 / n, 20, 400))
            fit = METHODS[method](dim, max_iter=most)
            with warnings.catch_warnings(), fit.single_threaded():
                warnings.simplefilter("ignore")  # that it was stopped
                METHODS[method](dim, max_iter=3).fit(*given)
                seconds.append(cpu(fit.fit, *given) / fit.n_iter_)
            parameters = parameters_of(method, dim, WIDTH, n_classes)
            rows.append([1, n * parameters, parameters])
        # Errors count by their share of the time.
        shares = np.array(rows) / np.array(seconds)[:, None]
        scale = shares.max(axis=0)
        found[method] = [
            float(f"{x:.3g}") for x in nnls(shares / scale, np.ones(len(rows)))[0] / scale
        ]
        print(method, found[method], (shares @ found[method]).round(2), flush=True)
    return {"iteration": found}


def iterations() -> dict[str, dict[str, list[list[int]]]]:
    """How many iterations fits take, as [r', prompts or images, iterations]."""
    config = parse_config(read_values([ROOT / "configs/paper.yaml"], {}))
    model = StandInModel("ViT-B-32", WIDTH)
    found: dict[str, list[list[int]]] = {method: [] for method in TRAINED}
    for (dataset, notion), dims in FITS.items():
        labels = labels_at_paper_sizes(dataset, config)
        _, aspects = template_and_aspects(config.datasets[dataset].notions[notion])
        names = sorted(labels[notion].unique()) if aspects == FROM_LABELS else read_aspects(aspects)
        texts = model.texts([*names])
        images = model.images([f"{dataset}/{n}" for n in range(len(labels))], labels)
        for method in TRAINED:
            of_labels = method == "oracle"
            for dim in dims if dataset == "cars196" or not of_labels else ():
                given = (images, labels[notion].to_numpy()) if of_labels else (texts,)
                fit = METHODS[method](dim, random_state=0)
                with fit.single_threaded():
                    fit.fit(*given)
                found[method].append([dim, len(given[0]), fit.n_iter_])
                print(method, found[method][-1], flush=True)
    runs = pd.read_parquet(ROOT / "results/metrics.parquet")
    return {"iterations": {name: [*rows, *of_runs(runs, name)] for name, rows in found.items()}}


def of_runs(runs: pd.DataFrame, method: str) -> list[list[int]]:
    """The same of a finished run's fits, medians."""
    rows = runs[(runs["method"] == method) & runs["iterations"].notna()]
    n = rows["n_prompts"].fillna(rows["n_images"]).astype(int)
    medians = rows["iterations"].astype(float).groupby([rows["dim"].astype(int), n]).median()
    return [[dim, n, round(value)] for (dim, n), value in medians.items()]


def quick() -> dict[str, dict[str, float]]:
    """Seconds of a fit that is not trained, to 100 prompts or 1,000 images; and of an image."""
    rng = np.random.default_rng(0)
    texts, against, images = (
        rng.standard_normal((n, WIDTH)).astype(np.float32) + 1 for n in (100, 50, 1000)
    )
    labels = (np.arange(1000) % 20).astype(str)
    named = {"against": against, "images": images, "labels": labels}
    fitted, transformed = {}, {}
    for method, cls in METHODS.items():
        fit = cls(64) if cls.has_dim else cls()
        if cls.cost:
            fit.set_params(max_iter=20)
        with warnings.catch_warnings(), fit.single_threaded():
            warnings.simplefilter("ignore")
            needs = cls.needs
            given = (texts,) if "prompts" in needs else (images, labels)
            told = {name: named[name] for name in needs if name in named and "prompts" in needs}
            fit.fit(*given, **told)
            seconds = min(cpu(fit.fit, *given, **told) for _ in range(3))
            if not cls.cost:
                fitted[method] = round(seconds, 4)
            transformed[method] = min(cpu(fit.transform, images) for _ in range(3)) / 1000
    return {
        "fit": fitted,
        "transform": {name: float(f"{x:.2g}") for name, x in transformed.items()},
    }


def rank() -> dict[str, list[float]]:
    """Seconds of a pair of images, and of a component of it; of draws and of k-means alike."""
    from lanzdml.arithmetic.threads import one_blas_thread
    from lanzdml.metrics.clusters import cluster_metrics
    from lanzdml.metrics.ranked import scores_and_draws
    from lanzdml.metrics.scores import query_scores

    rng = np.random.default_rng(0)
    ranked, drawn, clustered = [], [], []
    with one_blas_thread():
        for n, k, width in ((300, 3, 8), (1000, 10, 128), (2000, 100, 128), (4000, 100, 16),
                            (4000, 100, 512), (4000, 10, 128), (8000, 100, 128)):  # fmt: skip
            labels = rng.permutation(np.arange(n) % k)
            vectors = rng.standard_normal((n, width), np.float32)
            vectors += rng.standard_normal((k, width), np.float32)[labels] / 2
            of_queries = cpu(query_scores, vectors, labels)
            of_draws = cpu(scores_and_draws, vectors, labels, n_draws=100) - of_queries
            of_clusters = cpu(cluster_metrics, vectors, labels)
            if n < 500:  # to warm up
                continue
            ranked.append(([float(n * n), float(n * n * width)], of_queries))
            drawn.append(([100.0 * pairs_of(np.bincount(labels)), 100.0 * n], of_draws))
            clustered.append(([1.0, n * k**0.8], of_clusters))
    return {"rank": _rates(ranked), "draw": _rates(drawn), "kmeans": _rates(clustered)}


def _rates(measured: list[tuple[list[float], float]]) -> list[float]:
    """What each unit takes, so that errors by their share of the time are smallest."""
    shares = np.array([units for units, _ in measured]) / np.array([[s] for _, s in measured])
    scale = shares.max(axis=0)
    found = nnls(shares / scale, np.ones(len(shares)))[0] / scale
    print(found, (shares @ found).round(2), flush=True)
    return [float(f"{x:.3g}") for x in found]


def image() -> dict[str, list[float]]:
    """Seconds to decode an image, and for a billion multiplications and additions of a model."""
    import open_clip
    import torch

    from lanzdml.embeddings.embedding import embed_images
    from lanzdml.embeddings.loading import load_clip
    from lanzdml.embeddings.models import read_local_architecture
    from lanzdml.estimate.models import size_of

    torch.set_num_threads(2)
    large = open_clip.create_model("ViT-B-32").eval()
    pixels = torch.zeros(8, 3, 224, 224)
    with torch.inference_mode():
        large.encode_image(pixels)
        seconds = cpu(lambda: [large.encode_image(pixels) for _ in range(4)]) / 32
    of_gmac = seconds / size_of(read_local_architecture("ViT-B-32")).gmacs
    folder = ROOT / "resources/demo_clip"
    clip = load_clip(f"{folder}/demo-S.json", f"{folder}/demo-S.safetensors", "cpu")
    from lanzdml.datasets import DATASETS

    root = ROOT / "resources/demo_cars/test.parquet"
    manifest = DATASETS["demo_cars"].read_manifest(root)
    embed_images(clip, manifest.head(64), root, linked=[], batch_size=64, workers=0)
    whole = cpu(lambda: embed_images(clip, manifest, root, linked=[], batch_size=64, workers=0))
    of_model = size_of(read_local_architecture(f"{folder}/demo-S.json")).gmacs * of_gmac
    return {"image": [float(f"{x:.3g}") for x in (whole / len(manifest) - of_model, of_gmac)]}


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "start": start_and_memory,
    "iteration": iteration,
    "iterations": iterations,
    "quick": quick,
    "rank": rank,
    "image": image,
}


def main(names: list[str]) -> None:
    """Measure, and write what was measured into the file; nothing else there changes."""
    if unknown := set(names) - set(PARTS):
        sys.exit(f"there is no part {', '.join(sorted(unknown))}, but {', '.join(PARTS)}")
    values = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in names or PARTS:
        print(f"{name} ...", flush=True)
        values |= PARTS[name]()
    found = facts()
    values["machine"] = f"{found['processor']}, {found['vector instructions']}"
    values = {field.name: values[field.name] for field in fields(Rates) if field.name in values}
    write_text(FILE, json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
