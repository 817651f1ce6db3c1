"""``lanzdml compare``: the same labelled images by two kinds of vectors, query by query."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.metrics.ranked import scores_and_draws
from lanzdml.metrics.resampling import RESAMPLED
from lanzdml.metrics.scores import mean_scores
from lanzdml.significance.statistics import (
    LEAST_DIFFERING,
    LEAST_QUERIES,
    Measured,
    interval,
    kinds_of_chance,
)

COLUMNS = ("metric", "first", "second", "difference", "low", "high", "decided", "better", "worse")


def compare(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    labels: pd.Series,
    *,
    queries: NDArray[np.bool_] | None = None,
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> pd.DataFrame:
    """First minus second by the metrics of `RESAMPLED`, a row each (:data:`COLUMNS`).

    ``low`` to ``high`` is the 95 % interval that other images leave open, from draws that are the
    same for both, and ``decided`` whether it leaves 0 out; ``better`` and ``worse`` on how many
    queries the first is. There is no interval for fewer than 30 queries, and none where fewer than
    six of them differ.

    Args:
        first, second: (n, d) and (n, e), of the same images.
        labels: (n,), none of them null; or sets of values.
        queries: (n,), which images are queries to the others; each to all others unless given.
        n_threads: that rank queries; the result is the same for any number.
        progress: called with how many more images are ranked, of both.

    Raises:
        MetricsInputError: as of :func:`lanzdml.metrics.compute_metrics`.
    """
    ranked = [
        scores_and_draws(vectors, labels, queries=queries, n_threads=n_threads, progress=progress)
        for vectors in (first, second)
    ]
    scores, drawn = [each.queries for each in ranked], [each.draws for each in ranked]
    means = [mean_scores(each) for each in scores]
    rows = []
    for name in RESAMPLED:
        by_query = scores[0][name] - scores[1][name]
        by_query = by_query[~np.isnan(by_query)]
        difference = means[0][name] - means[1][name]
        low = high = np.nan
        if len(by_query) >= LEAST_QUERIES and np.count_nonzero(by_query) >= LEAST_DIFFERING:
            a, b = (
                Measured(mean[name], of[name], None) for mean, of in zip(means, drawn, strict=True)
            )
            low, high, _ = interval(difference, kinds_of_chance(a, b, len(by_query)))
        rows.append((
            name, means[0][name], means[1][name], difference, low, high, low > 0 or high < 0,
            int((by_query > 0).sum()), int((by_query < 0).sum()),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
