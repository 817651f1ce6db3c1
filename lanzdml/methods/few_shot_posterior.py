"""What prompts say of an image, and what some labelled images make of it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from lanzdml.methods.base import Floats, normalise
from lanzdml.methods.discriminants import check_shrinkage
from lanzdml.methods.labelled import Codes, SeesPromptsAndLabels, means_of
from lanzdml.methods.lda import linear_discriminants
from lanzdml.methods.prompt_posterior import check_logit_scale, posterior

_SHARES = (0.1, 0.2, 1 / 3, 0.5, 2 / 3, 0.8)
_REPEATS = 3  # of halving the labelled images
_QUERIES = 500  # of each half at most
_ERRORS = 2.0  # standard errors by which the words have to be beaten
_STEEPEST = 100.0  # of the cosines' weights


class FewShotPosterior(SeesPromptsAndLabels):
    """The posteriors of the prompts and of the labelled classes, side by side, as square roots.

    The words' half is ``sqrt_posterior``. The labels' half is a softmax over the classes. Its
    logits are two cosines with each class mean, weighted: one in the space of the words' half, in
    which a class is what its images make of the prompts, and one in the space of ``lda``'s
    discriminants. So labels tie words to classes, and prompts need not name these. The two weights
    are the most likely ones (multinomial logistic regression) on labelled images that the classes
    were not made of: those of one half, classes being made of the other, in three random halvings.

    How much the labels' half counts is chosen on the same images, by average precision at R among
    those of a half: the share whose mean gain over the words alone, less two standard errors, is
    the largest, and none where none is above zero, or no class has four images. Not in the paper.

    Args:
        logit_scale: the model's, its inverse temperature; OpenAI's CLIPs have 100.
        shrinkage: of the discriminants, see ``lda``.
        random_state: without effect: halves are the same for every seed.

    Attributes:
        prompts_: (n, r), of unit length.
        mean_: (r,), of ``lda``.
        axes_: (k, r), of ``lda``.
        in_words_: (c, n), the directions of the class means.
        in_images_: (c, k), the same of the images.
        weights_: (2,), of the cosines with these.
        share_: (1,), of the labels' half.
    """

    name = "few_shot_posterior"
    has_dim = False
    deterministic = True
    uses_logit_scale = True
    learned = ("prompts_", "mean_", "axes_", "in_words_", "in_images_", "weights_", "share_")

    def __init__(
        self, logit_scale: float = 100.0, *, shrinkage: float = 0.5, random_state: int = 0
    ) -> None:
        self.logit_scale = logit_scale
        self.shrinkage = shrinkage
        self.random_state = random_state

    def _fit_both(
        self, unit: NDArray[np.float32], images: NDArray[np.float32], codes: Codes
    ) -> None:
        self.prompts_ = unit
        words = self._words(images)
        classes = _Classes.of(words, images, codes, self.shrinkage)
        self.mean_, self.axes_, self.in_words_, self.in_images_ = classes
        weights, share = self._tried(words, images, codes)
        self.weights_ = weights.astype(np.float32)
        self.share_ = np.array([share], np.float32)

    def _tried(
        self, words: Floats, images: NDArray[np.float32], codes: Codes
    ) -> tuple[Floats, float]:
        """The weights of the cosines, and the share of the labels' half."""
        if np.bincount(codes).max() < 4:  # no two in both halves
            return np.zeros(2), 0.0
        rng = np.random.default_rng(0)
        halves = [half for _ in range(_REPEATS) for half in _halves(codes, rng)]
        tried = []
        for made_of, rest in halves:
            known, numbers = np.unique(codes[made_of], return_inverse=True)
            if len(known) < 2:
                continue
            classes = _Classes.of(words[made_of], images[made_of], numbers, self.shrinkage)
            rest = rest[:_QUERIES]
            tried.append((rest, known, classes.cosines(words[rest], images[rest])))
        weights = _most_likely(
            [_of_known(codes[rest], known, cosines) for rest, known, cosines in tried]
        )
        gains = np.full((len(codes), len(_SHARES), len(tried)), np.nan)
        for number, (rest, _, cosines) in enumerate(tried):
            by_words = words[rest] @ words[rest].T
            root = np.sqrt(softmax(cosines @ weights, axis=1))
            by_labels, own = root @ root.T, codes[rest]
            base = _map_at_r(by_words, own)
            for column, share in enumerate(_SHARES):
                mixed = (1 - share) * by_words + share * by_labels
                gains[rest, column, number] = _map_at_r(mixed, own) - base
        return weights, _best_share(gains)

    def _words(self, images: NDArray[np.float32]) -> Floats:
        return np.sqrt(posterior(images, self.prompts_, self.logit_scale))

    def _transform(self, images: NDArray[np.float32]) -> Floats:
        unit = normalise(images)
        words = self._words(unit)
        classes = _Classes(self.mean_, self.axes_, self.in_words_, self.in_images_)
        labels = softmax(classes.cosines(words, unit) @ self.weights_, axis=1)
        (share,) = self.share_
        return np.hstack([np.sqrt(1 - share) * words, np.sqrt(share * labels)])

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_logit_scale(self.logit_scale)
        check_shrinkage(self.shrinkage)


class _Classes(NamedTuple):
    """What labelled images say of classes; see the attributes of :class:`FewShotPosterior`."""

    mean: Floats
    axes: Floats
    in_words: Floats
    in_images: Floats

    @classmethod
    def of(
        cls, words: Floats, images: NDArray[np.float32], codes: Codes, shrinkage: float
    ) -> "_Classes":
        mean, axes = linear_discriminants(images, codes, shrinkage, images.shape[1])
        in_images = normalise((means_of(images, codes) - mean) @ axes.T)
        return cls(mean, axes, normalise(means_of(words, codes)), in_images)

    def cosines(self, words: Floats, images: NDArray[np.float32]) -> Floats:
        """Of images (m, r) with each class in both spaces: (m, c, 2)."""
        seen = normalise((images - self.mean) @ self.axes.T)
        return np.stack([words @ self.in_words.T, seen @ self.in_images.T], axis=-1)


def _halves(
    codes: Codes, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """A random half of each class and the others, and the other way round; in random order."""
    order = rng.permutation(len(codes))
    of_class = np.argsort(codes[order], kind="stable")
    starts = np.cumsum(np.bincount(codes)) - np.bincount(codes)
    place = np.empty(len(codes), np.intp)
    place[of_class] = np.arange(len(codes)) - starts[codes[order][of_class]]
    # Of odd classes the larger half is that of even numbers for half of them.
    first = (place + codes[order]) % 2 == 0
    yield order[first], order[~first]
    yield order[~first], order[first]


def _of_known(codes: Codes, known: Codes, cosines: Floats) -> tuple[Floats, Codes]:
    """The cosines (m, c, 2) of images (m,) of known classes (c,), and which of these is theirs."""
    seen = np.isin(codes, known)
    return cosines[seen], np.searchsorted(known, codes[seen])


def _most_likely(parts: list[tuple[Floats, Codes]]) -> Floats:
    """The weights (2,) of cosines (m, c, 2) under which classes (m,) are the most likely."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros(2)
        for cosines, codes in parts:
            log = log_softmax(cosines @ weights, axis=1)
            own = np.arange(len(codes)), codes
            total -= log[own].sum()
            slope -= cosines[own].sum(axis=0) - np.einsum("mc,mcw->w", np.exp(log), cosines)
        return total, slope

    found = minimize(loss, np.ones(2), jac=True, method="L-BFGS-B", bounds=[(0, _STEEPEST)] * 2)
    weights: Floats = found.x
    return weights


def _map_at_r(similarity: Floats, codes: Codes) -> Floats:
    """Average precision at R of each row (m,); NaN of one that is alone in its class."""
    similarity = similarity.copy()
    np.fill_diagonal(similarity, -np.inf)
    relevant = codes[np.argsort(-similarity, axis=1, kind="stable")] == codes[:, None]
    relevant[:, -1] = False  # itself
    n, place = relevant.sum(axis=1, keepdims=True), np.arange(1, len(codes) + 1)
    precision = np.cumsum(relevant, axis=1) / place * relevant * (place <= n)
    return np.where(n[:, 0] > 0, precision.sum(axis=1) / np.maximum(n[:, 0], 1), np.nan)


def _best_share(gains: Floats) -> float:
    """The share with the surest gain; 0 where none is sure.

    Args:
        gains: (m, shares, trials) of images over the words alone; NaN where one was not tried.
    """
    tried = np.isfinite(gains).any(axis=(1, 2))
    if tried.sum() < 2:
        return 0.0
    by_image = np.nanmean(gains[tried], axis=2)
    mean = by_image.mean(axis=0)
    error = by_image.std(axis=0, ddof=1) / np.sqrt(len(by_image))
    surest = mean - _ERRORS * error
    return _SHARES[int(surest.argmax())] if surest.max() > 0 else 0.0
