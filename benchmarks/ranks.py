"""How often intervals of ranks miss, and how many finds are false, where the true order is known.

Eight methods see the same images: some coordinates that all have, and some of their own, in which
the classes lie the same way but nearer together the worse a method is. So methods of one quality
are equal in truth, and the order of others is known. Chance in fitting is a linear map about the
identity, another one for each seed. Takes about ten minutes of one core.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.record import Record
from lanzdml.metrics.resampling import FEWEST_DRAWS, resampled_scores
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.metrics.scores import mean_scores, query_scores
from lanzdml.names import METRIC_NAMES
from lanzdml.significance.ranks import false_discovery, rank_intervals
from lanzdml.significance.statistics import (
    LEVEL,
    Measured,
    StandardError,
    holm,
    interval,
    kinds_of_chance,
    p_value,
    smallest_difference,
)

QUALITIES = {
    "all equal": np.ones(8),
    "some equal": np.array([1, 1, 1, 0.8, 0.8, 0.6, 0.6, 0.4]),
    "nearly equal": np.linspace(1, 0.9, 8),
}
N_SAMPLES, N_IMAGES, N_CLASSES, N_SEEDS = 200, 200, 10, 5
COMMON, OWN, CHANCE = 8, 4, 0.15
ANY, EACH, PERCENTILES, WIDTH = "any misses", "one misses", "percentiles: one misses", "width"
FALSE, FALSE_UNCORRECTED = "false finds, FDR", "false finds, one by one"
FOUND = "the smallest is found"


def measure(n_samples: int = N_SAMPLES) -> Record:
    """Misses of rank intervals, and false discoveries, in percent.

    Args:
        n_samples: of each case without chance in fitting, and twice those of one with it.
    """
    found = pd.concat(
        [
            pd.DataFrame(_judged(qualities, n_fits, n)).assign(truth=name, seeds=n_fits)
            for name, qualities in QUALITIES.items()
            for n_fits, n in ((1, n_samples), (N_SEEDS, n_samples // 2))
        ],
        ignore_index=True,
    )
    means = found.groupby(["truth", "seeds", "metric"], sort=False).mean().reset_index()
    return Record(
        title="Ranks",
        goal="of 95 % intervals of ranks one or more miss in 7 % of the samples or less, and 7 % "
        "or less of what is found at a false discovery rate of 5 % is false",
        result=f"one or more miss in at most {100 * means[ANY].max():.1f} %, and at most "
        f"{100 * means[FALSE].max():.1f} % is false; percentiles of ranks over the draws miss up "
        f"to {100 * means[PERCENTILES].max():.0f} % one by one",
        text=f"{n_samples} samples of {N_IMAGES} constructed images of {N_CLASSES} classes, scored "
        "by eight methods with one fit and no chance in it, and half as many samples with "
        f"{N_SEEDS} fits. In percent: of samples in which any rank interval of the eight misses, "
        "of intervals that do, of percentiles of ranks over draws of images and seeds that do "
        "(equal methods have no rank that these could hold), of what is found (a sample without a "
        "find counts as 0), and of pairs of equal methods whose interval leaves 0 out once one of "
        "them is moved up by the smallest difference, which should be 80. Widths are means of "
        "highest less lowest rank.",
        rows=[_row(row) for _, row in means.iterrows()],
    )


def _row(row: pd.Series) -> dict[str, str]:
    cells = {name: str(row[name]) for name in ("truth", "seeds")}
    cells["metric"] = METRIC_NAMES[row["metric"]]
    for name in (ANY, EACH, PERCENTILES, FALSE, FALSE_UNCORRECTED, FOUND):
        cells[name] = "" if pd.isna(row[name]) else f"{100 * row[name]:.1f}"
    return cells | {WIDTH: f"{row[WIDTH]:.1f}"}


def _judged(
    qualities: NDArray[np.float64], n_fits: int, n_samples: int
) -> Iterator[dict[str, float | str]]:
    """The outcomes of each sample and metric."""
    better = qualities[:, None] < qualities  # whether the method of the column is
    true_low, true_high = 1 + better.sum(axis=1), len(qualities) - better.sum(axis=0)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((2, N_CLASSES, COMMON))
    pairs = list(combinations(range(len(qualities)), 2))
    for _ in range(n_samples):
        means, draws = _scores(qualities, n_fits, centres, rng)
        for j, metric in enumerate(PER_QUERY):
            measured = [
                Measured(of.mean(), drawn.mean(axis=0), _fit_error(of))
                for of, drawn in zip(means[:, :, j], draws[:, :, j], strict=True)
            ]
            difference = np.zeros(better.shape)
            p: list[float] = []
            found: list[bool] = []
            for a, b in pairs:
                value = measured[a].mean - measured[b].mean
                difference[a, b], difference[b, a] = value, -value
                errors = kinds_of_chance(measured[a], measured[b], N_IMAGES)
                bound, _, df = interval(value, errors)
                se = float(np.sqrt(sum(error.value**2 for error in errors)))
                p.append(p_value(value, se, df, N_IMAGES))
                if qualities[a] == qualities[b]:
                    # A true difference of the smallest size moves the interval by as much.
                    found.append(bound + smallest_difference(se, df) > 0)
            apart = np.zeros(better.shape, bool)
            apart[tuple(np.transpose(pairs))] = holm(p) <= 1 - LEVEL
            _, low, high = rank_intervals(difference, apart | apart.T)
            missed = (low > true_low) | (high < true_high)
            false = [
                qualities[a] == qualities[b] or (difference[a, b] > 0) == better[a, b]
                for a, b in pairs
            ]
            distinct = not (qualities[:, None] == qualities)[np.triu_indices(len(better), 1)].any()
            lowest, highest = _percentiles(draws[:, :, j], rng)
            outside = (lowest > true_low) | (highest < true_high)
            yield {
                "metric": metric,
                ANY: missed.any(),
                EACH: missed.mean(),
                PERCENTILES: outside.mean() if distinct else np.nan,
                WIDTH: (high - low).mean(),
                FALSE: _false_share(false, false_discovery(p)),
                FALSE_UNCORRECTED: _false_share(false, np.array(p)),
                FOUND: float(np.mean(found)) if found else np.nan,
            }


def _scores(
    qualities: NDArray[np.float64], n_fits: int, centres: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """In percent (methods, fits, metrics), and (methods, fits, metrics, draws) of new images."""
    labels = rng.integers(N_CLASSES, size=N_IMAGES)
    common = centres[0, labels] + rng.standard_normal((N_IMAGES, COMMON))
    means, draws = [], []
    for quality in qualities:
        own = quality * centres[1, labels, :OWN] + rng.standard_normal((N_IMAGES, OWN))
        images = np.hstack([common, own])
        for _ in range(n_fits):
            chance = CHANCE * rng.standard_normal((COMMON + OWN, COMMON + OWN))
            vectors = images if n_fits == 1 else images + images @ chance
            scores = mean_scores(query_scores(vectors, labels))
            drawn = resampled_scores(vectors, labels, n_draws=FEWEST_DRAWS)
            means.append([100 * scores[name] for name in PER_QUERY])
            draws.append([100 * drawn[name] for name in PER_QUERY])
    shape = len(qualities), n_fits, len(PER_QUERY)
    return np.reshape(means, shape), np.reshape(draws, (*shape, -1))


def _fit_error(scores: NDArray[np.float64]) -> StandardError | None:
    m = len(scores)
    return StandardError(scores.std(ddof=1) / np.sqrt(m), m - 1) if m > 1 else None


def _percentiles(
    draws: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of ranks over draws of the images, each with seeds that are drawn as well."""
    n_methods, n_fits, n_draws = draws.shape
    seeds = rng.integers(n_fits, size=(n_methods, n_fits, n_draws))
    scores = np.take_along_axis(draws, seeds, axis=1).mean(axis=1)
    ranks = rankdata(-scores, axis=0)
    low, high = np.quantile(ranks, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return low, high


def _false_share(false: list[bool], p: NDArray[np.float64]) -> float:
    """Of what is found at the level, 0 where nothing is."""
    found = p <= 1 - LEVEL
    return float(np.mean(np.array(false)[found])) if found.any() else 0.0
