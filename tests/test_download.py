"""Downloads: complete and checked or not there, and continued where they stopped."""

import errno
import hashlib
import json
import random
import resource
import shutil
import socket
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from lanzdml.datasets import DATASETS, download
from lanzdml.datasets.download import CONNECTIONS, Download
from lanzdml.errors import LanzdmlError
from tests.file_server import FileServer
from tests.raw_datasets import build_cub200

ROOT = Path(__file__).parents[1]
CONTENT = random.Random(0).randbytes(1000)
FILE, PART = "birds.tgz", "birds.tgz.part"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server():
    with FileServer(CONTENT) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "birds"


def published(server, url=None):
    return Download(url or server.url, FILE, "images", hashlib.md5(CONTENT).hexdigest())


def fetch(server, folder, url=None):
    """Download, and find nothing but the complete file."""
    assert download.download("birds", published(server, url), folder) == folder / FILE
    assert (folder / FILE).read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [FILE]


def error_of(server, folder):
    with pytest.raises(LanzdmlError) as caught:
        download.download("birds", published(server), folder)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("birds: ")
    return message


def place(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_a_file_is_fetched_into_a_new_folder_once(server, folder):
    fetch(server, folder)
    fetch(server, folder)
    assert server.asked == [None]


@pytest.mark.parametrize("path", ["birds.tgz", "moved"])
def test_only_what_a_part_lacks_is_asked_for(path, server, folder):
    place(folder, PART, CONTENT[:400])
    fetch(server, folder, server.url.replace("birds.tgz", path))
    assert server.asked == ["bytes=400-"]


def test_a_part_that_lacks_nothing_needs_no_server(server, folder):
    place(folder, PART, CONTENT)
    fetch(server, folder)
    assert server.asked == []


def test_a_server_without_ranges_starts_again(server, folder):
    server.ranges = "ignored"
    place(folder, PART, b"x" * 400)
    fetch(server, folder)
    assert server.asked == ["bytes=400-"]


def test_another_range_than_asked_for_is_not_taken(server, folder):
    server.ranges = "wrong"
    place(folder, PART, CONTENT[:400])
    fetch(server, folder)
    assert server.asked == ["bytes=400-", None]


@pytest.mark.parametrize("size", [1000, 1001, 5000])
def test_a_part_with_too_much_starts_again(size, server, folder):
    place(folder, PART, b"x" * size)
    fetch(server, folder)
    assert server.asked == [f"bytes={size}-", None]


def test_a_broken_connection_is_continued(server, folder):
    server.cut = 300
    fetch(server, folder)
    assert server.asked == [None, "bytes=300-", "bytes=600-", "bytes=900-"]


def test_connections_that_break_all_the_time_leave_a_part(server, folder):
    server.cut = 10
    size = 10 * CONNECTIONS
    assert f"the connection broke at {size} of 1,000 bytes; try again" in error_of(server, folder)
    assert (folder / PART).read_bytes() == CONTENT[:size]
    server.cut = None
    fetch(server, folder)
    assert server.asked[-1] == f"bytes={size}-"


def test_a_connection_that_brings_nothing_is_not_tried_again(server, folder):
    server.cut = 0
    assert "the connection broke at 0 of 1,000 bytes" in error_of(server, folder)
    assert server.asked == [None]


def test_a_silent_server(server, folder, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    server.cut, server.silent = 0, True
    assert "timed out; try again, or place" in error_of(server, folder)


def test_no_server_says_what_to_place_where(server, folder):
    server.shutdown()
    server.server_close()
    reason = f"[Errno {errno.ECONNREFUSED}] Connection refused"
    assert error_of(server, folder) == (
        f"birds: cannot download {server.url}: {reason}; try again, or place {FILE} in "
        f"{folder} yourself (docs/datasets.md)"
    )


def test_an_unknown_host(server, folder, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "] Name or service not known; try again, or place" in error_of(server, folder)


@pytest.mark.parametrize("have", [0, 400])
def test_an_error_of_the_server_leaves_the_part(have, server, folder):
    server.status = 404
    place(folder, PART, CONTENT[:have])
    assert f"{server.url}: HTTP Error 404: Not Found; try again" in error_of(server, folder)
    assert (folder / PART).read_bytes() == CONTENT[:have]
    assert len(server.asked) == 1


def test_wrong_content_is_removed(server, folder):
    server.content = b"<html>This file has moved.</html>"
    message = error_of(server, folder)
    assert FILE in message
    assert hashlib.md5(CONTENT).hexdigest() in message
    assert hashlib.md5(server.content).hexdigest() in message
    assert list(folder.iterdir()) == []


def test_a_part_beside_a_file_that_was_placed_by_hand_is_deleted(server, folder):
    place(folder, PART, CONTENT[:400])
    place(folder, FILE, CONTENT)
    fetch(server, folder)
    assert server.asked == []


def test_another_run_that_is_faster(server, folder, monkeypatch):
    receive = download._receive

    def slow(url, part, have):
        receive(url, part, have)
        part.unlink()  # as the other run does when it finds its own file complete
        place(folder, FILE, CONTENT)

    monkeypatch.setattr(download, "_receive", slow)
    fetch(server, folder)


def test_another_file_of_that_name_is_left_alone(server, folder):
    place(folder, FILE, b"mine")
    message = error_of(server, folder)
    assert f"{folder / FILE} has the MD5 sum {hashlib.md5(b'mine').hexdigest()}" in message
    assert message.endswith("; move it away to download it")
    assert (folder / FILE).read_bytes() == b"mine"
    assert server.asked == []


def test_a_full_disk_leaves_the_part(folder):
    content, room = CONTENT * 1000, 200_000
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with FileServer(content) as server:
        source = Download(server.url, FILE, "images", hashlib.md5(content).hexdigest())
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(LanzdmlError) as caught:
                download.download("birds", source, folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert str(caught.value) == (
            f"birds: cannot keep {FILE} in {folder}: File too large; what is there stays, and is "
            "continued when you try again"
        )
        assert (folder / PART).read_bytes() == content[:room]
        download.download("birds", source, folder)
        assert server.asked == [None, f"bytes={room}-"]


def test_a_file_in_place_of_the_folder(server, folder):
    place(folder.parent, folder.name, b"mine")
    assert f"cannot keep {FILE} in {folder}: File exists" in error_of(server, folder)


# A checksum that lies beside the archive

SUM, OTHER = hashlib.sha512(CONTENT).hexdigest(), hashlib.sha512(b"another").hexdigest()
SUMS = f"{OTHER}  more_birds.tgz\n{SUM}  birds.tgz\n".encode()


@pytest.fixture
def both():
    """A server of an archive and of the sums beside it."""
    with FileServer(CONTENT) as running:
        running.beside["/SHA512SUMS"] = SUMS
        yield running


def summed(server):
    return Download(server.url, FILE, "images", sums="SHA512SUMS")


def test_the_sum_beside_an_archive_is_what_it_must_have(both, folder):
    """Also of a part; and who has both files needs no server."""
    place(folder, PART, CONTENT[:400])
    assert download.download("birds", summed(both), folder) == folder / FILE
    assert both.asked == [None, "bytes=400-"]
    assert (folder / "SHA512SUMS").read_bytes() == SUMS
    assert {path.name for path in folder.iterdir()} == {FILE, "SHA512SUMS"}
    download.download("birds", summed(both), folder)
    assert len(both.asked) == 2
    assert download.checksum_of("birds", summed(both), folder).digits == SUM
    (folder / FILE).write_bytes(b"mine")
    with pytest.raises(LanzdmlError, match=f"has the SHA-512 sum .* and not {SUM}; move it away"):
        download.download("birds", summed(both), folder)
    assert (folder / FILE).read_bytes() == b"mine"


@pytest.mark.parametrize("line", ["{} *birds.tgz", "{}  ./birds.tgz\r", "  {} birds.tgz "])
def test_sums_however_they_are_written(line, both, folder):
    both.beside["/SHA512SUMS"] = f"# sums\n{line.format(SUM.upper())}\n".encode()
    download.download("birds", summed(both), folder)


@pytest.mark.parametrize(
    "sums",
    [
        b"",
        b"<html>Not here</html>",
        f"{SUM}  more_birds.tgz\n".encode(),
        f"{SUM[:40]}  birds.tgz\n".encode(),
        f"{SUM}  elsewhere/birds.tgz\n".encode(),
        bytes(3000),
    ],
)
def test_sums_that_say_nothing_of_the_archive(sums, both, folder):
    both.beside["/SHA512SUMS"] = sums
    with pytest.raises(LanzdmlError) as caught:
        download.download("birds", summed(both), folder)
    url = both.url.replace("birds.tgz", "SHA512SUMS")
    assert f"birds: {url} has no SHA-512 sum of birds.tgz: fetch it again" in str(caught.value)
    assert not [*folder.iterdir()], "the archive is not fetched without"


def test_sums_that_cannot_be_had(both, folder):
    del both.beside["/SHA512SUMS"]
    both.status = 404
    with pytest.raises(LanzdmlError) as caught:
        download.download("birds", summed(both), folder)
    message = str(caught.value)
    assert (
        f"cannot download {both.url.replace('birds.tgz', 'SHA512SUMS')}: HTTP Error 404" in message
    )
    says = f"or place {FILE} in {folder} yourself (docs/datasets.md) and leave out download"
    assert message.endswith(says)
    place(folder, FILE, CONTENT)
    with pytest.raises(LanzdmlError) as caught:
        download.download("birds", summed(both), folder)
    assert (
        f"{FILE} is there and only SHA512SUMS is missing: place it in {folder}, too, or leave "
        in (str(caught.value))
    )
    place(folder, "SHA512SUMS", SUMS)
    download.download("birds", summed(both), folder)


def test_an_archive_with_another_sum_than_the_one_beside_it(both, folder):
    both.content = b"x" * 1000
    with pytest.raises(LanzdmlError) as caught:
        download.download("birds", summed(both), folder)
    assert f"and not {SUM}, and is removed; delete {folder}/SHA512SUMS and try again" in str(
        caught.value
    )
    assert [path.name for path in folder.iterdir()] == ["SHA512SUMS"]


# What is registered


def test_registered_downloads_are_those_of_the_documents():
    text = (ROOT / "docs" / "datasets.md").read_text()
    sources = {name: dataset.download for name, dataset in DATASETS.items() if dataset.download}
    assert list(sources) == ["cub200", "clevr4"]
    for source in sources.values():
        assert source.file in text
        assert bool(source.md5) != bool(source.sums)
        assert (source.md5 or source.sums) in text
        assert source.url.startswith("https://")
        assert source.url.rpartition("/files/" if source.md5 else source.file)[0] in text


def run_script(name, folder, tmp_path, monkeypatch):
    """What the job of a download writes."""
    monkeypatch.syspath_prepend(str(ROOT / "workflow_scripts"))
    job = SimpleNamespace(
        wildcards=SimpleNamespace(dataset=name),
        params=SimpleNamespace(root=str(folder), linked=[], torchvision=None),
        output=[str(tmp_path / "results/download.json")],
    )
    import_module("download_dataset").main(job)
    return json.loads(Path(job.output[0]).read_text())


def test_a_collection_that_is_unpacked_is_not_downloaded(folder, tmp_path, monkeypatch, capsys):
    folder.mkdir(parents=True)
    build_cub200(folder)
    shutil.move(folder / "CUB_200_2011", folder / "birds")
    record = run_script("cub200", folder, tmp_path, monkeypatch)
    assert record == {"folder": str(folder / "birds")}
    assert capsys.readouterr().out.startswith("cub200: nothing to download, ")


def test_the_record_says_where_a_sum_is_from(both, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(DATASETS, "clevr4", replace(DATASETS["clevr4"], download=summed(both)))
    assert run_script("clevr4", folder, tmp_path, monkeypatch) == {
        "url": both.url,
        "file": str(folder / FILE),
        "sha512": SUM,
        "sums": str(folder / "SHA512SUMS"),
        "sums_url": both.url.replace("birds.tgz", "SHA512SUMS"),
        "bytes": len(CONTENT),
    }
