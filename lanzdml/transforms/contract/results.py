"""What its vectors depend on, and that a stored fit makes the same."""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np

from lanzdml.errors import CannotFitError
from lanzdml.transforms.contract.subject import (
    IMAGES,
    BrokenPromise,
    Data,
    Subject,
    differ,
    vectors,
)
from lanzdml.transforms.parameters import as_text
from lanzdml.transforms.storage import read_stored, restored, save_transform


def goes_by_the_image_alone_unless_transductive(subject: Subject) -> None:
    """A vector does not depend on the images after it, unless the class says transductive."""
    estimator = subject.fitted()
    alone, among = subject.transform(estimator, IMAGES[:7]), subject.transform(estimator)[:7]
    same = alone.shape == among.shape and np.allclose(alone, among, atol=1e-5)
    if not same and not subject.cls.transductive:
        raise BrokenPromise(
            "the first 7 images have other vectors where 23 more are transformed with them: say "
            "transductive = True, as they are else transformed in parts"
        )
    if same and subject.cls.transductive:
        raise BrokenPromise(
            "transductive is True, but vectors do not depend on the other images: leave it out"
        )


def equal_images_have_equal_vectors_unless_by_position(subject: Subject) -> None:
    """Equal images have equal vectors, bit for bit, unless the class says by_position."""
    # Large, as BLAS rounds the products of equal rows otherwise in other places.
    text, images = vectors(20, 512, seed=1), vectors(101, 512, seed=2)
    order = np.random.default_rng(0).permutation(np.tile(np.arange(101), 2))
    first = {number: position for position, number in reversed(list(enumerate(order)))}
    for dim in (1, 16):
        estimator = subject.make(dim=dim, max_iter=2)
        try:
            subject.call_fit(estimator, Data(text, images, order[:101]))
        except CannotFitError:
            continue
        out = subject.transform(estimator, images[order])
        expected = out[[first[number] for number in order]]
        if not np.array_equal(out, expected) and not subject.cls.by_position:
            raise BrokenPromise(
                "equal images have other vectors in other places: leave transform to Method, which "
                "sees to their rounding, or say by_position = True"
            )
        if np.allclose(out, expected, atol=1e-5) and subject.cls.by_position:
            raise BrokenPromise(
                "by_position is True, but equal images have equal vectors: leave it out"
            )


def a_stored_fit_makes_the_same(subject: Subject) -> None:
    """What is stored, parameters and the arrays in learned, is all that transform needs."""
    estimator = subject.fitted(random_state=3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.safetensors"
        with subject.calling("storing a fit"):
            save_transform(path, estimator)
            loaded = restored(subject.cls, *read_stored(path))
    if as_text(loaded) != as_text(estimator):
        raise BrokenPromise("a stored fit has other parameters when it is loaded")
    left_out = sorted(vars(estimator).keys() - vars(loaded).keys())
    mend = f"; fit sets {', '.join(left_out)}, which learned does not name" if left_out else ""
    try:
        words = _differ_much(subject.transform(estimator), subject.transform(loaded))
    except BrokenPromise as error:
        raise BrokenPromise(f"of a stored fit, {error}{mend}") from error
    if words:
        raise BrokenPromise(f"a stored fit gives {words}{mend}")


def _differ_much(one: np.ndarray, other: np.ndarray) -> str:
    """As :func:`differ`, but for rounding, which may go by the order in memory."""
    close = one.shape == other.shape and np.allclose(one, other, rtol=1e-4, atol=1e-5)
    return "" if close else differ("vectors", one, other)


def does_not_go_by_the_working_folder(subject: Subject) -> None:
    """It gives the same in another working folder."""
    expected = subject.transform(subject.fitted())
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            words = differ("vectors", expected, subject.transform(subject.fitted()))
        except BrokenPromise as error:
            words = str(error)
    if words:
        raise BrokenPromise(
            f"in another working folder: {words}; find files from Path(__file__).parent"
        )


def prints_nothing(subject: Subject) -> None:
    """fit and transform print nothing."""
    for what in ("fit", "transform"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            estimator = subject.fitted()
            if what == "transform":
                out.truncate(0)
                subject.transform(estimator)
        if printed := out.getvalue().strip():
            raise BrokenPromise(
                f"{what} prints {printed.splitlines()[0]!r}: leave it out, or use logging"
            )
