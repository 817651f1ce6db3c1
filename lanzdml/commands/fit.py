"""``lanzdml fit``: what a method learns from the vectors of prompts, as a file.

Some are told what must not matter, or see a collection's images, or labelled ones, too.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lanzdml.commands.labelled import read_labelled
from lanzdml.embeddings.vectors import Kind, read_vectors
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.methods import METHODS
from lanzdml.methods.dim import Dim
from lanzdml.methods.elsewhere import is_source, welcome
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS, PROMPTS
from lanzdml.transforms.fitting import number_for
from lanzdml.transforms.storage import DIM_AUTO, save_transform

if TYPE_CHECKING:
    from lanzdml.methods.base import Method


def fit(
    prompts: Path,
    output: Path,
    method: str = "indirect",
    *,
    dim: Dim | None = None,
    seed: int = 0,
    column: str | None = None,
    against: Path | None = None,
    images: Path | None = None,
    labels: Path | None = None,
    label: str | None = None,
    labels_separator: str | None = None,
) -> str:
    """Fit a method to prompts and store the transform.

    Args:
        prompts: vectors (n, r), see :func:`lanzdml.embeddings.vectors.read_vectors`.
        output: the transform's file, see :func:`lanzdml.transforms.storage.save_transform`.
        method: of one that learns from prompts: a name of the registry, or as
            :func:`lanzdml.methods.elsewhere.welcome` takes one of others.
        dim: r', or "auto" for the one that the prompts say; the method's own default unless given.
        seed: of the fit.
        column: of the vectors, where the file has several.
        against: vectors of prompts (m, r) of what must not matter, for a method that is told.
        images: vectors of images (m, r), for a method that sees them.
        labels: of the images, for a method that sees them, too; see
            :func:`lanzdml.commands.labelled.read_labelled`.
        label: their column.
        labels_separator: what separates several values in it.

    Returns:
        What was fitted, in a sentence.

    Raises:
        LanzdmlError: there is no such method, it learns from labels alone, it lacks what it needs,
            the vectors cannot be read, or it is not defined for them.
    """
    if not METHODS.is_ours(method) and is_source(method):
        method = welcome(method)
    names = [name for name in METHODS if PROMPTS in METHODS[name].needs]
    if method not in names:
        why = "learns from labels alone" if method in METHODS else "is not there"
        raise LanzdmlError(f"method {method!r} {why}; {suggest(method, names)}")
    if output.suffix != ".safetensors":
        raise LanzdmlError(f"{output}: a transform is a file .safetensors")
    vectors = read_vectors(prompts, Kind.PROMPTS, column=column)
    cls = METHODS[method]
    if dim is not None and not cls.has_dim:
        raise LanzdmlError(f"{method} has no r': leave --dim out")
    if isinstance(dim, int) and dim > vectors.dim:
        raise LanzdmlError(f"--dim {dim} is larger than the {vectors.dim} dimensions of {prompts}")
    seen = "labelled images" if cls.supervised else "a collection's images, without labels"
    for name, file, what in (
        (AGAINST, against, "is told what must not matter: name a file of their vectors"),
        (IMAGES, images, f"sees {seen}: name a file of their vectors"),
        (LABELS, labels, "sees labels of the images: name a table of them"),
        ("label", label, "sees labels of the images: name their column"),
    ):
        if (needed := (LABELS if name == "label" else name) in cls.needs) and file is None:
            raise LanzdmlError(f"{method} {what} by --{name}")
        if file is not None and not needed:
            raise LanzdmlError(f"{method} has no use for --{name}: leave it out")
    if labels_separator is not None and labels is None:
        raise LanzdmlError("--labels-separator is of --labels: leave it out")
    named: dict[str, Any] = {}
    if against is not None:
        named[AGAINST] = read_vectors(against, Kind.PROMPTS, column=column).array()
    if images is not None and labels is not None and label is not None:
        read = read_labelled(images, labels, label, separator=labels_separator, column=column)
        named |= {IMAGES: read.vectors, LABELS: read.labels}
    elif images is not None:
        named[IMAGES] = read_vectors(images, Kind.IMAGES, column=column).array()
    texts = vectors.array()
    number = number_for(method, dim, [texts])
    given = {} if number is None else {"dim": number}
    fit: Callable[..., Method] = cls(**given, random_state=seed).fit
    estimator = fit(texts, **named)
    chosen = {DIM_AUTO: "true"} if isinstance(dim, str) else {}
    save_transform(output, estimator, n_prompts=len(vectors), **chosen)
    size = f", which say r' = {number}" if chosen else ""
    return (
        f"{method} learned from {len(vectors):,} prompts of {vectors.dim} dimensions{size}: "
        f"{output}"
    )
