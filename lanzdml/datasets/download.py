"""Downloads of published archives: continued where they stopped, and kept only when complete."""

import hashlib
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

CONNECTIONS = 10  # of one call, each of which has to bring some data
TIMEOUT = 60  # seconds without any data
_CHUNK = 2**16


@dataclass(frozen=True)
class Download:
    """Where a collection's archive is published.

    ``holds`` is a name in it, by which :func:`lanzdml.datasets.raw.locate` finds the collection
    where it is unpacked already.
    """

    url: str
    file: str
    md5: str
    holds: str


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
        LanzdmlError: it cannot be fetched or written, or a file, fetched or found, has another
            checksum than the published one, or either name is a link that leads elsewhere.
    """
    from lanzdml.datasets.raw import LAYOUTS

    file, part = folder / source.file, folder / f"{source.file}.part"
    places = Places(folder, linked)
    places.check(file)
    places.check(part)
    by_hand = f"try again, or place {source.file} in {folder} yourself ({LAYOUTS})"
    try:
        if file.exists():
            if (md5 := _md5(file)) != source.md5:
                raise LanzdmlError(
                    f"{dataset}: {file} has the MD5 sum {md5} and not {source.md5}; move it away "
                    "to download it"
                )
            with suppress(OSError):
                part.unlink()
            return file
        folder.mkdir(parents=True, exist_ok=True)
        # A call that was stopped at its very end leaves a part that lacks nothing.
        if not part.exists() or _md5(part) != source.md5:
            _fetch(source.url, part)
            if (md5 := _md5(part)) != source.md5:
                part.unlink()
                raise LanzdmlError(
                    f"{dataset}: {source.file} from {source.url} has the MD5 sum {md5} and not "
                    f"{source.md5}, and is removed; {by_hand}"
                )
        part.rename(file)
    except _NetworkError as error:
        raise LanzdmlError(f"{dataset}: cannot download {source.url}: {error}; {by_hand}") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and file.exists():
            # Another run was faster, and the part is gone.
            return download(dataset, source, folder, linked)
        raise LanzdmlError(
            f"{dataset}: cannot keep {source.file} in {folder}: {error.strerror}; what is there "
            "stays, and is continued when you try again"
        ) from None
    return file


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


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
            desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, mininterval=10
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
