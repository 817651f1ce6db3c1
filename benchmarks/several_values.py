"""Rank metrics of images with several values, beside images with one, on the same vectors."""

from functools import partial

import numpy as np

from benchmarks.record import Record
from benchmarks.timing import paired
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.scores import rank_metrics

N, DIM, PAIRS = 10_000, 512, 5
# Of how many values an image has how many, at least and at most; and classes in their place.
CASES = ((15, 1, 3, 6), (50, 1, 3, 20), (100, 3, 3, 11))


def measure() -> Record:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((N, DIM)).astype(np.float32)
    rows, results = [], []
    for n_values, least, most, n_classes in CASES:
        sizes = rng.integers(least, most + 1, N)
        several = [frozenset(rng.choice(n_values, size, replace=False).tolist()) for size in sizes]
        one = rng.integers(0, n_classes, N)
        relevances = Relevance.of(several), Relevance.of(one)
        both = paired(
            partial(rank_metrics, vectors, one), partial(rank_metrics, vectors, several), PAIRS
        )
        right = [f"{relevance.n_relevant().mean():,.0f}" for relevance in relevances]
        rows.append({
            "values an image": f"{least} to {most} of {n_values}" if least < most
            else f"{most} of {n_values}",
            "different sets": f"{relevances[0].n_groups:,}",
            "relevant to a query": right[0],
            "with one value": right[1],
            "several, s": f"{np.median(both.theirs):.1f}",
            "one, s": f"{np.median(both.ours):.1f}",
            "ratio": str(both),
        })  # fmt: skip
        results.append(f"{both.ratio:.1f}x with {relevances[0].n_groups:,} different sets")
    return Record(
        title="Labels of several values",
        goal=f"at most twice the time of single labels at {N:,} x {DIM}",
        result="; ".join(results),
        text=f"Rank metrics of {N:,} random vectors of {DIM} components with several values an "
        "image, and with one, where about as many images are relevant to a query; one thread each; "
        f"medians and ranges of {PAIRS} pairs.",
        rows=rows,
    )
