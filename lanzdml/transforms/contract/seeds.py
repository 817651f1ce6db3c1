"""That a fit is made of its data, parameters and seed, and of nothing else."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from lanzdml.transforms.contract.subject import (
    DATA,
    OTHER,
    BrokenPromise,
    Data,
    Subject,
    differ,
    difference,
    vectors,
)

_DRAW = "draw numbers from np.random.default_rng(self.random_state)"


def same_seed_same_fit(subject: Subject) -> None:
    """Two fits with the same random_state are bit for bit the same."""
    one, other = (subject.result(subject.fitted()) for _ in range(2))
    if words := difference(one, other):
        raise BrokenPromise(f"two fits with random_state=0 give {words}; {_DRAW}")


def another_seed_differs_unless_deterministic(subject: Subject) -> None:
    """Another random_state gives other vectors, unless the class says that it is deterministic."""
    # Some are random only where there is much, as PCA's solver is.
    large = Data(vectors(140, 510), vectors(140, 510, seed=1), np.arange(140) % 3)
    same = True
    for data in (DATA, large):
        one, other = (
            subject.transform(
                subject.fit(subject.make(random_state=seed, max_iter=2), data), data.images
            )
            for seed in (0, 1)
        )
        same = same and np.array_equal(one, other)
    if subject.cls.deterministic and not same:
        raise BrokenPromise(
            "deterministic is True, but another random_state gives other vectors: leave it out, or "
            "only the first seed is fitted"
        )
    if not subject.cls.deterministic and same:
        raise BrokenPromise(
            "another random_state gives the same vectors: say deterministic = True if nothing is "
            f"drawn, so that it is fitted once, or {_DRAW}"
        )


def other_fits_do_not_matter(subject: Subject) -> None:
    """A fit is the same whichever others are made before it, or beside it in other threads."""
    first = subject.result(subject.fitted(random_state=0))
    with ThreadPoolExecutor(3) as pool:
        beside = [*pool.map(lambda seed: subject.fitted(random_state=seed), (2, 0, 1))]
    for when, other in (("beside", beside[1]), ("after", subject.fitted(random_state=0))):
        if words := difference(first, subject.result(other)):
            raise BrokenPromise(
                f"a fit with random_state=0 {when} fits with other seeds gives {words}; keep "
                "nothing in the class or the module"
            )


def leaves_shared_generators_alone(subject: Subject) -> None:
    """It neither draws from nor seeds the generators that a process shares."""
    subject.transform(subject.fitted())
    _draw()  # or another fit, which seeds them with the same, would leave them as they are
    before = _generators()
    subject.transform(subject.fitted())
    for name, state in _generators().items():
        if before.get(name, state) != state:
            raise BrokenPromise(
                f"fit or transform draws from {name}'s own generator, or seeds it, and fits run "
                f"side by side in threads: {_DRAW}"
                + (", or a torch.Generator of that seed" if name == "torch" else "")
            )


def _draw() -> None:
    random.random()
    np.random.random()  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        torch.rand(1)


def _generators() -> dict[str, object]:
    shared: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    states: dict[str, object] = {
        "random": random.getstate(),
        "np.random": (shared["state"]["key"].tobytes(), shared["state"]["pos"]),
    }
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


def fit_forgets_the_last(subject: Subject) -> None:
    """A second fit is that of a new estimator: nothing of the first is left."""
    again = subject.fit(subject.fit(subject.make(), OTHER))
    if words := difference(subject.result(subject.fitted()), subject.result(again)):
        raise BrokenPromise(
            f"the second fit of an estimator gives {words}, than that of a new one: begin each fit "
            "anew"
        )


def estimators_share_nothing(subject: Subject) -> None:
    """What one estimator learned stays when another one is fitted."""
    estimator = subject.fitted()
    before = subject.transform(estimator)
    subject.fit(subject.make(random_state=1), OTHER)
    if words := differ("vectors", before, subject.transform(estimator)):
        raise BrokenPromise(
            f"once another estimator is fitted, the first gives {words}; keep what is learned in "
            "self, and not in the class or the module"
        )


def transform_learns_nothing(subject: Subject) -> None:
    """transform gives the same vectors each time, whichever images it had before."""
    estimator = subject.fitted()
    before = subject.transform(estimator)
    subject.transform(estimator, OTHER.images[:20])
    if words := differ("vectors", before, subject.transform(estimator)):
        raise BrokenPromise(f"after a transform of others, the same images have {words}")
