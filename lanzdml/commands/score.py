"""``lanzdml score``: metrics of labelled vectors, with what other images leave open."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.metrics.chance import ADJUSTED, chance_of
from lanzdml.metrics.clusters import SILHOUETTE, cluster_metrics, silhouette
from lanzdml.metrics.ranked import scores_and_draws
from lanzdml.metrics.recalls import RECALLS
from lanzdml.metrics.relevance import Relevance
from lanzdml.metrics.resampling import RESAMPLED
from lanzdml.metrics.scores import METRICS, in_order, mean_scores
from lanzdml.significance.statistics import LEAST_QUERIES, StandardError, interval, resampled_means

IMAGES, QUERIES = "other images", "other queries, these references"
CLUSTERS, NONE = "none for clusters", "none"
NO_CLASSES = "not defined, as images have several values"
FEW = f"none for fewer than {LEAST_QUERIES} queries"
COLUMNS = ("metric", "value", "chance", "low", "high", "interval")


def score(
    vectors: NDArray[np.float32],
    labels: pd.Series,
    *,
    queries: NDArray[np.bool_] | None = None,
    metrics: Sequence[str] = (),
    seed: int = 0,
    kmeans_repeats: int = 1,
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> pd.DataFrame:
    """The seven metrics and others, a row each (:data:`COLUMNS`).

    ``chance`` is what images in a random order have in expectation
    (:func:`lanzdml.metrics.chance.chance_of`), 0 of AMI and ARI, and missing of others that no
    ranks make. ``low`` to ``high`` is a 95 % interval for what ``interval`` says: by draws of
    images, each a query and a reference to the others, for MAP@R and Prec@1; by draws of queries
    for other metrics of ranks, where it is too narrow, as queries share their references; none for
    clusters and the silhouette, and for fewer than 30 queries. Where images have several values
    clusters and silhouette have nothing to agree with, and are missing.

    Args:
        vectors: (n, d).
        labels: (n,), none of them null; or sets of values.
        queries: (n,), which images are queries to the others; each to all others unless given.
        metrics: beside the seven, of :data:`lanzdml.metrics.scores.MORE_METRICS`.
        seed: of k-means and of the draws of queries.
        kmeans_repeats: how many starts of k-means are averaged.
        n_threads: that rank queries; the result is the same for any number.
        progress: called with how many more images are ranked.

    Raises:
        MetricsInputError: as of :func:`lanzdml.metrics.compute_metrics`.
    """
    names = in_order((*METRICS, *metrics))
    recalls = [name for name in names if name in RECALLS]
    ranked = scores_and_draws(
        vectors, labels, queries=queries, recalls=recalls, n_threads=n_threads, progress=progress
    )
    scores, drawn = ranked.queries, ranked.draws
    values = mean_scores(scores)
    values |= cluster_metrics(vectors, labels, seed=seed, metrics=names, repeats=kmeans_repeats)
    if SILHOUETTE in names:
        values[SILHOUETTE] = silhouette(vectors, labels)
    is_query = ~np.isnan(scores["map_at_r"])
    n_queries = int(is_query.sum())
    several = not Relevance.of(labels).is_single
    without = dict.fromkeys(scores, FEW) | ({} if several else {SILHOUETTE: NONE})
    of_others = NO_CLASSES if several else CLUSTERS
    rows = {name: (values[name], np.nan, np.nan, without.get(name, of_others)) for name in names}
    if n_queries >= LEAST_QUERIES:
        for name in RESAMPLED:
            error = StandardError(
                float(drawn[name].std(ddof=1)), min(n_queries, len(drawn[name])) - 1
            )
            low, high, _ = interval(values[name], [error])
            rows[name] = (values[name], max(low, 0.0), min(high, 1.0), IMAGES)
        others = [name for name in scores if name not in RESAMPLED]
        means = resampled_means(np.stack([scores[name][is_query] for name in others], 1), seed)
        for name, (low, high) in zip(
            others, np.quantile(means, [0.025, 0.975], axis=0).T, strict=True
        ):
            rows[name] = (values[name], low, high, QUERIES)
    by_chance = chance_of(labels, queries, recalls)
    by_chance |= {} if several else dict.fromkeys(ADJUSTED, 0.0)
    return pd.DataFrame(
        [(name, value, by_chance.get(name, np.nan), *row) for name, (value, *row) in rows.items()],
        columns=list(COLUMNS),
    )
