"""What the tasks of fits, scores and measurements take, each by itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lanzdml.datasets.labels import LabelColumns
from lanzdml.embeddings.prompts import ENSEMBLE, OWN
from lanzdml.estimate.rates import Rates, parameters_of
from lanzdml.estimate.sizes import Sizes, in_all
from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim
from lanzdml.methods.needs import IMAGES, LABELS, PROMPTS
from lanzdml.metrics.clusters import SILHOUETTE
from lanzdml.metrics.resampling import FEWEST_DRAWS
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan.runs import Fit, Run

FLOAT = 4  # bytes
_RULES = 6  # that choose r' without labels
_OF_FILE = 15_000  # bytes of a small one of ours
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Effort:
    """What a piece of work takes.

    Attributes:
        seconds: of a core of the machine of :mod:`lanzdml.estimate.rates`.
        data: bytes that it holds beside what its process is.
        disk: bytes that it writes.
    """

    seconds: float = 0
    data: float = 0
    disk: float = 0

    def __add__(self, other: "Effort") -> "Effort":
        """One after the other: both are done, and the larger is held."""
        seconds, disk = self.seconds + other.seconds, self.disk + other.disk
        return Effort(seconds, max(self.data, other.data), disk)


class Work:
    """Sizes and rates put together.

    Args:
        sizes: of the data.
        rates: what single things take.
    """

    def __init__(self, sizes: Sizes, rates: Rates) -> None:
        self.sizes, self.rates = sizes, rates
        self._of_experiments: dict[str, Callable[[MeasureTask], float]] = {
            "specificity": self._specificity,
            "unseen": self._unseen,
            "wording": self._wording,
            "label_worth": self._label_worth,
            "dim_choice": self._dim_choice,
        }

    # Fits

    def fit(self, fit: Fit, labels: LabelColumns | None, *, is_stack: bool = False) -> Effort:
        """A fit, or a stack of fits that are there; ``labels`` where it sees any."""
        width = self.sizes.width(fit.model)
        n_prompts = fit.n_prompts or self.sizes.n_prompts(fit.dataset, fit.notion)
        dim = self.sizes.dim(fit.dim, width, n_prompts)
        classes = self.sizes.classes(fit.dataset, labels) if labels else _NONE
        disk = _OF_FILE / 5 + FLOAT * self._learned(fit.method, dim, width, len(classes))
        if is_stack:
            return Effort(self.rates.single["run"], 0, 2 * disk)
        sees = METHODS[fit.method].needs
        n = in_all(classes) if PROMPTS not in sees else n_prompts
        data = 10 * FLOAT * n * width
        if sees != (PROMPTS,):
            data = max(data, 4 * FLOAT * self.sizes.n_images(fit.dataset) * width)
        n_images = in_all(classes) if labels else self.sizes.n_images(fit.dataset)
        seconds = self._fitted(fit.method, dim, width, n, n_images, len(classes))
        return Effort(seconds + self.rates.single["run"] / 4, data, disk)

    def _fitted(
        self, method: str, dim: int, width: int, n: int, n_images: int, n_classes: int = 0
    ) -> float:
        """A fit to n prompts or images, beside so many images where it sees these, too."""
        if METHODS[method].cost or method in self.rates.iteration:
            return self.rates.trained(method, dim, width, n, n_classes)
        sees_images = {IMAGES, LABELS} & {*METHODS[method].needs}
        return self.rates.quick(method, n_images if sees_images else None)

    @staticmethod
    def _learned(method: str, dim: int, width: int, n_classes: int) -> int:
        """Numbers that are stored."""
        if not METHODS[method].learned:
            return 0
        if method == "ae":
            return parameters_of(method, dim, width) // 2
        return (dim if METHODS[method].has_dim else max(dim, n_classes)) * width

    # Scores

    def score(self, run: Run, task: ScoreTask) -> tuple[Effort, Effort, Effort]:
        """A run that is scored, with the evidence where it is one of the tables'.

        Returns:
            to rank, to cluster, and the rest.
        """
        fit, is_main = run.fit, task.evidence is not None
        classes = self.sizes.classes(fit.dataset, task.labels)
        n, width = in_all(classes), self.sizes.width(fit.model)
        dim = self._width_of(fit.method, fit.dim, fit.dataset, fit.notion, width)
        n_queries, n_references = float(n), float(n)
        if task.queries is not None and task.queries.share:
            n_queries = task.queries.share * n
            n_references = n - n_queries
        starts = len(task.seeds)
        if is_main and len(task.siblings) > 1:  # by its own seed, and crossed with the first fit's
            starts += 2
        data = FLOAT * n * (3 * width + 4 * dim)
        ranking = self.rates.ranked(n_queries, dim, n_references)
        if is_main:
            ranking += self.rates.drawn(classes) * n_queries / max(n, 1)
        clustering = starts * task.kmeans_repeats * self.rates.clustered(n, len(classes))
        if task.kmeans_batch_size is not None:
            self.sizes.assume("k-means in batches takes as long as of all images at once")
        if SILHOUETTE in task.metrics:  # distances of all to all
            clustering += self.rates.ranked(n, dim)
        rest = self.rates.transformed(fit.method, n) + self.rates.single["run"] * (1 + is_main)
        disk = 2 * _OF_FILE + (is_main * (3 * _OF_FILE + 5 * n_queries))
        return Effort(ranking, data), Effort(clustering, data), Effort(rest, data, disk)

    def _width_of(self, method: str, dim: Dim | None, dataset: str, notion: str, width: int) -> int:
        """Components of a method's vectors; of finished ones nobody knows them yet."""
        if method in METHODS and METHODS[method].has_dim:
            return self.sizes.dim(dim, width, self.sizes.n_prompts(dataset, notion))
        return width

    # Measurements

    def measure(self, task: MeasureTask) -> Effort:
        """What an experiment measures; of one that is not known here a fit and a score a seed."""
        measure = self._of_experiments.get(task.experiment, self._any)
        n, width = self._n(task), self.sizes.width(task.run["model"])
        seconds = self.rates.single["run"] + measure(task)
        return Effort(seconds, FLOAT * n * 7 * width, _OF_FILE)

    def _any(self, task: MeasureTask) -> float:
        return len(task.seeds) * (self._fit_of(task) + self._rank_of(task))

    def _specificity(self, task: MeasureTask) -> float:
        return len(task.seeds) * len(task.labels) * self._rank_of(task)

    def _unseen(self, task: MeasureTask) -> float:
        share = task.settings["share"]
        of_one = self._fit_of(task, share=1 - share) + 2 * self._rank_of(task, share)
        return task.settings["splits"] * of_one

    def _wording(self, task: MeasureTask) -> float:
        method, settings, needs = (
            task.run["method"],
            task.settings,
            METHODS[task.run["method"]].needs,
        )
        fit, rank = self._fit_of(task), self._rank_of(task)
        compared = task.wording != ENSEMBLE and not task.supervised
        draws = self.rates.drawn(self._classes(task), FEWEST_DRAWS) if compared else 0
        total = len(task.seeds) * ((0 if task.transforms else fit) + rank + draws)
        if PROMPTS not in needs or task.wording not in (None, OWN):
            return total
        of_turned = settings["turned"]
        if (not METHODS[method].cost) if of_turned is None else method in of_turned:
            total += settings["draws"] * len(settings["angles"]) * (fit + rank)
        if method in (settings["influence"] or ()):
            n_prompts = self.sizes.n_prompts(task.run["dataset"], task.run["notion"])
            total += n_prompts * (fit + rank) + min(n_prompts, 10) * (fit + rank + draws)
        return total

    def _label_worth(self, task: MeasureTask) -> float:
        draws, labels = task.settings["draws"], task.settings["labels"]
        if task.transforms:
            return 0 if task.supervised else draws * self._rank_of(task)
        n_classes = len(self._classes(task))
        fits = sum(self._fit_of(task, n_labelled=k * n_classes) for k in labels)
        return draws * (fits + len(labels) * self._rank_of(task))

    def _dim_choice(self, task: MeasureTask) -> float:
        width = self.sizes.width(task.run["model"])
        dims = [self.sizes.dim(dim, width, width) for dim in task.settings["dims"]]
        dims = [dim for dim in dims if dim <= width] + [16] * _RULES
        each = (self._fit_of(task, dim=dim) + self._rank_of(task, dim=dim) for dim in dims)
        return len(task.seeds) * sum(each)

    def _fit_of(
        self, task: MeasureTask, *, share: float = 1, n_labelled: int | None = None,
        dim: int | None = None,
    ) -> float:  # fmt: skip
        method, run = task.run["method"], task.run
        if method not in METHODS:
            return 0
        width = self.sizes.width(run["model"])
        n = self.sizes.n_prompts(run["dataset"], run["notion"])
        if dim is None:
            dim = self.sizes.dim(task.dim, width, n)
        n_classes, n_images = 0, self.sizes.n_images(run["dataset"])
        if LABELS in METHODS[method].needs:
            classes = self._classes(task)
            n_images = n_labelled or in_all(classes)
            n = n if PROMPTS in METHODS[method].needs else n_images
            n_classes = len(classes)
        n = max(1, round(share * n))
        return self._fitted(method, dim, width, n, round(share * n_images), n_classes)

    def _rank_of(self, task: MeasureTask, share: float = 1, dim: int | None = None) -> float:
        run, n = task.run, share * self._n(task)
        width = self.sizes.width(run["model"])
        if dim is None and run["method"] in METHODS:
            dim = self._width_of(run["method"], task.dim, run["dataset"], run["notion"], width)
        transformed = self.rates.transformed(run["method"], round(n))
        return transformed + self.rates.ranked(n, dim or width)

    def _classes(self, task: MeasureTask) -> NDArray[np.int64]:
        return self.sizes.classes(task.run["dataset"], task.labels[task.run["notion"]])

    def _n(self, task: MeasureTask) -> int:
        return in_all(self._classes(task))
