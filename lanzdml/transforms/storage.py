"""Transforms: what a method learned, fitted and stored as safetensors, one file a seed."""

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.files import replacing
from lanzdml.methods import METHODS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lanzdml.datasets.manifest import LabelColumns
    from lanzdml.methods.base import Method
    from lanzdml.transforms.stacked import Stacked

OK, NOT_FITTED = "ok", "not_fitted"
PARTS = "parts"  # key of the metadata of what is stacked: names of notions
FITTED_WITH = ("numpy", "scipy", "scikit-learn", "torch")
"""Packages that a fit's numbers depend on: keys of the metadata, for their versions."""

# Metadata key: the attribute of a fitted method and its type.
_SCALARS = {
    "n_features": ("n_features_in_", int),
    "loss": ("loss_", float),
    "iterations": ("n_iter_", int),
    "fit_seconds": ("fit_seconds_", float),
}


def new_estimator(method: str, dim: str | int) -> "Method":
    """An unfitted estimator; ``dim`` is a number, or anything for methods without one."""
    return METHODS[method](dim=int(dim)) if METHODS[method].has_dim else METHODS[method]()


def fit_transforms(
    method: str,
    dims: Sequence[str | int],
    seeds: Sequence[int],
    *,
    outputs: Sequence[Path],
    counts: Sequence[int | None] = (None,),
    prompts_file: Path | None = None,
    supervision: "tuple[Path, Path, LabelColumns] | None" = None,
    n_threads: int = 1,
) -> None:
    """Fit a method for each dim, number of prompts and seed, and store one transform each.

    A method that cannot be fitted to these prompts is stored as such, with the reason. No
    arithmetic is shared between seeds, so each transform is, bit for bit, that of a fit alone.
    Products batched over the seeds would change the rounding with the size of the batch, and are
    not faster on a CPU: one seed's product fills a core, and the parameters of five seeds do not
    fit into its cache.

    Args:
        method: a name of the registry.
        dims: r', or anything for methods without one.
        seeds: one run each.
        outputs: a file for each dim, count and seed, the last changing fastest.
        counts: numbers of prompts to draw (see :func:`draw_prompts`); None takes
            all.
        prompts_file: prompt embeddings of the notion.
        supervision: images file, manifest file and where its labels are, in place of prompts for a
            supervised method.
        n_threads: fits that run side by side, each with one thread. The result is the same for any
            number.

    Raises:
        LanzdmlError: the embeddings are smaller than r', there are fewer prompts than a count, or
            the method needs the model's logit scale and the embeddings do not say it.
    """
    from lanzdml.embeddings.storage import (
        PROMPTS,
        WEIGHTS,
        digest_of,
        labelled_images,
        logit_scale_of,
        read_embeddings,
        weights_of,
    )

    prompts, settings, fitted_to = None, {}, {}
    if METHODS[method].supervised:
        source, data = supervision[0], labelled_images(*supervision)[:2]
    else:
        texts, prompts, _ = read_embeddings(prompts_file)
        source, data = prompts_file, (prompts,)
        # Of all prompts, also where some are drawn: how many, and the seed, say which.
        fitted_to[PROMPTS] = digest_of(texts["prompt"])
    if METHODS[method].uses_logit_scale:
        settings["logit_scale"] = logit_scale_of(source)
    fitted_to[WEIGHTS] = weights_of(source)
    n_features = data[0].shape[1]
    for dim in dims:
        # Seen with the configuration already, except for a model that was not there yet.
        if METHODS[method].has_dim and int(dim) > n_features:
            raise LanzdmlError(
                f"dims: {dim} is larger than the {n_features} dimensions of {source}"
            )

    def fit(dim: str | int, count: int | None, seed: int, output: Path) -> None:
        drawn, metadata = data, fitted_to
        if prompts is not None:
            chosen = prompts if count is None else prompts[draw_prompts(len(prompts), count, seed)]
            drawn, metadata = (chosen,), fitted_to | {"n_prompts": len(chosen)}
        estimator = new_estimator(method, dim).set_params(random_state=seed, **settings)
        try:
            save_transform(output, estimator.fit(*drawn), **metadata)
        except CannotFitError as error:
            save_not_fitted(output, estimator, str(error), **metadata)

    runs = [
        (*run, output) for run, output in zip(product(dims, counts, seeds), outputs, strict=True)
    ]
    with ThreadPoolExecutor(n_threads) as pool:
        # The last first: dims and counts are mostly listed from small to large, and the largest,
        # which take longest, are not to run alone at the end.
        for _ in pool.map(lambda run: fit(*run), reversed(runs)):  # raises what a fit raised
            pass


def draw_prompts(n: int, count: int, seed: int) -> "NDArray[np.int64]":
    """Which of n prompts a seed draws, without replacement (paper section 6, figure 5).

    The draw depends on nothing else: it is the same for every method and beside any other counts.

    Returns:
        (count,) ascending positions.

    Raises:
        LanzdmlError: there are fewer prompts.
    """
    import numpy as np

    if count > n:
        raise LanzdmlError(
            f"experiments.prompt_count.counts: {count} is more than the {n} prompts there are"
        )
    return np.sort(np.random.default_rng([seed, count]).choice(n, count, replace=False))


def save_transform(path: str | os.PathLike[str], estimator: "Method", **metadata: object) -> None:
    """Store a fitted method.

    The file's metadata (strings) hold ``method``, ``params`` (JSON), ``seed``, ``status`` "ok",
    ``reason`` (empty), ``n_features``, ``fit_seconds``, for a trained method ``loss`` and
    ``iterations``, the versions of :data:`FITTED_WITH`, and what else the caller passes, for
    instance ``n_prompts=17``.

    Raises:
        sklearn.exceptions.NotFittedError: nothing has been fitted.
        ValueError: a key of the caller's is one of those above.
    """
    import numpy as np
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator, "n_features_in_")
    tensors = {name: np.ascontiguousarray(getattr(estimator, name)) for name in estimator.learned}
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
        ValueError: a key of the caller's is one that :func:`save_transform` writes.
    """
    _save(path, estimator, {}, {"status": NOT_FITTED, "reason": str(reason)}, metadata)


def stack_transforms(
    files: Sequence[Path], outputs: Sequence[Path], parts: Sequence[str], weights: Sequence[float]
) -> None:
    """Gather what a method learned for the parts of a combined notion: a transform of all.

    :func:`load_transform` gives it as a :class:`lanzdml.transforms.stacked.Stacked`.
    ``fit_seconds``, ``iterations`` and ``n_prompts`` are sums over the parts, versions those of all
    parts, and what could not be fitted to one of them is stored as such.

    Args:
        files: of the parts' transforms: those of the first part for all outputs, then of the next.
        outputs: a file a dim and seed.
        parts: the parts' names.
        weights: of the parts, positive.

    Raises:
        LanzdmlError: a file is no transform, or those of one output are of other methods,
            parameters, seeds or models.
    """
    for position, output in enumerate(outputs):
        _stack(files[position :: len(outputs)], output, parts, weights)


def _stack(
    files: Sequence[Path], output: Path, parts: Sequence[str], weights: Sequence[float]
) -> None:
    from safetensors.numpy import save_file

    from lanzdml.embeddings.storage import PROMPTS, WEIGHTS, digest_of

    stored = [_read(path, with_tensors=True) for path in files]
    first = stored[0][0]
    shared = [key for key in ("method", "params", "seed", WEIGHTS) if key in first]
    for path, (metadata, _) in zip(files, stored, strict=True):
        for key in shared:
            if metadata.get(key) != first[key]:
                raise LanzdmlError(
                    f"{path} has another {key} than {files[0]}: delete both and run again"
                )
    reasons = [
        f"{part}: {metadata['reason']}"
        for part, (metadata, _) in zip(parts, stored, strict=True)
        if metadata["status"] != OK
    ]
    own = {key: first[key] for key in (*shared, *(() if reasons else ("n_features",)))}
    for package in FITTED_WITH:
        versions = {metadata.get(package) for metadata, _ in stored}
        if None not in versions:
            own[package] = ", ".join(sorted(versions))
    own |= {
        PARTS: json.dumps(list(parts)),
        "weights": json.dumps(list(weights)),
        "status": NOT_FITTED if reasons else OK,
        "reason": "; ".join(reasons),
    }
    for key, type_ in (("fit_seconds", float), ("iterations", int), ("n_prompts", int)):
        values = [type_(metadata[key]) for metadata, _ in stored if key in metadata]
        if len(values) == len(parts):
            own[key] = str(sum(values))
    if all(PROMPTS in metadata for metadata, _ in stored):
        own[PROMPTS] = digest_of(metadata[PROMPTS] for metadata, _ in stored)
    tensors = {
        f"{number}.{name}": tensor
        for number, (_, of_part) in enumerate(stored)
        for name, tensor in of_part.items()
        if not reasons
    }
    with replacing(output) as temporary:
        save_file(tensors, temporary, own)


def load_transform(path: str | os.PathLike[str]) -> "Method | Stacked":
    """The fitted method that :func:`save_transform` stored, or what was stacked of several.

    Raises:
        CannotFitError: the method could not be fitted, with the reason stored.
        LanzdmlError: there is no such file, or it is not a transform.
    """
    metadata, tensors = _read(path, with_tensors=True)
    if metadata["status"] != OK:
        raise CannotFitError(metadata["reason"])
    try:
        restore = _restored_stack if PARTS in metadata else _restored
        return restore(metadata, tensors)
    except (LanzdmlError, KeyError, TypeError, ValueError) as error:
        raise LanzdmlError(f"{os.fspath(path)} does not fit this version: {error}") from error


def _restored(metadata: dict[str, str], tensors: dict[str, Any]) -> "Method":
    cls = METHODS[metadata["method"]]
    if set(tensors) != set(cls.learned):
        raise LanzdmlError(f"it holds {sorted(tensors)}, not {sorted(cls.learned)}")
    estimator = cls(**json.loads(metadata["params"]))
    for key, (attribute, type_) in _SCALARS.items():
        if key in metadata:
            setattr(estimator, attribute, type_(metadata[key]))
    for name, tensor in tensors.items():
        setattr(estimator, name, tensor)
    return estimator


def _restored_stack(metadata: dict[str, str], tensors: dict[str, Any]) -> "Stacked":
    from lanzdml.transforms.stacked import Stacked

    names, weights = json.loads(metadata[PARTS]), json.loads(metadata["weights"])
    learned: dict[str, dict] = {str(number): {} for number in range(len(names))}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        learned[number][name] = tensor
    # Not the sums of seconds and iterations, which are no part's own.
    of_each = {key: metadata[key] for key in ("method", "params", "n_features")}
    parts = [_restored(of_each, of_part) for of_part in learned.values()]
    return Stacked(names, parts, weights)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of a stored transform, fitted or not, without its arrays.

    Raises:
        LanzdmlError: there is no such file, or it is not a transform.
    """
    return _read(path, with_tensors=False)[0]


def check_weights(transform_files: Iterable[Path], weights: str, source: object) -> None:
    """Check that transforms were fitted to embeddings of the model that they are used with.

    Args:
        transform_files: of fitted methods.
        weights: checksum of that model's weights.
        source: what messages call that which was made with these weights.

    Raises:
        LanzdmlError: one was fitted to embeddings of other weights, or does not say.
    """
    from lanzdml.embeddings.storage import WEIGHTS

    for path in transform_files:
        if read_metadata(path).get(WEIGHTS) != weights:
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
    from safetensors.numpy import save_file

    own |= {
        "method": estimator.name,
        "params": json.dumps(estimator.get_params(), sort_keys=True, default=lambda x: x.item()),
        "seed": str(estimator.random_state),
        **{package: version(package) for package in FITTED_WITH},
    }
    if taken := sorted(metadata.keys() & (own.keys() | _SCALARS.keys())):
        raise ValueError(f"metadata keys in use: {', '.join(taken)}")
    with replacing(path) as temporary:
        save_file(tensors, temporary, own | {key: str(value) for key, value in metadata.items()})


def _read(
    path: str | os.PathLike[str], *, with_tensors: bool
) -> tuple[dict[str, str], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys() if with_tensors}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise LanzdmlError(
            f"{os.fspath(path)} cannot be read: {error}; delete it and run again"
        ) from error
    if missing := {"method", "params", "seed", "status", "reason"} - metadata.keys():
        raise LanzdmlError(
            f"{os.fspath(path)} is not a transform: no {', '.join(sorted(missing))} in its metadata"
        )
    return metadata, tensors
