"""What it may be given: any array as it is, and words for what cannot be used."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from lanzdml.errors import CannotFitError
from lanzdml.methods.base import EmbeddingError
from lanzdml.methods.dim import AUTO
from lanzdml.transforms.contract.subject import (
    DATA,
    DIM,
    IMAGES,
    LABELS,
    BrokenPromise,
    Data,
    Subject,
    difference,
)

TEXT = DATA.text


def leaves_arrays_alone(subject: Subject) -> None:
    """fit and transform change no array that they are given, and what they give is a new one."""
    text, images, labels = TEXT.copy(), IMAGES.copy(), LABELS.copy()
    estimator = subject.fit(subject.make(), Data(text, images, labels))
    copies = ((text, TEXT), (images, IMAGES), (labels, LABELS))
    if any(not np.array_equal(*pair) for pair in copies):
        raise BrokenPromise("fit changes the array that it is given: copy it first")
    for unit_images in (True, False):  # if not, _transform gets the caller's own
        with subject.calling(f"transform with unit_images={unit_images}"):
            out = estimator.transform(images, unit_images=unit_images)
            kept = out.copy()
            if not np.array_equal(images, IMAGES):
                raise BrokenPromise(
                    "transform changes the array that it is given: in the released protocol "
                    "_transform gets the caller's own, so make a new one of it"
                )
            out[:] = 0
            again = estimator.transform(images, unit_images=unit_images)
        if not np.array_equal(images, IMAGES) or not np.array_equal(kept, again):
            raise BrokenPromise(
                "what transform gives is no array of its own: who writes to it changes the images, "
                "or what was learned"
            )


def takes_any_array(subject: Subject) -> None:
    """Arrays of any layout, lists, data frames and tensors of the same numbers give the same."""
    expected = subject.result(subject.fitted())
    for kind, convert in _kinds():
        try:
            fit = subject.fit(subject.make(), Data(convert(TEXT), convert(IMAGES), LABELS))
            words = difference(expected, subject.result(fit, convert(IMAGES)))
        except BrokenPromise as error:
            raise BrokenPromise(f"given {kind}, {error}") from error
        if words:
            raise BrokenPromise(f"given {kind} of the same numbers, it gives {words}")


def _kinds() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    yield "an array of float64", lambda array: array.astype(np.float64)
    yield "an array in Fortran's order", np.asfortranarray
    yield "a part of an array", lambda array: np.repeat(array, 2, axis=1)[:, ::2]
    yield "an array that cannot be written to", _read_only
    yield "a list of lists", lambda array: array.tolist()
    yield "a data frame", lambda array: pd.DataFrame(array).rename(columns=str)
    if torch := sys.modules.get("torch"):
        yield "a tensor", torch.tensor
        yield "a tensor with a gradient", lambda array: torch.tensor(array, requires_grad=True)


def _read_only(array: Any) -> Any:
    array = array.copy()
    array.flags.writeable = False
    return array


def lengths_do_not_matter(subject: Subject) -> None:
    """Only directions count: vectors of other lengths give the same fit and the same vectors."""
    # Powers of two, so that rounding is the same.
    scale = np.float32(2.0) ** np.arange(-6, 6)[:, None]
    longer = IMAGES * np.resize(scale, (len(IMAGES), 1))
    expected = subject.result(subject.fitted())
    fit = subject.fit(subject.make(), Data(TEXT * scale, longer, LABELS))
    if words := difference(expected, subject.result(fit)):
        raise BrokenPromise(f"fit to the same directions of other lengths, it gives {words}")
    if words := difference(expected, subject.result(fit, longer)):
        raise BrokenPromise(f"images of the same directions and other lengths have {words}")


def refuses_transform_before_fit(subject: Subject) -> None:
    """transform before fit is scikit-learn's NotFittedError."""
    estimator = subject.make()
    subject.refuses("transform before fit", lambda: estimator.transform(IMAGES), NotFittedError)


def refuses_another_size(subject: Subject) -> None:
    """Images of another size than those of the fit are refused."""
    estimator = subject.fitted()
    subject.refuses(
        f"an array of images of 9 components, after a fit to {IMAGES.shape[1]},",
        lambda: estimator.transform(IMAGES[:, :9]),
    )


def refuses_unusable_embeddings(subject: Subject) -> None:
    """What is no matrix of finite numbers, with a direction a row, is refused."""
    fitted = subject.fitted()
    for what, spoil in UNUSABLE.items():
        data = Data(spoil(TEXT), spoil(IMAGES), LABELS)
        subject.refuses(f"{what} given to fit", lambda: subject.call_fit(subject.make(), data))  # noqa: B023
        subject.refuses(f"{what} given to transform", lambda: fitted.transform(data.images))  # noqa: B023


def _row_4(value: float) -> Callable[[Any], Any]:
    return lambda array: np.where(np.arange(len(array))[:, None] == 4, value, array.astype(float))


UNUSABLE: dict[str, Callable[[Any], Any]] = {
    "a single vector": lambda array: array[0],
    "an array of three dimensions": lambda array: array[None],
    "an array without rows": lambda array: array[:0],
    "an array without columns": lambda array: array[:, :0],
    "a row with NaN": _row_4(np.nan),
    "a number too large for float32": _row_4(1e300),
    "a row of zeros": _row_4(0),
    "an array of texts": lambda array: array.astype(str),
    "a list of rows of different lengths": lambda array: [[1.0, 2.0], [3.0]] * (len(array) // 2),
}


def refuses_unusable_parameters(subject: Subject) -> None:
    """A seed below 0 and the like are refused by fit."""
    parameters: dict[str, list[Any]] = {"random_state": [-1, None, True]}
    if subject.cls.has_dim:
        parameters["dim"] = [0, 2.5, "5", None]
    if subject.cls.uses_logit_scale:
        parameters["logit_scale"] = [0, -1, float("inf"), float("nan")]
    for name, values in parameters.items():
        for value in values:
            estimator = subject.make(**{name: value})
            subject.refuses(f"{name}={value!r}", lambda: subject.call_fit(estimator, DATA))  # noqa: B023


def takes_auto_for_a_number_or_refuses(subject: Subject) -> None:
    """dim="auto" gives the fit of the number that it stands for, or is refused in words."""
    if not subject.cls.has_dim:
        return
    estimator = subject.make(dim=AUTO)
    try:
        with subject.calling(f"with dim={AUTO!r}, fit"):
            subject.call_fit(estimator, DATA)
        chosen = subject.result(estimator)
    except BrokenPromise as error:
        if isinstance(error.__cause__, EmbeddingError):
            return
        raise
    number = getattr(estimator, "dim_", None)
    if number is None:
        raise BrokenPromise(
            f"dim={AUTO!r} is accepted, and fit does not set dim_: leave fit to Method, and define "
            "_fit"
        )
    if words := difference(subject.result(subject.fitted(dim=number)), chosen):
        raise BrokenPromise(
            f"dim={AUTO!r} stands for {number} here, and gives {words}: compute with self.dim_ in "
            "place of self.dim"
        )


def few_directions_give_vectors_or_a_reason(subject: Subject) -> None:
    """Few prompts, or all alike, give finite vectors, or a CannotFitError that says why not."""
    for what, text in FEW.items():
        r = text.shape[1]
        estimator = subject.make(dim=min(DIM, r), max_iter=400)
        images = IMAGES[:, :r]
        with subject.calling(f"{what}, it"):
            try:
                subject.call_fit(estimator, Data(text, text, np.arange(len(text))))
            except CannotFitError:
                continue
            for some in (images, np.repeat(images[:1], 2, axis=0), text[:1]):
                out = estimator.transform(some)
                if len(out) != len(some) or not np.isfinite(out).all():
                    raise BrokenPromise(f"{what}: {len(some)} images have no finite vector each")


FEW = {
    "fit to one vector": TEXT[:1],
    "fit to a vector that is there six times": np.repeat(TEXT[:1], 6, axis=0),
    "fit to two vectors, three times each": np.repeat(TEXT[:2], 3, axis=0),
    "fit to a vector and its opposite": np.array([TEXT[0], -TEXT[0]]),
    "fit to vectors of one component": TEXT[:, :1],
    "fit to three vectors of three components": TEXT[:3, :3],
}
