"""Downloads of published archives: continued where they stopped, and kept only when complete."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from lanzdml.datasets.inside import Places
from lanzdml.errors import LanzdmlError
from lanzdml.files import read_bounded, replacing

CONNECTIONS = 10  # of one call, each of which has to bring some data
TIMEOUT = 60  # seconds without any data
_CHUNK = 2**16
_KINDS = {"md5": "MD5", "sha512": "SHA-512"}
_SHA512 = re.compile("[0-9a-f]{128}")


@dataclass(frozen=True)
class Download:
    """Where a collection's archive is published.

    ``holds`` is a name in it, by which :func:`lanzdml.datasets.raw.locate` finds the collection
    where it is unpacked already. Of its checksum we hold an ``md5``, or know the name of a file
    ``sums`` beside it at the same address, as ``sha512sum`` writes one. ``n_bytes`` is about how
    many it has, which is told before and decides nothing; None where nobody looked.
    """

    url: str
    file: str
    holds: str
    md5: str = ""
    sums: str = ""
    n_bytes: int | None = None

    @property
    def sums_url(self) -> str:
        """Where the file of sums is published."""
        return f"{self.url.rpartition('/')[0]}/{self.sums}"


@dataclass(frozen=True)
class Checksum:
    """What an archive has to have: the kind, as hashlib has it, and the hex digits."""

    kind: str
    digits: str

    def problem_of(self, path: Path) -> str:
        """Which other sum a file has, in words; nothing where it has this one."""
        with open(path, "rb") as file:
            found = hashlib.file_digest(
                file, lambda: hashlib.new(self.kind, usedforsecurity=False)
            ).hexdigest()
        name = _KINDS[self.kind]
        return "" if found == self.digits else f"has the {name} sum {found} and not {self.digits}"


class _NetworkError(Exception):
    """What the network did wrong, in words."""


def download(dataset: str, source: Download, folder: Path, linked: Iterable[str] = ()) -> Path:
    """Fetch a published archive into a folder, unless it is there already.

    It is fetched under the name ``<file>.part``, which stays when a download is cut off: the next
    call asks for the rest only. The file gets its name when all of it has the right checksum. What
    has that name already is never changed; a part beside it is deleted.

    Args:
        dataset: its name, for messages.
        source: what to fetch.
        folder: where it goes; made where it is not there.
        linked: folders elsewhere that links in it may lead to.

    Returns:
        The archive's path.

    Raises:
        LanzdmlError: it or its sum cannot be fetched or written, or a file, fetched or found, has
            another checksum than the published one, or any of their names is a link that leads
            elsewhere.
    """
    file, part = folder / source.file, folder / f"{source.file}.part"
    places = Places(folder, linked)
    places.check(file)
    places.check(part)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        expected = checksum_of(dataset, source, folder, linked)
        if file.exists():
            if problem := expected.problem_of(file):
                raise LanzdmlError(f"{dataset}: {file} {problem}; move it away to download it")
            with suppress(OSError):
                part.unlink()
            return file
        # A call that was stopped at its very end leaves a part that lacks nothing.
        if not part.exists() or expected.problem_of(part):
            _fetch(source.url, part)
            if problem := expected.problem_of(part):
                part.unlink()
                kept = f" delete {folder / source.sums} and" if source.sums else ""
                raise LanzdmlError(
                    f"{dataset}: {source.file} from {source.url} {problem}, and is removed;{kept} "
                    f"{_by_hand(source.file, folder)}"
                )
        part.rename(file)
    except _NetworkError as error:
        raise LanzdmlError(
            f"{dataset}: cannot download {source.url}: {error}; {_by_hand(source.file, folder)}"
        ) from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and file.exists():
            # Another run was faster, and the part is gone.
            return download(dataset, source, folder, linked)
        raise _cannot_keep(dataset, source.file, error, folder) from None
    return file


def checksum_of(
    dataset: str, source: Download, folder: Path, linked: Iterable[str] = ()
) -> Checksum:
    """The published checksum of an archive: known, or of the file of sums that lies beside it.

    That file is fetched into the folder unless it is there: so who has both needs no network.

    Args:
        dataset, source, folder, linked: as of :func:`download`.

    Raises:
        LanzdmlError: the file of sums cannot be fetched or written, says nothing of the archive,
            or is a link that leads elsewhere.
    """
    if not source.sums:
        return Checksum("md5", source.md5)
    file = folder / source.sums
    Places(folder, linked).check(file)
    try:
        if not file.exists():
            with replacing(file) as temporary:
                _fetch(source.sums_url, temporary)
                return _sum_in(temporary, source.file, dataset, source.sums_url)
        return _sum_in(file, source.file, dataset, str(file))
    except _NetworkError as error:
        help = f"{_by_hand(source.file, folder)} and leave out download"
        if (folder / source.file).exists():
            help = (
                f"{source.file} is there and only {source.sums} is missing: place it in {folder}, "
                "too, or leave out download, and then the archive is not checked"
            )
        raise LanzdmlError(
            f"{dataset}: cannot download {source.sums_url}: {error}; {help}"
        ) from None
    except OSError as error:
        raise _cannot_keep(dataset, source.sums, error, folder) from None


def _sum_in(sums: Path, name: str, dataset: str, where: str) -> Checksum:
    """The sum of a file in what ``sha512sum`` writes: lines of a sum, and a name as it was given.

    A star before the name says that the file was read as bytes.
    """
    for line in read_bounded(sums).decode("utf-8", errors="replace").splitlines():
        digits, _, named = line.strip().partition(" ")
        if named.strip().removeprefix("*").removeprefix("./") == name and _SHA512.fullmatch(
            digits.lower()
        ):
            return Checksum("sha512", digits.lower())
    raise LanzdmlError(
        f"{dataset}: {where} has no SHA-512 sum of {name}: fetch it again, or place {name} without "
        "download"
    )


def _by_hand(file: str, folder: Path) -> str:
    from lanzdml.datasets.raw import LAYOUTS

    return f"try again, or place {file} in {folder} yourself ({LAYOUTS})"


def _cannot_keep(dataset: str, file: str, error: OSError, folder: Path) -> LanzdmlError:
    return LanzdmlError(
        f"{dataset}: cannot keep {file} in {folder}: {error.strerror}; what is there stays, and is "
        "continued when you try again"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(url: str, part: Path) -> None:
    """Fetch what a part lacks, on a new connection where one breaks that has brought some data."""
    for connection in range(1, CONNECTIONS + 1):
        have = _size(part)
        try:
            _receive(url, part, have)
            return
        except _NetworkError:
            if connection == CONNECTIONS or _size(part) <= have:
                raise


def _receive(url: str, part: Path, have: int) -> None:
    from tqdm import tqdm

    response, start = _ask(url, have)
    # Not opened for appending: two runs at once then write the same bytes to the same places, and
    # the slower one does no harm to a file that the faster one has finished.
    with response, open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        total = None if response.length is None else start + response.length
        with tqdm(
            desc=url.rpartition("/")[2],
            initial=start,
            total=total,
            unit="B",
            unit_scale=True,
            mininterval=10,
        ) as progress:
            for chunk in _chunks(response):
                file.write(chunk)
                progress.update(len(chunk))
        if total is not None and file.tell() < total:
            raise _NetworkError(f"the connection broke at {file.tell():,} of {total:,} bytes")


def _ask(url: str, have: int) -> tuple[HTTPResponse, int]:
    """The answer to a request for what follows the first bytes, and where in the file it starts."""
    # A name of our own, as some servers refuse that of urllib.
    headers = {"User-Agent": "lanzdml"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with _network():
        try:
            response = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
        except HTTPError as error:
            if have and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return _ask(url, 0)  # the part is no beginning of the file, but longer
            raise
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return response, 0
    if have and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        response.close()
        return _ask(url, 0)
    return response, have


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    with _network():
        while chunk := response.read(_CHUNK):
            yield chunk


@contextmanager
def _network() -> Iterator[None]:
    """Tells what the network does wrong from what the disk does, as both raise OSError."""
    try:
        yield
    except (OSError, HTTPException) as error:
        # A URLError wraps the reason why there is no connection.
        reason = error if isinstance(error, HTTPError) else getattr(error, "reason", error)
        raise _NetworkError(str(reason)) from None
