"""The files of transforms: what a method learned, as safetensors with metadata, never pickle."""

import json
import math
import os
import warnings
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import guests
from lanzdml.tensors import save_tensors
from lanzdml.transforms.parameters import as_text, from_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lanzdml.methods.base import Method
    from lanzdml.transforms.stacked import Stacked

OK, NOT_FITTED = "ok", "not_fitted"
PARTS = "parts"  # key of the metadata of what is stacked: names of notions
DIM_AUTO = "dim_auto"  # key of the metadata of what was fitted with an r' that the texts say
DIMS = "dims"  # and of what is stacked of such: r' of each part
FITTED_WITH = ("numpy", "scipy", "scikit-learn", "torch")
"""Packages that the numbers of a fit, and its scores', depend on: keys of the metadata, for their
versions."""

# Metadata key: the attribute of a fitted method and its type.
_SCALARS = {
    "n_features": ("n_features_in_", int),
    "dim": ("dim_", int),
    "loss": ("loss_", float),
    "iterations": ("n_iter_", int),
    "fit_seconds": ("fit_seconds_", float),
}
_MEND = "delete it and run again"
_WIDEST = 2**20  # numbers in an embedding: more are of a damaged file, and are not tried


def save_transform(path: str | os.PathLike[str], estimator: "Method", **metadata: object) -> None:
    """Store a fitted method.

    The file's metadata (strings) hold ``method``, ``params`` (see
    :func:`lanzdml.transforms.parameters.as_text`), ``seed``, ``status`` "ok",
    ``reason`` (empty), ``n_features``, ``dim`` (r' as a number, of a method that has one),
    ``fit_seconds``, for a trained method ``loss`` and ``iterations``, the versions of
    :data:`FITTED_WITH`, and what else the caller passes, for instance ``n_prompts=17``.

    Raises:
        sklearn.exceptions.NotFittedError: nothing has been fitted.
        LanzdmlError: a parameter is of a type that is not stored.
        ValueError: a key of the caller's is one of those above.
    """
    import numpy as np
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator, "n_features_in_")
    tensors = {name: np.asarray(getattr(estimator, name)) for name in estimator.learned}
    scalars = {
        key: str(type_(getattr(estimator, attribute)))
        for key, (attribute, type_) in _SCALARS.items()
        if hasattr(estimator, attribute)
    }
    _save(path, estimator, tensors, {"status": OK, "reason": ""} | scalars, metadata)


def save_not_fitted(
    path: str | os.PathLike[str], estimator: "Method", reason: str, **metadata: object
) -> None:
    """Store that a method could not be fitted, with ``status`` "not_fitted", and why.

    Raises:
        LanzdmlError: a parameter is of a type that is not stored.
        ValueError: a key of the caller's is one that :func:`save_transform` writes.
    """
    _save(path, estimator, {}, {"status": NOT_FITTED, "reason": str(reason)}, metadata)


def load_transform(path: str | os.PathLike[str]) -> "Method | Stacked":
    """The fitted method that :func:`save_transform` stored, or what was stacked of several.

    Raises:
        CannotFitError: the method could not be fitted, with the reason stored.
        LanzdmlError: there is no such file, or it is not a transform, or what it holds does not
            transform vectors of the size that it names.
    """
    metadata, tensors = read_stored(path)
    if metadata["status"] != OK:
        raise CannotFitError(metadata["reason"])
    try:
        restore = _restored_stack if PARTS in metadata else _restored
        return restore(metadata, tensors)
    except (LanzdmlError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise LanzdmlError(f"{os.fspath(path)} does not fit this version: {error}") from error


def _restored(metadata: dict[str, str], tensors: dict[str, Any]) -> "Method":
    if (method := metadata["method"]) not in METHODS:
        raise LanzdmlError(
            f"it is of the method {method!r}, which is not known here: name its file and class, "
            "in the configuration or by --method"
        )
    estimator = restored(METHODS[method], metadata, tensors)
    if method not in guests():  # whose code says by itself what it raised
        _try(estimator)
    return estimator


def _try(estimator: "Method") -> None:
    """Check that arrays, and the sizes that the metadata name, fit each other.

    Each method has other arrays: what they have in common is that they transform vectors.

    Raises:
        LanzdmlError: they do not.
    """
    import numpy as np

    most: float = math.inf
    if estimator.has_dim:
        most, asked = estimator.dim_, estimator.dim
        if not 1 <= most <= (most if isinstance(asked, str) else asked):
            raise LanzdmlError(f"its dim is {most}, but {asked} in its params; {_MEND}")
    if not estimator.learned:
        return
    shapes = ", ".join(f"{name} {getattr(estimator, name).shape}" for name in estimator.learned)
    size = getattr(estimator, "n_features_in_", 0)
    fault = f"its arrays, {shapes}, transform no vectors of {size:,} numbers; {_MEND}"
    if not 1 <= size <= _WIDEST:
        raise LanzdmlError(fault)
    some = 1 + np.eye(2, size, dtype=np.float32)  # two that differ: one has no spread
    try:
        with warnings.catch_warnings(action="ignore"):
            width = estimator.transform(some).shape[1]
    except (ArithmeticError, LanzdmlError, LookupError, TypeError, ValueError) as error:
        raise LanzdmlError(f"{fault} ({error})") from error
    if not 1 <= width <= most:
        raise LanzdmlError(
            f"its arrays, {shapes}, make vectors of {width:,} numbers, not of 1 to {most:,}; "
            f"{_MEND}"
        )


def restored(
    cls: "type[Method]", metadata: dict[str, str], tensors: "dict[str, NDArray[Any]]"
) -> "Method":
    """The fitted method of a class, of what :func:`read_stored` gives.

    Raises:
        LanzdmlError: the arrays are not those that the class learns.
    """
    if set(tensors) != set(cls.learned):
        raise LanzdmlError(f"it holds {sorted(tensors)}, not {sorted(cls.learned)}")
    estimator = cls(**from_text(metadata["params"]))
    for key, (attribute, type_) in _SCALARS.items():
        if key in metadata:
            setattr(estimator, attribute, type_(metadata[key]))
    if cls.has_dim and not hasattr(estimator, "dim_"):  # of an earlier version
        estimator.dim_ = int(estimator.dim)
    for name, tensor in tensors.items():
        setattr(estimator, name, tensor)
    return estimator


def _restored_stack(metadata: dict[str, str], tensors: dict[str, Any]) -> "Stacked":
    from lanzdml.transforms.stacked import Stacked

    names, weights = json.loads(metadata[PARTS]), json.loads(metadata["weights"])
    learned: dict[str, dict[str, Any]] = {str(number): {} for number in range(len(names))}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        learned[number][name] = tensor
    # Not the sums of seconds and iterations, which are no part's own.
    of_each = {key: metadata[key] for key in ("method", "params", "n_features")}
    told = [of_each] * len(names)
    if DIMS in metadata:
        params, dims = json.loads(metadata["params"]), json.loads(metadata[DIMS])
        told = [of_each | {"params": json.dumps(params | {"dim": dim})} for dim in dims]
    parts = [_restored(*part) for part in zip(told, learned.values(), strict=True)]
    return Stacked(names, parts, weights)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of a stored transform, fitted or not, without its arrays.

    Raises:
        LanzdmlError: there is no such file, or it is not a transform.
    """
    return read_stored(path, with_tensors=False)[0]


def check_weights(
    transform_files: "Iterable[str | os.PathLike[str]]", weights: str, source: object
) -> None:
    """Check that transforms were fitted to embeddings of the model that they are used with.

    Args:
        transform_files: of fitted methods.
        weights: checksum of that model's weights.
        source: what messages call that which was made with these weights.

    Raises:
        LanzdmlError: one was fitted to embeddings of other weights, or does not say.
    """
    from lanzdml.embeddings.storage import WEIGHTS, are_of_one_model

    for path in transform_files:
        if not are_of_one_model(read_metadata(path).get(WEIGHTS), weights):
            raise LanzdmlError(
                f"{path} was fitted to embeddings of other weights than those of {source}: delete "
                "it and the model's folder below embeddings/, and run again"
            )


def _save(
    path: str | os.PathLike[str],
    estimator: "Method",
    tensors: dict[str, Any],
    own: dict[str, str],
    metadata: dict[str, object],
) -> None:
    own |= {
        "method": estimator.name,
        "params": as_text(estimator),
        "seed": str(estimator.random_state),
        **made_with(),
    }
    if taken := sorted(metadata.keys() & (own.keys() | _SCALARS.keys())):
        raise ValueError(f"metadata keys in use: {', '.join(taken)}")
    save_tensors(path, tensors, own | {key: str(value) for key, value in metadata.items()})


def made_with() -> dict[str, str]:
    """The versions of :data:`FITTED_WITH` here."""
    return {package: _version(package) for package in FITTED_WITH}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # some methods need no torch
        return "not installed"


def read_stored(
    path: str | os.PathLike[str], *, with_tensors: bool = True
) -> "tuple[dict[str, str], dict[str, NDArray[Any]]]":
    """The metadata and the arrays of a transform, fitted or not.

    Raises:
        LanzdmlError: there is no such file, or it is not a transform.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys() if with_tensors}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise LanzdmlError(f"{os.fspath(path)} cannot be read: {error}; {_MEND}") from error
    if missing := {"method", "params", "seed", "status", "reason"} - metadata.keys():
        raise LanzdmlError(
            f"{os.fspath(path)} is not a transform: no {', '.join(sorted(missing))} in its metadata"
        )
    return metadata, tensors
