"""Fits: methods learn what transforms hold, from prompts or from labelled images."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.files import Kept, digest
from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim, is_auto
from lanzdml.methods.elsewhere import RAISED, reasons_of, what_raised
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS, PROMPTS
from lanzdml.transforms.parameters import as_text
from lanzdml.transforms.stacking import stack
from lanzdml.transforms.storage import (
    DIM_AUTO,
    OK,
    read_metadata,
    save_not_fitted,
    save_transform,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lanzdml.datasets.labels import LabelColumns
    from lanzdml.methods.base import Method


NO_SCALE = (
    "it needs the model's logit scale, which given vectors do not hold: say logit_scale of the "
    "model"
)


NOT_TOLD = (
    "nothing says what must not matter: the dataset has no other notion of other labels, and the "
    "notion's `against` names none"
)


@dataclass(frozen=True)
class FitTask:
    """One transform that is to be made.

    Attributes:
        output: where it goes.
        method: a name of the registry.
        dim: r', or "auto": then what it is fitted to says it (:func:`number_for`); None for
            methods without one.
        seed: of the fit.
        version: of the code that fits the method; a fit by another one is made anew.
        prompts: embeddings of the notion's prompts.
        n_prompts: how many of them to draw by the seed (see :func:`draw_prompts`); None takes all.
        against: embeddings of the prompts of what must not matter, by their names, for a method
            that is told; one that is told nothing cannot be fitted.
        images, manifest, labels: in place of prompts or beside them, for a method that is fitted
            to labels: the images' embeddings, and where their labels are.
        parts: in place of prompts, of a combined notion: the names of its parts, their transforms
            and their weights, to be stacked.
    """

    output: str
    method: str
    dim: Dim | None
    seed: int
    version: str
    prompts: str | None = None
    n_prompts: int | None = None
    against: Mapping[str, str] = field(default_factory=dict)
    images: str | None = None
    manifest: str | None = None
    labels: "LabelColumns | None" = None
    parts: Sequence[tuple[str, str, float]] = ()


@dataclass(frozen=True)
class _Data:
    """What methods are fitted to, and what transforms tell of it.

    ``given`` is what ``fit`` takes, in its order: vectors of prompts, or of images, and their
    labels. ``named`` is what it takes by the names of :mod:`lanzdml.methods.needs`.
    """

    source: Path
    given: "tuple[NDArray[Any], ...]"
    named: "dict[str, NDArray[Any]]"
    metadata: dict[str, str]
    digest: str


def new_estimator(method: str, dim: int | None) -> "Method":
    """An unfitted estimator; ``dim`` does not matter to methods without one.

    Raises:
        LanzdmlError: the constructor of a method of others raises something.
    """
    settings = {"dim": dim} if METHODS[method].has_dim else {}
    try:
        return METHODS[method](**settings)
    except RAISED as error:
        if METHODS.is_ours(method):
            raise
        raise LanzdmlError(
            f"{method} cannot be made with {settings}: {what_raised(error)}"
        ) from error


def number_for(method: str, dim: Dim | None, given: "Sequence[NDArray[Any]]") -> int | None:
    """r' of a fit as a number: methods, those of others too, are made with one.

    Args:
        method: a name of the registry.
        dim: what is asked for, see :func:`lanzdml.methods.effective_rank.number_of`.
        given: what ``fit`` takes: vectors (n, r) of prompts; or of images, and their labels.

    Raises:
        EmbeddingError: the vectors cannot be used.
    """
    from lanzdml.methods.base import as_embeddings, normalise
    from lanzdml.methods.effective_rank import number_of

    if dim is None or not METHODS[method].has_dim:
        return None
    if not isinstance(dim, str):
        return dim
    vectors, *labels = given
    what = "image_embeddings" if labels else "text_embeddings"
    return number_of(dim, normalise(as_embeddings(vectors, what)), *labels)


def fit_transforms(
    tasks: Sequence[FitTask],
    *,
    kept: Path | Kept,
    n_threads: int = 1,
    progress: Callable[[int], object] = lambda n: None,
) -> None:
    """Make transforms, each bit for bit that of a fit alone: no arithmetic is shared.

    Products batched over seeds would change the rounding with the size of the batch, and are not
    faster on a CPU: one seed's product fills a core, and the parameters of five seeds do not fit
    into its cache.

    What was fitted before to the same, by the same version, is taken from what is kept. A method
    that cannot be fitted to its prompts is stored as such, with the reason; so is one of others
    that raises anything, but it is not kept: what it lacked may be there when the job runs again.

    Args:
        tasks: what is stacked comes after its parts.
        kept: what is kept, or its folder.
        n_threads: fits that run side by side, each with one thread. The result is the same for any
            number.
        progress: is called with how many more transforms are there.

    Raises:
        LanzdmlError: the embeddings are smaller than r', there are fewer prompts than are to be
            drawn, the method needs the model's logit scale and the embeddings do not say it, or it
            has a parameter of a type that is not stored.
    """
    from lanzdml.embeddings.storage import read_embeddings

    @cache
    def collection(images: str) -> "NDArray[Any]":  # that several notions share
        return read_embeddings(Path(images))[1]

    store, fits = Kept.at(kept), [task for task in tasks if not task.parts]
    data: dict[tuple[object, ...], _Data] = {}
    for task in fits:
        if _source(task) not in data:
            data[_source(task)] = _read(task, collection)
        _check_dim(task, data[_source(task)])
    # The last first: dims and counts are mostly listed from small to large, and the largest,
    # which take longest, are not to run alone at the end.
    new: list[tuple[FitTask, _Data, str]] = []
    for task in reversed(fits):
        made_of = _made_of(task, data[_source(task)])
        if not store.take(made_of, [task.output]):
            new.append((task, data[_source(task)], made_of))
    for method, dim in {task.method: task.dim for task, _, _ in new}.items():
        with new_estimator(method, 1 if isinstance(dim, str) else dim).single_threaded():
            pass  # loads the library that it computes with, before there are several threads
    with ThreadPoolExecutor(n_threads) as pool:
        made = pool.map(lambda fit: _make(store, *fit), new)
        progress(len(fits) - len(new))  # that were kept
        for _ in made:  # raises what a fit raised
            progress(1)
    for task in tasks:
        if task.parts:
            stack(task.parts, Path(task.output))
            progress(1)


def _source(task: FitTask) -> tuple[object, ...]:
    return task.prompts, str(task.against), task.images, task.manifest, str(task.labels)


def _read(task: FitTask, collection: "Callable[[str], NDArray[Any]]") -> _Data:
    """What a task's method is fitted to; ``collection`` gives the vectors of a file of images."""
    import numpy as np

    from lanzdml.embeddings import storage

    needs, named = METHODS[task.method].needs, {}
    given: tuple[NDArray[Any], ...]
    labelled = _labelled(task) if LABELS in needs else ()
    if labelled and PROMPTS not in needs:
        source = Path(str(task.images))
        given, metadata = labelled, {storage.WEIGHTS: storage.weights_of(source)}
    elif task.prompts:
        source = Path(task.prompts)
        texts, vectors, _ = storage.read_embeddings(source)
        metadata = {
            # Of all prompts, also where some are drawn: how many, and the seed, say which.
            storage.PROMPTS: storage.digest_of(texts["prompt"]),
            storage.WEIGHTS: storage.weights_of(source),
        }
        given = (vectors,)
        if task.against:
            metadata[AGAINST] = ", ".join(task.against)
            others = [storage.read_embeddings(Path(path))[1] for path in task.against.values()]
            named[AGAINST] = np.concatenate(others)
        if task.images:
            storage.check_one_model(Path(task.images), source)
            named |= (
                {IMAGES: labelled[0], LABELS: labelled[1]}
                if labelled
                else {IMAGES: collection(task.images)}
            )
    else:
        raise _nothing(task)
    made_of = digest(*given, *chain(*named.items()), *metadata.values())
    return _Data(source, given, named, metadata, made_of)


def _labelled(task: FitTask) -> "tuple[NDArray[Any], NDArray[Any]]":
    """The vectors of the images that have a label, and their labels."""
    from lanzdml.embeddings.storage import labelled_images

    if not (task.images and task.manifest and task.labels):
        raise _nothing(task)
    images, labels, _ = labelled_images(Path(task.images), Path(task.manifest), task.labels)
    return images, labels


def _nothing(task: FitTask) -> ValueError:
    return ValueError(f"{task.output}: nothing to fit {task.method} to")


def _check_dim(task: FitTask, data: _Data) -> None:
    """Seen with the configuration already, except for a model that was not there yet."""
    n_features = data.given[0].shape[1]
    if METHODS[task.method].has_dim and not is_auto(task.dim) and task.dim > n_features:
        raise LanzdmlError(
            f"dims: {task.dim} is larger than the {n_features} dimensions of {data.source}"
        )


def _made_of(task: FitTask, data: _Data) -> str:
    settings = _settings(task, data).values()
    run = (task.method, task.version, task.dim, task.n_prompts, task.seed, *settings)
    return digest("fit", *run, data.digest)


def _make(store: Kept, task: FitTask, data: _Data, made_of: str) -> None:
    _fit(task, data, _settings(task, data))
    if METHODS.is_ours(task.method) or read_metadata(task.output)["status"] == OK:
        store.keep(made_of, [task.output])


def _settings(task: FitTask, data: _Data) -> dict[str, float | None]:
    """Parameters of a method that are the model's; None where nobody says them."""
    from lanzdml.embeddings.storage import logit_scale_of

    uses_scale = METHODS[task.method].uses_logit_scale
    return {"logit_scale": logit_scale_of(data.source)} if uses_scale else {}


def _fit(task: FitTask, data: _Data, settings: dict[str, float | None]) -> None:
    from lanzdml.methods.labelled import check_values

    given, metadata = data.given, data.metadata
    if task.prompts is not None:
        (prompts,) = given
        if task.n_prompts is not None:
            prompts = prompts[draw_prompts(len(prompts), task.n_prompts, task.seed)]
        given, metadata = (prompts,), metadata | {"n_prompts": str(len(prompts))}
    estimator = new_estimator(task.method, number_for(task.method, task.dim, given))
    if is_auto(task.dim):
        metadata = metadata | {DIM_AUTO: "true"}
    needs = METHODS[task.method].needs
    named = {name: vectors for name, vectors in data.named.items() if name in needs}
    if None in settings.values() or (AGAINST in needs and AGAINST not in named):
        reason = NO_SCALE if None in settings.values() else NOT_TOLD
        estimator.set_params(random_state=task.seed)
        save_not_fitted(task.output, estimator, reason, **metadata)
        return
    estimator.set_params(random_state=task.seed, **settings)
    as_text(estimator)  # raises now, and not after a long fit
    try:
        if LABELS in needs:
            check_values(METHODS[task.method], named.get(LABELS, given[-1]))
        with reasons_of(task.method):
            estimator.fit(*given, **named)
        with reasons_of(task.method):
            save_transform(task.output, estimator, **metadata)
    except CannotFitError as error:
        save_not_fitted(task.output, estimator, str(error), **metadata)


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
