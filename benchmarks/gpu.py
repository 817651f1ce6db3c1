"""What a GPU does for the benchmark, and the rest on the machine that has it: in eight minutes.

    python -m benchmarks gpu

writes benchmarks/results-gpu.md; without a GPU it says what it would measure.
"""

import contextlib
import math
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from benchmarks.embeddings import demo_cars, demo_m, photographs, random_clip
from benchmarks.machine import cores
from benchmarks.paper_grid import CONFIGURATION, FOLDER, prepare, run_workflow
from benchmarks.parts import Found, Part, measure_parts
from benchmarks.scaling import metrics_cost
from benchmarks.standins import template_and_aspects
from benchmarks.timing import paired, seconds
from lanzdml.arithmetic.products import faster_linear
from lanzdml.arithmetic.threads import full_float32
from lanzdml.config.config import parse_config
from lanzdml.datasets.images import Images
from lanzdml.datasets.manifest import ID
from lanzdml.embeddings.clip import Clip
from lanzdml.embeddings.embedding import embed_images, embed_prompts
from lanzdml.embeddings.prompts import make_prompts
from lanzdml.methods import METHODS
from lanzdml.metrics.scores import compute_metrics
from lanzdml.names import METHOD_NAMES
from lanzdml.sources import ROOT

RESULTS = Path(__file__).with_name("results-gpu.md")
HEAD = """\
# Benchmarks beside a GPU

Written by `python -m benchmarks gpu`.
"""
GOAL = 0.9  # of the forward pass
DECODERS = (1, 2, 4, 8, 16)
PAIRS = 2
RANKED = ("clip", "random_transform", "pca", "lae", "ae", "indirect", "text_subspace")
NOTIONS = ("car_model", "car_color", "background_color")
SEEDS = 5  # as in the paper's grid
SWAPPED = "told apart and swapped"


def embedding(
    clip: Clip,
    manifest: pd.DataFrame,
    root: Path,
    batch_size: int,
    decoders: Sequence[int],
    pairs: int,
) -> Found:
    """Embedding from files beside the forward pass, with more and more processes that decode.

    The first number of them that reaches :data:`GOAL` is the last that is tried.
    """
    images, n = Images(manifest, root), len(manifest)
    decoded: list[torch.Tensor] = []
    decoding = n / seconds(lambda: decoded.extend(clip.preprocess(images[i]) for i in range(n)))
    ready = torch.stack(decoded).to(clip.device)

    @torch.inference_mode()
    def forward() -> None:
        with full_float32(), faster_linear(clip.device):
            for batch in ready.split(batch_size):
                clip.model.encode_image(batch, normalize=False).float().cpu()

    forward()  # to warm up
    rows, reached, speed = [], 0.0, 0.0
    for workers in decoders:

        def ours(workers: int = workers) -> None:
            embed_images(clip, manifest, root, batch_size=batch_size, workers=workers)

        taken = paired(ours, forward, pairs)
        reached, speed = taken.ratio, n / float(np.median(taken.theirs))
        rows.append({
            "processes that decode": str(workers),
            "ours, images/s": f"{n / np.median(taken.ours):,.0f}",
            "forward, images/s": f"{speed:,.0f}",
            "ours / forward": f"{reached:.0%} ({min(taken.ratios):.0%} to {max(taken.ratios):.0%})",
        })  # fmt: skip
        if reached >= GOAL:
            break
    return Found(
        f"{reached:.0%} with {workers} processes that decode; a core decodes {decoding:,.0f} "
        f"images a second, so the forward pass needs {math.ceil(speed / decoding)}",
        f"{n:,} JPEG files, batches of {batch_size}, float32 without TF32, random weights. The "
        "forward pass is on tensors that are on the device. Medians, of ratios with ranges, of "
        f"{pairs} pairs; once {GOAL:.0%} is reached no more processes are tried.",
        rows,
    )


def ranking(
    device: str,
    manifest: pd.DataFrame,
    notions: Sequence[str],
    methods: Sequence[str],
    dim: int,
    each: Callable[..., Iterable[float]] = map,
) -> Found:
    """The order of methods by MAP@R, on embeddings of a device and of the CPU.

    Training amplifies rounding, so that a fit alone tells little: those of :data:`SEEDS` seeds do.

    Args:
        device: that embeds beside the CPU.
        manifest: of images of demo_cars.
        notions: of ``config.yaml``.
        methods: that are fitted to prompts.
        dim: r'.
        each: as ``map``.
    """
    config = parse_config(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    images: dict[str, np.ndarray] = {}
    texts: dict[tuple[str, str], np.ndarray] = {}
    with contextlib.chdir(ROOT):  # that its paths are relative to
        for where in (device, "cpu"):
            clip = demo_m(where)
            images[where] = embed_images(clip, manifest, Path())
            for notion in notions:
                of_notion = config.datasets["demo_cars"].notions[notion]
                prompts = make_prompts(*template_and_aspects(of_notion))["prompt"]
                texts[where, notion] = embed_prompts(clip, prompts.tolist())
    rows = []
    for notion in notions:
        tasks = [
            (where, method, seed)
            for where in images
            for method in methods
            for seed in range(1 if METHODS[method].deterministic else SEEDS)
        ]
        labels = manifest[notion].tolist()
        found = each(
            map_at_r,
            [method for _, method, _ in tasks],
            [seed for *_, seed in tasks],
            [texts[where, notion] for where, *_ in tasks],
            [images[where] for where, *_ in tasks],
            [labels] * len(tasks),
            [dim] * len(tasks),
        )
        scores = pd.Series([*found], pd.MultiIndex.from_tuples(tasks, names=["on", "method", ""]))
        beside, on_cpu = (scores[where].groupby("method", sort=False).mean() for where in images)
        spread = scores["cpu"].groupby("method").std().fillna(0)
        rows.append({
            "notion": notion,
            "on the CPU": _told(on_cpu),
            f"on {device}": _told(beside),
            SWAPPED: ", ".join(_swapped(beside, on_cpu, spread)) or "none",
            "largest difference of means, points": f"{100 * (beside - on_cpu).abs().max():.3f}",
        })  # fmt: skip
    n_same = sum(row[SWAPPED] == "none" for row in rows)
    apart = np.abs(images[device] - images["cpu"]).max() / np.abs(images["cpu"]).max()
    return Found(
        f"the same for {n_same} of {len(notions)} notions; embeddings differ by up to {apart:.0e} "
        "of their largest value",
        f"{len(manifest):,} images of demo_cars with demo-M, r' = {dim}, means of MAP@R over "
        f"{SEEDS} seeds. The device embeds; methods are fitted and scored by the CPU. Two are told "
        "apart where their means on the CPU differ by more than both standard deviations together.",
        rows,
    )


def map_at_r(
    method: str, seed: int, texts: np.ndarray, images: np.ndarray, labels: list[str], dim: int
) -> float:
    """Of one fit to prompts."""
    settings: dict[str, Any] = {"dim": dim} if METHODS[method].has_dim else {}
    estimator = METHODS[method](**settings, random_state=seed).fit(texts)
    return compute_metrics(estimator.transform(images), labels, metrics=["map_at_r"])["map_at_r"]


def _told(scores: pd.Series) -> str:
    best = scores.sort_values(ascending=False, kind="stable")
    return " > ".join(f"{METHOD_NAMES[method]} {100 * score:.1f}" for method, score in best.items())


def _swapped(beside: pd.Series, on_cpu: pd.Series, spread: pd.Series) -> list[str]:
    """Pairs that fits on the CPU tell apart, and that are in another order beside it."""
    return [
        f"{METHOD_NAMES[one]} and {METHOD_NAMES[other]}"
        for one, other in combinations(on_cpu.index, 2)
        if abs(gap := on_cpu[one] - on_cpu[other]) > spread[one] + spread[other]
        and gap * (beside[one] - beside[other]) <= 0
    ]


def metrics(n: int, dim: int, n_classes: int) -> Found:
    """All seven metrics of Gaussian classes."""
    rank, cluster, memory = metrics_cost(n, n_classes, dim)
    return Found(
        f"{rank + cluster:.0f} s with {cores()} threads, {memory:.1f} GiB",
        f"{n_classes:,} Gaussian classes; ranked with {cores()} threads, clustered once with one. "
        "Metrics are computed in float64 by the CPU: the GPU is not used.",
        [
            {
                "vectors": f"{n:,} x {dim}",
                "ranking, s": f"{rank:.1f}",
                "clustering, s": f"{cluster:.1f}",
                "peak memory": f"{memory:.2f} GiB",
            }
        ],
    )


def grid(folder: Path, changes: Mapping[str, Any]) -> Found:
    """The paper's grid on stand-ins with one seed.

    Args:
        folder: to run it in; what was there before goes.
        changes: keys of the configuration that take the place of its own.
    """
    plan = prepare(folder, lambda values: values.update(seeds=[0], figures={}, **changes))
    wall = seconds(lambda: run_workflow(folder, CONFIGURATION, cores()))
    runs = pd.read_parquet(folder / plan.config.results / "metrics.parquet")
    return Found(
        f"one seed of {SEEDS} in {wall / 60:.1f} min, so all in at most {SEEDS * wall / 60:.0f}",
        f"configs/paper.yaml without figures on stand-in embeddings, with {cores()} cores. What is "
        f"measured is the part of one seed of {SEEDS}: seeds multiply fits and scores and nothing "
        f"else, so the whole takes at most {SEEDS} times as long. Fits and scores are the CPU's: "
        "the GPU is not used.",
        [{"runs": f"{len(runs):,}", "minutes": f"{wall / 60:.2f}"}],
    )


def _embedding() -> Found:
    clip = random_clip("ViT-L-14-quickgelu", "cuda")
    with TemporaryDirectory() as folder:
        # Each file eight times: time does not depend on what is on them.
        manifest = pd.concat([photographs(Path(folder), 256)] * 8, ignore_index=True)
        manifest[ID] = [str(number) for number in range(len(manifest))]
        decoders = [n for n in DECODERS if n <= cores()]
        return embedding(clip, manifest, Path(folder), 256, decoders, PAIRS)


def _ranking() -> Found:
    with ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn")) as pool:
        return ranking("cuda", demo_cars(), NOTIONS, RANKED, 16, pool.map)


def _metrics() -> Found:
    return metrics(100_000, 512, 1_000)


def _grid() -> Found:
    return grid(FOLDER, {})


PARTS = {
    "gpu_embedding": Part(
        "Embedding with ViT-L/14",
        f"{GOAL:.0%} of the forward pass on ready tensors",
        "a model of this size with random weights embeds 2,048 photographs from files, with 1, 2, "
        "4, ... processes that decode, beside its forward pass",
        150,
        _embedding,
    ),
    "gpu_ranking": Part(
        "Ranking of methods",
        "the same as on the CPU",
        f"{len(RANKED)} methods on {len(NOTIONS)} notions of demo_cars, with embeddings of the GPU "
        "and of the CPU",
        70,
        _ranking,
    ),
    "gpu_metrics": Part(
        "All metrics at 100,000 x 512",
        "",
        "the seven metrics of so many vectors, on the CPU beside the GPU",
        80,
        _metrics,
    ),
    "gpu_grid": Part(
        "The paper's grid on stand-ins",
        "within 15 minutes",
        f"the part of one seed of {SEEDS}, on the CPU beside the GPU",
        15 * 60 // SEEDS,
        _grid,
    ),
}


def measure_all() -> None:
    """Measure all parts and write what they find, or say what they would."""
    if torch.cuda.is_available():
        measure_parts(PARTS, RESULTS, HEAD)
        return
    print("There is no GPU here. With one, this measures and writes benchmarks/results-gpu.md:")
    for part in PARTS.values():
        print(f"- {part.title}: {part.what} ({part.seconds} s at most)")
