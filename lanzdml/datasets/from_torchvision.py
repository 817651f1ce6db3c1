"""Collections that torchvision has a class for, read by that class.

Which class, with which arguments, and which of its classes are which notion says a configuration:
there is no code for one collection here. What torchvision downloads and checks is its own.

A class is among :data:`CLASSES` when it has been looked at: made without ``download`` it fetches,
writes and unpacks nothing, it unpickles nothing but files whose checksum it has compared, and it
lists its images in one of the ways of :func:`_images_of`.
"""

import inspect
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pandas as pd

from lanzdml.datasets import raw
from lanzdml.datasets.archives import NO_FOLDER
from lanzdml.datasets.classes import labels_of
from lanzdml.datasets.inside import Places, check, reading
from lanzdml.datasets.manifest import ID, IMAGE, PATH
from lanzdml.errors import LanzdmlError, in_one_line, suggest
from lanzdml.limits import key_of, limits

WHERE = f"{raw.LAYOUTS}#from-torchvision"
FOLDERS = "ImageFolder"  # of the user's own: nothing to download
# Attributes, private for the most part, in the order in which they are looked for.
_PAIRS = ("_samples", "samples", "imgs")
_FILES = ("_image_files", "_images")
_NUMBERS = ("_labels", "targets", "labels")
_ARRAYS = "data"
# Arguments that are not a configuration's: where it is, and what becomes of an image.
NOT_GIVEN = (
    "root", "download", "transform", "target_transform", "transforms", "loader", "is_valid_file",
)  # fmt: skip


class Layout(NamedTuple):
    """Patterns for :func:`lanzdml.datasets.raw.look_up`: of what is read beside the images, and of
    the images where no file lists them."""

    files: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


CLASSES = {
    "CIFAR10": Layout(("cifar-10-batches-py/*",)),
    "CIFAR100": Layout(("cifar-100-python/*",)),
    "Country211": Layout(images=("country211/*/*/*",)),
    "DTD": Layout(("dtd/dtd/labels/*.txt",)),
    "EuroSAT": Layout(images=("eurosat/2750/*/*",)),
    "FGVCAircraft": Layout(("fgvc-aircraft-2013b/data/*.txt",)),
    "Flowers102": Layout(("flowers-102/*.mat",)),
    "Food101": Layout(("food-101/meta/*.json",)),
    "GTSRB": Layout(("gtsrb/GT-final_test.csv",), ("gtsrb/GTSRB/Training/*/*.ppm",)),
    FOLDERS: Layout(images=("*/**/*",)),
    "OxfordIIITPet": Layout(("oxford-iiit-pet/annotations/*.txt",)),
    "STL10": Layout(("stl10_binary/*.txt", "stl10_binary/t*.bin")),
    "SUN397": Layout(("SUN397/ClassName.txt",), ("SUN397/*/*/*.jpg", "SUN397/*/*/*/*.jpg")),
}


class _Images(NamedTuple):
    """What a dataset of torchvision's lists: (n,) images, paths or encoded, and their classes.

    Attributes:
        numbers: (n,) of the classes; negative where an image has none.
        names: of the classes, by number; None where torchvision has no names.
    """

    images: list[str] | list[bytes]
    numbers: list[int]
    names: list[str] | None


def read_manifest(
    root: Path,
    dataset: str,
    notions: Mapping[str, Mapping[str, Any]],
    linked: Sequence[str] = (),
) -> pd.DataFrame:
    """The manifest of a collection: in the order of the paths or, where images are arrays, theirs.

    A label is torchvision's name of a class, with blanks for underscores, or what a table of
    classes says for it. An image's id is its path or, of arrays, its number, counted from 0.

    Args:
        root: the folder that torchvision is given.
        dataset: one of :data:`CLASSES`.
        notions: by name, the constructor's ``arguments``, and the path of a table of ``classes``
            or None.
        linked: folders elsewhere that links in the root may lead to.

    Raises:
        LanzdmlError: the collection is not there or not what torchvision expects, an argument is
            wrong, a table of classes lacks one, notions have other images, or a file lies elsewhere
            (:mod:`lanzdml.datasets.inside`).
    """
    _check_folder(root, dataset, linked)
    found: dict[str, _Images] = {}
    labels: dict[str, list[str | None]] = {}
    for notion, source in notions.items():
        arguments = source["arguments"]
        key = json.dumps(arguments, sort_keys=True)
        if key not in found:
            opened = _opened(root, dataset, arguments)
            with reading(Places(root, linked)):
                found[key] = _images_of(opened, root, dataset)
        listed, first = found[key], next(iter(found.values()))
        if listed.images != first.images:
            raise LanzdmlError(
                f"torchvision's {dataset} has other images for {notion}{_said(arguments)} than for "
                f"{next(iter(notions))}; give both the same split"
            )
        labels[notion] = labels_of(dataset, listed.numbers, listed.names, notion, source["classes"])
    images = next(iter(found.values())).images
    if not images:
        raise LanzdmlError(f"torchvision's {dataset} lists no images in {root}")
    of_paths = isinstance(images[0], str)
    ids = images if of_paths else [str(number) for number in range(len(images))]
    return pd.DataFrame({ID: ids, PATH if of_paths else IMAGE: images, **labels})


def fetch(
    root: Path,
    dataset: str,
    notions: Mapping[str, Mapping[str, Any]],
    linked: Sequence[str] = (),
) -> str | None:
    """Let torchvision download a collection into a folder, unless it finds it there.

    Args:
        root, dataset, notions, linked: as of :func:`read_manifest`.

    Returns:
        Torchvision's version; None where nothing was downloaded.

    Raises:
        LanzdmlError: it cannot be fetched, or an argument is wrong, or a link leads elsewhere.
    """
    from torchvision import __version__

    if os.path.lexists(root):
        _check_folder(root, dataset, linked)
    fetched = None
    for source in notions.values():
        try:
            _opened(root, dataset, source["arguments"])
        except LanzdmlError:
            _opened(root, dataset, source["arguments"], download=True)
            fetched = __version__
    return fetched


def _check_folder(root: Path, dataset: str, linked: Iterable[str]) -> None:
    """Whether all that torchvision could open may be read, and is of a size that can be."""
    if root.is_file():
        raise LanzdmlError(f"{root} {NO_FOLDER}")
    if not root.is_dir():
        raise LanzdmlError(f"there is no folder {root}; {_advice(dataset)}")
    Places(root, linked).check_all(root)
    most = limits().table_mib
    for path in raw.look_up(root, CLASSES[dataset].files, linked):
        if path.stat().st_size > most * 2**20:
            raise LanzdmlError(
                f"{path} has more than {most:,} MiB; if that is right, raise {key_of('table_mib')}"
            )


def _advice(dataset: str) -> str:
    looked_for = " and ".join(CLASSES[dataset].files + CLASSES[dataset].images)
    otherwise = "" if dataset == FOLDERS else ", or say download: true"
    return f"torchvision looks for {looked_for}: place it there{otherwise} ({WHERE})"


def _opened(root: Path, dataset: str, arguments: Mapping[str, Any], download: bool = False) -> Any:
    """A dataset of torchvision's."""
    from torchvision import datasets

    kind = getattr(datasets, dataset)
    allowed = [name for name in inspect.signature(kind).parameters if name not in NOT_GIVEN]
    for name in arguments:
        if name not in allowed:
            raise LanzdmlError(
                f"torchvision's {dataset} has no argument {name!r}; {suggest(name, allowed)}"
            )
    called = f"torchvision's {dataset}{_said(arguments)}"
    folder = os.path.abspath(root)  # as torchvision takes ~ for a home
    try:
        if not download:
            return kind(folder, **arguments)
        os.makedirs(folder, exist_ok=True)
        with _no_way_out():
            return kind(folder, **arguments, download=True)
    except MemoryError:
        raise
    except Exception as error:  # of a package whose errors are of any kind
        reason = raw.shown(in_one_line(error))
        if download:
            raise LanzdmlError(
                f"{called} cannot be downloaded: {reason}; try again, or place it in {root} "
                f"yourself ({WHERE})"
            ) from None
        if isinstance(error, RuntimeError):  # so it says that nothing is there, or a wrong checksum
            raise LanzdmlError(
                f"{called} is not in {root}, or not as it was published; {_advice(dataset)}"
            ) from None
        raise LanzdmlError(f"{called} cannot be read from {root}: {reason}; {WHERE}") from None


def _said(arguments: Mapping[str, Any]) -> str:
    words = ", ".join(f"{name}: {value}" for name, value in arguments.items())
    return f" ({raw.shown(words)})" if words else ""


@contextmanager
def _no_way_out() -> Iterator[None]:
    """Have tars unpacked into their folder only: torchvision 0.21 leaves that to Python's default.

    Raises:
        LanzdmlError: this Python cannot.
    """
    if not hasattr(tarfile, "data_filter"):
        raise LanzdmlError("this Python unpacks tars anywhere: install 3.11.4 or a later one")
    before = tarfile.TarFile.extraction_filter
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)
    try:
        yield
    finally:
        tarfile.TarFile.extraction_filter = staticmethod(before) if before else None


def _images_of(opened: Any, root: Path, dataset: str) -> _Images:
    """What a dataset lists: paths in their order, as folders are listed as they lie on the disk."""
    images: Sequence[Any] | None
    numbers: Sequence[Any] | None
    if (pairs := _attribute(opened, _PAIRS)) is not None:
        images, numbers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    else:
        images, numbers = _attribute(opened, _FILES), _attribute(opened, _NUMBERS)
    if images is None and hasattr(opened, _ARRAYS):
        images = [_encoded(opened[at][0]) for at in range(len(opened))]
    if images is None or numbers is None or len(images) != len(numbers):
        from torchvision import __version__

        raise LanzdmlError(
            f"torchvision {__version__} keeps the images of {dataset} in another way than is "
            "known here: take another version, or list the images in a table of your own"
        )
    numbers = [int(number) for number in numbers]
    names = getattr(opened, "classes", None)
    if isinstance(images[0] if images else b"", bytes):
        return _Images(list(images), numbers, names)
    folder = os.path.abspath(root)
    paths = [PurePosixPath(os.path.relpath(path, folder)).as_posix() for path in images]
    for path in paths:
        check(os.path.join(root, path))
        if not path.isprintable() and path.encode(errors="ignore").decode() != path:
            raise LanzdmlError(
                f"{os.path.join(root, path)}: its name is in another encoding than UTF-8: rename it"
            )
    missing = [path for path in paths if not os.path.isfile(os.path.join(folder, path))]
    if missing:
        raise LanzdmlError(
            f"torchvision's {dataset}: {len(missing):,} of {len(paths):,} images are not in {root}"
            f", the first is {raw.shown(missing[0])}; unpack them again or, with download: true, "
            "delete what is there"
        )
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return _Images([paths[at] for at in order], [numbers[at] for at in order], names)


def _attribute(opened: Any, names: Iterable[str]) -> Sequence[Any] | None:
    found = (getattr(opened, name, None) for name in names)
    return next((value for value in found if value is not None), None)


def _encoded(image: Any) -> bytes:
    """A picture, as torchvision makes one of an array, in PNG."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
