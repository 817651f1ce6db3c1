"""Which images agree: those that share a value of the notion.

An image has one label mostly, and then those of its class are relevant to it. It may have several
values, and then those that share any of them are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.arrays import as_array
from lanzdml.arithmetic.labels import as_labels, has_several, in_one_array, values_of
from lanzdml.errors import LanzdmlError


class MetricsInputError(LanzdmlError, ValueError):
    """The embeddings or labels cannot be evaluated; the message says which and why."""


@dataclass(frozen=True)
class Relevance:
    """Images in groups of the same values, and which groups share one.

    Attributes:
        groups: (n,), 0, 1, ...; the classes where no image has several values.
        values_of_group: of each group its values, as numbers; None where each group is one value.
        groups_with: of each value the groups that have it; None likewise.
    """

    groups: NDArray[np.intp]
    values_of_group: list[NDArray[np.intp]] | None = None
    groups_with: list[NDArray[np.intp]] | None = None

    @classmethod
    def of(cls, labels: Any) -> Relevance:
        """That of labels, as those of `lanzdml.metrics.scores.compute_metrics`.

        Raises:
            MetricsInputError: they are no labels, or some are null.
        """
        try:
            series = as_labels(labels)
        except (TypeError, ValueError) as error:
            raise MetricsInputError(str(error)) from None
        groups, of_groups = pd.factorize(series)
        null = groups < 0
        if null.any():
            raise MetricsInputError(
                f"{null.sum()} of {len(null)} labels are null, the first in row "
                f"{np.argmax(null)}; leave images without a label out"
            )
        if not has_several(series):
            return cls(groups)
        values = [values_of(label) for label in of_groups]
        sizes = [len(of_group) for of_group in values]
        numbers, _ = pd.factorize(in_one_array(chain(*values)))
        owners = np.repeat(np.arange(len(values)), sizes)
        by_value = np.argsort(numbers, kind="stable")
        return cls(
            groups,
            np.split(numbers, np.cumsum(sizes)[:-1]),
            np.split(owners[by_value], np.cumsum(np.bincount(numbers))[:-1]),
        )

    @cached_property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.groups.max()) + 1

    @property
    def is_single(self) -> bool:
        """Whether each image has one value, so that groups are classes."""
        return self.groups_with is None

    @property
    def n_values(self) -> int:
        """How many values there are: the classes."""
        return self.n_groups if self.groups_with is None else len(self.groups_with)

    def sharing(self, group: int) -> NDArray[np.bool_]:
        """Which groups share a value with one, itself among them: (groups,)."""
        shared = np.zeros(self.n_groups, bool)
        if self.groups_with is None or self.values_of_group is None:
            shared[group] = True
        else:
            for value in self.values_of_group[group]:
                shared[self.groups_with[value]] = True
        return shared

    def n_relevant(self, queries: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """How many references each image has that share a value with it.

        Args:
            queries: (n,), which images are queries to the others; each to all others unless given.

        Returns:
            (n,) of all images, or of the queries alone.
        """
        references = self.groups if queries is None else self.groups[~queries]
        sizes = np.bincount(references, minlength=self.n_groups)
        if self.is_single:
            of_group = sizes
        else:
            of_group = np.array([sizes[self.sharing(group)].sum() for group in range(len(sizes))])
        if queries is None:
            return of_group[self.groups] - 1
        return of_group[self.groups[queries]]


def as_queries(queries: Any, n: int) -> NDArray[np.bool_] | None:
    """Which of n images are queries to the others: (n,), or None for all to each other.

    Raises:
        MetricsInputError: it is not one truth value an image, or all or none are queries.
    """
    if queries is None:
        return None
    try:
        mask = as_array(queries)
    except (TypeError, ValueError) as error:
        raise MetricsInputError(
            f"queries must be {n} truth values, one an image: {error}"
        ) from None
    if mask.dtype != bool or mask.shape != (n,):
        raise MetricsInputError(
            f"queries must be {n} truth values, one an image, not {mask.dtype} of shape "
            f"{mask.shape}"
        )
    if mask.all() or not mask.any():
        raise MetricsInputError(
            f"{'all' if mask.any() else 'none'} of {n} images are queries; there have to be some "
            "of them, and some to be ranked"
        )
    return mask
