"""What the readers of original files share: finding, decoding and counting."""

import codecs
import itertools
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from lanzdml.datasets import csv_file
from lanzdml.datasets.archives import FOLDER_SUFFIX, NO_FOLDER, unpacked
from lanzdml.datasets.inside import Places, check
from lanzdml.datasets.manifest import ID, PATH, split_excluded
from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded
from lanzdml.limits import limits
from lanzdml.names import shortened
from lanzdml.signatures import mistaken

LAYOUTS = "docs/datasets.md"
# Of a checkout: they are a configuration's data, and a library that is installed has none.
_PROMPT_LISTS = Path(__file__).parents[2] / "resources" / "prompts"
_OF_MACOS = "__MACOSX"  # in zips, a second tree of folders with what else macOS keeps of files
_DIGITS = 9  # Python reads no number of thousands
_LINE_ENDS = re.compile("\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")  # of str.splitlines
_log = logging.getLogger(__name__)


def locate(root: Path, name: str, archives: Iterable[str] = ()) -> Path | None:
    """The folder that holds ``name``: the root, one at most two levels below, or an archive's.

    Collections are unpacked with and without folders of their own around them; all are found, the
    uppermost first.

    Args:
        root: where the user keeps the collection.
        name: relative name of a file or folder.
        archives: names in ``root`` of the published archives that may hold it; they are unpacked
            when it is not found without.

    Raises:
        LanzdmlError: what is found may not be read (:mod:`lanzdml.datasets.inside`).
    """
    folder = _holder(root, name)
    for archive in archives:
        if folder is None and (root / archive).is_file():
            check(root / archive)
            folder = _holder(unpacked(root / archive), name)
    if folder is not None:
        check(folder / name)
    return folder


def _holder(root: Path, name: str) -> Path | None:
    for folder in _searched(root):
        if os.path.exists(folder / name):  # False, too, for what may not be read
            return folder
    return None


def _searched(root: Path) -> Iterator[Path]:
    level = [root]
    yield root
    for _ in range(2):
        level = [path for folder in level for path in _folders(folder)]
        yield from level


def look_up(root: Path, patterns: Iterable[str], linked: Iterable[str] = ()) -> list[Path]:
    """The files that there are for each pattern where :func:`locate` would look, archives aside.

    What may not be read is not among them.

    Args:
        root: where the user keeps the collection.
        patterns: relative names, with wildcards as of :meth:`pathlib.Path.glob`.
        linked: folders elsewhere that links in it may lead to.
    """
    places = Places(root, linked)
    matching: list[Path] = []
    for pattern in patterns:
        first, _, _ = pattern.partition("/")
        by_folder = (
            sorted(path for path in folder.glob(pattern) if path.is_file())
            for folder in _searched(root)
            if not places.problem_of(folder / first)  # `**` would go through all that is there
        )
        matching += next((files for files in by_folder if files), [])
    return [path for path in dict.fromkeys(matching) if not places.problem_of(path)]


def _folders(root: Path) -> list[Path]:
    """Folders of the user's; those of unpacked archives are found by their archives."""
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:  # nothing there, a file, or a folder that may not be read
        return []
    return [
        root / name
        for name in names
        if name[0] != "." and name != _OF_MACOS and not name.endswith(FOLDER_SUFFIX)
    ]


def require(dataset: str, root: Path, name: str, archives: Iterable[str] = ()) -> Path:
    """:func:`locate`, or a LanzdmlError that says what is missing where."""
    folder = locate(root, name, archives)
    if folder is not None:
        return folder
    if not root.exists():
        raise LanzdmlError(f"{dataset}: there is no {root}; {LAYOUTS} says what to place there")
    if root.is_file():
        raise LanzdmlError(f"{dataset}: {root} {NO_FOLDER}")
    raise LanzdmlError(
        f"{dataset}: there is no {shown(name)} in {root}; {LAYOUTS} shows the layout"
    )


def image_rows(
    dataset: str, root: Path, names: list[str], archives: Iterable[str] = ()
) -> list[str]:
    """Paths, relative to the root, of images that a collection lists by name.

    Raises:
        LanzdmlError: an image is not there, or the list is empty.
    """
    if not names:
        raise LanzdmlError(f"{dataset}: {root} lists no test images; {LAYOUTS} shows the layout")
    folder = require(dataset, root, names[0], archives)
    # False, too, for names that no file can have
    missing = [name for name in names if not os.path.isfile(folder / name)]
    if missing:
        raise LanzdmlError(
            f"{dataset}: {len(missing):,} of {len(names):,} images are not in {folder}, the first "
            f"is {shown(missing[0])}; unpack the images again"
        )
    inside = PurePosixPath(folder.relative_to(root).as_posix())
    return [str(inside / name) for name in names]


def check_name(name: str, where: str) -> None:
    """Check that a path in a list, at ``where``, leads to nothing but what is below its folder.

    Raises:
        LanzdmlError: it is absolute or has a part ``..``.
    """
    if name.startswith("/") or ".." in name.split("/"):
        raise LanzdmlError(
            f"{where}: {shown(name)} leads out of its folder, as in no original list: get it again"
        )


def make_manifest(
    image_ids: list[str],
    paths: list[str],
    labels: Mapping[str, Sequence[str | None]],
    values: Mapping[str, Sequence[tuple[str, ...] | None]] | None = None,
) -> pd.DataFrame:
    """A manifest with the labels of every notion, and of those with several an image all values."""
    manifest = pd.DataFrame({ID: image_ids, PATH: paths, **labels}, dtype="str")
    for notion, of_images in (values or {}).items():
        manifest[notion] = column_of_values(of_images)
    return manifest


def column_of_values(of_images: Sequence[tuple[str, ...] | None]) -> pd.Series:
    """(n,) all values of each image; without any a column of strings, as others are."""
    return pd.Series(of_images, dtype=object if any(of_images) else "str")


def decode(data: bytes) -> str:
    """Text of unknown encoding: UTF-16 and UTF-8 with or without a mark, else Windows' Latin-1."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    # Text that begins with an ASCII character shows the byte order of UTF-16 in its zero byte.
    zero = data[:2].find(b"\0")
    if zero >= 0:
        return data.decode("utf-16-be" if zero == 0 else "utf-16-le", errors="replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def shown(text: str) -> str:
    """What a file holds, for a message: also where the file is another than thought."""
    return shortened(text, 100)


def read_file(path: Path) -> bytes:
    """A file of a collection beside its images.

    Raises:
        LanzdmlError: there is no such file, it cannot or may not be read
            (:mod:`lanzdml.datasets.inside`), or something else was saved in its place, such as a
            web page.
    """
    check(path)
    if not path.is_file():
        raise LanzdmlError(f"there is no file {path}; {LAYOUTS} shows the layout")
    try:
        content = read_bounded(path)
    except OSError as error:
        raise LanzdmlError(f"{path} cannot be read: {error.strerror}") from None
    if kind := mistaken(content):
        raise LanzdmlError(f"{path} is {kind}; {LAYOUTS} says where it is to be had")
    return content


def number_of(text: str) -> int | None:
    """A whole number of up to nine digits; None for another text."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without trailing white space and empty lines at its end.

    Raises:
        LanzdmlError: as :func:`read_file`, or it is empty, or has more lines than the limit
            ``table_rows`` or longer ones than any list.
    """
    text, most = decode(read_file(path)), limits().table_rows
    # Each line takes many times as much memory as a letter.
    if next(itertools.islice(_LINE_ENDS.finditer(text), most, None), None):
        raise csv_file.has_more(path, most, "lines", "table_rows")
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if max(map(len, lines), default=0) > csv_file.LONGEST:
        raise LanzdmlError(
            f"{path} has a line of more than {csv_file.LONGEST:,} letters, which no list has"
        )
    if not lines:
        raise LanzdmlError(f"{path} is empty: get it again; {LAYOUTS} says where")
    return lines


@dataclass(frozen=True)
class Published:
    """What is evaluated of a complete collection, as the paper or the original files have it.

    ``total`` is the size of the raw collection (``unit``), by which it is known to be complete;
    ``classes`` counts the values of notions.
    """

    total: int
    unit: str
    images: int
    classes: dict[str, int] = field(default_factory=dict)

    def differences(self, manifest: pd.DataFrame) -> list[str]:
        """Where a manifest differs, in words."""
        counts = [("images", len(manifest), self.images)]
        counts += [
            (f"values of {notion}", manifest[notion].nunique(), number)
            for notion, number in self.classes.items()
        ]
        return [
            f"{found:,} {what} instead of {number:,}"
            for what, found, number in counts
            if found != number
        ]


def check_published(
    dataset: str, found: int, manifest: pd.DataFrame, published: Published, *, strict: bool = True
) -> None:
    """Compare a manifest of the complete collection with the published counts.

    A collection that is smaller or larger than the published one, as those of the tests are, is
    only said to be so in a warning.

    Args:
        dataset: its name.
        found: size of the raw collection, of which the manifest may be a part.
        manifest: with or without excluded rows.
        published: what should come out when ``found`` is its ``total``.
        strict: raise where counts differ; otherwise warn.

    Raises:
        LanzdmlError: the collection is complete and a count differs.
    """
    if found != published.total:
        _log.warning(
            "%s: %s %s where the complete collection has %s: results cannot be compared with the "
            "published ones", dataset, f"{found:,}", published.unit, f"{published.total:,}",
        )  # fmt: skip
        return
    differences = published.differences(split_excluded(manifest)[0])
    if not differences:
        return
    message = (
        f"{dataset}: has all of its {published.total:,} {published.unit}, but "
        f"{', '.join(differences)} of the published collection"
    )
    if strict:
        raise LanzdmlError(f"{message}; are the annotation files the original ones?")
    _log.warning("%s", message)


def check_prompts(dataset: str, file: str, names: Iterable[str]) -> None:
    """Warn of a list of ours, in ``resources/prompts/``, that lacks names of the collection.

    Those lists are the original collections' own; a copy that was edited has other names.
    """
    path = _PROMPT_LISTS / file
    if not path.is_file():
        return
    ours = {line.strip() for line in path.read_text(encoding="utf-8").splitlines()}
    missing = [name for name in names if name not in ours]
    if missing:
        _log.warning(
            "%s: %s lacks %s of the collection's own names, such as %r: the prompts are not quite "
            "those of the paper", dataset, file, len(missing), missing[0],
        )  # fmt: skip
