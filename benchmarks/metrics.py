"""All seven metrics of a run, against pytorch-metric-learning's ``AccuracyCalculator``.

The calculator is given what it is made for: faiss for neighbours and clusters, on all cores.
"""

from functools import partial

import numpy as np
import torch
import yaml
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.standins import StandInModel, labels_at_paper_sizes
from benchmarks.timing import paired
from lanzdml import RandomTransform
from lanzdml.config.config import parse_config
from lanzdml.metrics.scores import compute_metrics
from lanzdml.sources import ROOT

CASES = (
    ("cars196", "car_model"),
    ("cars196", "car_type"),
    ("movie_posters", "production_country"),
)
NAMES = {
    "map_at_r": "mean_average_precision_at_r",
    "precision_at_1": "precision_at_1",
    "r_precision": "r_precision",
    "ami": "AMI",
    "nmi": "NMI",
    "map": "mean_average_precision",
    "mrr": "mean_reciprocal_rank",
}
CLUSTERED = ("ami", "nmi")
PAIRS = 5


def measure() -> Record:
    calculator = AccuracyCalculator(include=tuple(NAMES.values()), device=torch.device("cpu"))
    n_threads = cores()
    rows, results = [], []
    for dataset, notion in CASES:
        vectors, codes = case(dataset, notion)
        tensors = torch.from_numpy(vectors), torch.from_numpy(codes)

        ours = partial(compute_metrics, vectors, codes, n_threads=n_threads)
        theirs = partial(calculator.get_accuracy, *tensors)
        # They warm up, and are to mean the same; clusters start from other random images.
        values, expected = ours(), theirs()
        difference = max(
            abs(values[name] - expected[other])
            for name, other in NAMES.items()
            if name not in CLUSTERED
        )
        both = paired(ours, theirs, PAIRS)
        one = paired(partial(ours, n_threads=1), theirs, PAIRS)
        sizes = np.bincount(codes)
        rows.append({
            "dataset": f"{len(codes):,} x {vectors.shape[1]}",
            "classes (largest)": f"{len(sizes)} ({sizes.max():,})",
            "ours, s": f"{np.median(both.ours):.2f}",
            "AccuracyCalculator, s": f"{np.median(both.theirs):.1f}",
            "ratio": str(both),
            "ratio, ours on one thread": str(one),
            "largest difference": f"{difference:.0e}",
        })  # fmt: skip
        results.append(f"{both.ratio:.0f}x with {len(sizes)} classes")
    return Record(
        title="All seven metrics of one run",
        goal="against AccuracyCalculator: 20x with 98 classes, 10x with 7, 10x with 69",
        result="; ".join(results),
        text=f"Vectors of stand-ins, {n_threads} threads each; medians and ranges of {PAIRS} "
        "pairs. The calculator finds neighbours and clusters with faiss. The largest difference is "
        "that of the five rank metrics; clusters start from random images, other ones in each.",
        rows=rows,
    )


def case(dataset: str, notion: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, 128) of a dataset's stand-ins, and the classes 0, 1, ... of a notion."""
    values = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    labels = labels_at_paper_sizes(dataset, parse_config(values))
    images = StandInModel("ViT-B-32", 512).images([str(i) for i in range(len(labels))], labels)
    vectors = RandomTransform(128).fit(images[:1]).transform(images)
    return vectors, np.unique(labels[notion], return_inverse=True)[1]
