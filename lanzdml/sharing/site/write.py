"""The whole site as one folder, which is complete or absent."""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lanzdml.errors import LanzdmlError
from lanzdml.files import temporary_name
from lanzdml.names import METRIC_NAMES
from lanzdml.sharing.site.boards import rank_entries
from lanzdml.sharing.site.downloads import write_downloads
from lanzdml.sharing.site.entries import read_entries
from lanzdml.sharing.site.figures import copy_figures, copy_pages
from lanzdml.sharing.site.page import figures_page, index_page, shown
from lanzdml.sharing.site.source import read_sources
from lanzdml.sharing.site.table import table_rows

SUMS = "SHA256SUMS"
MARKER = "made-by-lanzdml-site.txt"
_MARKED = "A folder of `lanzdml site`, which replaces it as a whole.\n"


def write_site(
    folders: Sequence[Path], output: Path, own: Collection[Path] = ()
) -> tuple[int, int]:
    """Make a site from folders of results. The same folders give the same bytes.

    Args:
        folders: of results, in the order in which the site names them.
        output: the site; one that an earlier call made is replaced.
        own: those of the folders whose report and explorer are copied, too: pages with scripts,
            by whoever made them.

    Returns:
        how many rows and rankings it has.

    Raises:
        LanzdmlError: a folder is no complete folder of results, or holds what no run writes; or
            ``output`` is something else.
    """
    for folder in own:
        if not any(_same(folder, other) for other in folders):
            raise LanzdmlError(f"--own {folder} is none of the folders of results")
    with _replacing(output, folders) as site:
        sources = read_sources(folders)
        entries = read_entries(sources)
        here = {name for source in sources for name in source.metrics}
        metrics = [name for name in METRIC_NAMES if name in here]
        rows = table_rows(rank_entries(entries, metrics), metrics)
        pages = []
        for source in sources:
            is_own = any(_same(source.folder, folder) for folder in own)
            copied = copy_pages(site, source) if is_own else []
            pages.append(shown(source, copied, copy_figures(site, source)))
        write_downloads(site, sources, rows, metrics)
        _write(site / "index.html", index_page(pages, rows, metrics))
        if any(page.pictures for page in pages):
            _write(site / "figures.html", figures_page(pages))
        _write(site / ".nojekyll", "")  # Pages is to serve the files as they are
        _write(site / MARKER, _MARKED)
        _write(site / SUMS, "".join(_sums(site)))
    return len(rows), len({row.place.board for row in rows})


def _same(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _sums(site: Path) -> Iterator[str]:
    """Lines that ``sha256sum --check`` reads."""
    for name in _files(site):
        with (site / name).open("rb") as file:
            yield f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n"


def _files(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


@contextmanager
def _replacing(output: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """A new folder that takes the place of ``output`` when the block ends without an error."""
    _check_place(output, folders)
    output.parent.mkdir(parents=True, exist_ok=True)
    new, old = temporary_name(output), temporary_name(output)
    new.mkdir()
    try:
        yield new
        _check_place(output, folders)
        if output.exists():
            output.rename(old)
        new.rename(output)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if old.exists() and not output.exists():
            old.rename(output)
        shutil.rmtree(old, ignore_errors=True)


def _check_place(output: Path, folders: Sequence[Path]) -> None:
    """Raise unless nothing is there, or an earlier site and nothing beside it."""
    place = Path(os.path.realpath(output))
    for folder in (Path.cwd(), *folders):
        if Path(os.path.realpath(folder)).is_relative_to(place):
            raise LanzdmlError(f"{output} is or holds {folder}; name a folder for the site only")
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise LanzdmlError(f"{output} is a link or a file; name a folder for the site")
    files = _files(output) if output.is_dir() else []
    if not files:
        return
    if MARKER not in files or SUMS not in files:
        raise LanzdmlError(
            f"{output} holds {files[0]} and is no earlier site; name another folder, or empty it"
        )
    ours = {line.partition("  ")[2] for line in (output / SUMS).read_text("utf-8").splitlines()}
    if others := sorted({*files} - ours - {SUMS}):
        raise LanzdmlError(
            f"{output} holds {others[0]}, which no earlier site had and which would be lost; move "
            "it away, or name another folder"
        )
