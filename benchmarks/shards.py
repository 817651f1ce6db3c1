"""Ranking in shards and clustering at a size that asks for them, and what they say of larger ones.

What counts are seconds of processors: those of the clock are more where others use them, too.
"""

import resource
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score
from threadpoolctl import threadpool_limits

from benchmarks.machine import in_a_process
from benchmarks.record import Record
from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.metrics.clusters import new_k_means
from lanzdml.metrics.ranked import rank_queries
from lanzdml.metrics.ranking import MOST_BLOCKS, validated
from lanzdml.plan.shards import ONE_SHARD

IMAGES, DIM, FEWER_DIMS, FEWER = 200_000, 512, 128, 100_000
OF_CLASS = 200  # images
SHARDS = 64  # of which one is ranked
CLUSTERS, BATCH = (1_000, 10_000), 10_000
PASSES = 25  # of k-means at the most
LARGER = (1_000_000, 10_000_000)


@dataclass(frozen=True)
class Ranking:
    """Seconds that a shard takes before its queries, those a query, and the most memory in GiB."""

    before: float
    a_query: float
    memory: float


@dataclass(frozen=True)
class Clustering:
    """Seconds of k-means, its passes over the images, AMI, and the most memory in GiB."""

    seconds: float
    passes: float
    ami: float
    memory: float


def measure() -> Record:
    sizes = [(IMAGES, DIM), (IMAGES, FEWER_DIMS), (FEWER, DIM)]
    ranked = {size: in_a_process(rank, *size) for size in sizes}
    kinds: list[tuple[int, int | None]] = [(CLUSTERS[0], None), *((k, BATCH) for k in CLUSTERS)]
    clustered = {kind: in_a_process(cluster, IMAGES, DIM, *kind) for kind in kinds}

    whole, small = ranked[IMAGES, DIM].a_query, ranked[IMAGES, FEWER_DIMS].a_query
    by_dim = (whole - small) / (DIM - FEWER_DIMS) / IMAGES
    beside = whole / IMAGES - by_dim * DIM
    full = clustered[CLUSTERS[0], None]
    by_pass = full.seconds / (IMAGES * CLUSTERS[0] * DIM * full.passes)
    rows = [
        {
            "work": f"ranking {n:,} x {dim}, shard 1 of {SHARDS}",
            "seconds": f"{cost.before:.0f} before its queries, "
            f"{1000 * cost.a_query:.2f} ms a query",
            "peak memory": f"{cost.memory:.1f} GiB",
            "AMI": "",
        }
        for (n, dim), cost in ranked.items()
    ]
    rows += [
        {
            "work": f"k-means of {IMAGES:,} x {DIM}, {k:,} clusters, "
            + ("all at once" if size is None else f"batches of {size:,}"),
            "seconds": f"{cost.seconds:.0f} in {cost.passes:.1f} passes",
            "peak memory": f"{cost.memory:.1f} GiB",
            "AMI": f"{cost.ami:.3f}",
        }
        for (k, size), cost in clustered.items()
    ]
    for n in LARGER:
        all_of_it = n**2 * (by_dim * DIM + beside)
        shards = min(round((n / ONE_SHARD) ** 2), MOST_BLOCKS)
        rows.append({
            "work": f"ranking {n:,} x {DIM}, extrapolated",
            "seconds": f"{all_of_it:.1e}, in {shards:,} shards {all_of_it / shards / 60:.0f} "
            "minutes each",
            "peak memory": "",
            "AMI": "",
        })  # fmt: skip
        rows += [
            {
                "work": f"k-means of {n:,} x {DIM}, {k:,} clusters, all at once, extrapolated",
                "seconds": f"{by_pass * n * k * DIM * PASSES / 3600:.1f} hours in {PASSES} passes",
                "peak memory": "",
                "AMI": "",
            }
            for k in CLUSTERS
        ]
    total = IMAGES * whole
    return Record(
        title="Shards",
        goal="",
        result=f"{IMAGES:,} x {DIM}: {total / 60:.0f} minutes in all, a fourth of it a shard; "
        f"seconds = n² ({by_dim:.1e} d + {beside:.1e}), so a million are "
        f"{1e12 * (by_dim * DIM + beside) / 3600:.0f} hours in 100 shards",
        text=f"Gaussian classes of {OF_CLASS} images, and those of k-means as many as it has "
        "clusters; one thread. Seconds are those of the processor. A shard ranks by all metrics "
        "and on draws of the images; before its queries vectors are made float64 and sorted, and "
        "images drawn. k-means passes over the images 25 times at the most. What is extrapolated "
        "is so by n², and by the images times clusters of the measured one.",
        rows=rows,
    )


def vectors_of(n: int, dim: int, n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Vectors (n, dim) of classes of the same size, and these."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % n_classes)
    vectors = rng.standard_normal((n, dim), np.float32)
    return vectors + rng.standard_normal((n_classes, dim), np.float32)[labels] / 2, labels


def rank(n: int, dim: int) -> Ranking:
    vectors, labels = vectors_of(n, dim, n // OF_CLASS)
    start = time.process_time()
    rank_queries(vectors, labels, shard=(1, MOST_BLOCKS + 1))  # which has none
    before = time.process_time() - start
    start = time.process_time()
    ranked = rank_queries(vectors, labels, shard=(1, SHARDS))
    queries = time.process_time() - start - before
    return Ranking(before, queries / len(ranked.rows), _peak_memory())


def cluster(n: int, dim: int, n_clusters: int, batch_size: int | None) -> Clustering:
    points, relevance = validated(*vectors_of(n, dim, n_clusters), "cosine")
    k_means = new_k_means(n_clusters, 0, batch_size)
    start = time.process_time()
    with one_blas_thread(), threadpool_limits(1, user_api="openmp"):
        clusters = k_means.fit_predict(points)
    seconds = time.process_time() - start
    passes = k_means.n_iter_ if batch_size is None else k_means.n_steps_ * batch_size / n
    ami = adjusted_mutual_info_score(relevance.groups, clusters)
    return Clustering(seconds, passes, ami, _peak_memory())


def _peak_memory() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
