"""Archives and unpacked folders of others: they fill nothing, leave nothing and bring no links."""

import gzip
import io
import json
import lzma
import os
import random
import shutil
import struct
import tarfile
import time
import zipfile
import zlib
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from lanzdml.datasets import archives, entries, tars
from lanzdml.datasets.archives import unpacked
from lanzdml.errors import LanzdmlError
from lanzdml.limits import Limits, imposed
from tests.attacks.bounded import attack

MIB = 2**20
END = bytes(1024)
ESCAPES = "\x1b[2J\nError: forged\u202e"


def header(name, size=0, kind=b"0", extended=0):
    """A header of a tar with any size, negative ones, too; or of a sparse file with a map."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = size.to_bytes(12, "big", signed=True) if size < 0 else b"%011o\0" % size
    if size >= 8**11:
        block[124:136] = b"\x80" + size.to_bytes(11, "big")
    block[156:157] = kind
    block[482] = extended
    block[148:156] = b" " * 8
    block[148:155] = b"%06o\0" % sum(block)
    return bytes(block)


def repeated(start, piece, times, end=b""):
    """A gzip file of a start, a piece so many times, and an end; made in no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)

    def packed(data):
        return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)

    packed_start, packed_piece = packed(start), packed(piece)
    body = packed_start + packed_piece * times + packer.compress(end) + packer.flush()
    crc, size = zlib.crc32(start), len(start) + len(piece) * times + len(end)
    if size < 64 * MIB:  # of larger ones nobody gets that far
        crc = zlib.crc32(start + piece * times + end)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + struct.pack("<II", crc, size % 2**32)


def refused(path):
    """The message: one line of no more than some words; nothing is left beside the archive."""
    before = sorted(path.parent.iterdir())
    with pytest.raises(LanzdmlError) as caught:
        unpacked(path)
    assert sorted(path.parent.iterdir()) == before
    return one_line(path, str(caught.value))


def one_line(path, message):
    assert message.isprintable()
    assert len(message) < 600
    assert str(path) in message
    return message


# Folders that came with their archive


def make(tmp_path):
    """An archive and the folder that was made of it here."""
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "of the archive")
    return archive, unpacked(archive)


def received(folder, secret):
    """The same folder as a copy that keeps all that a copy can keep, with other content."""
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    (folder.with_name("copy")).rename(folder)
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(secret)
    (folder / "folder").symlink_to(secret.parent)


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/key").write_text("a key")
    return tmp_path / "home/key"


def keep(folder, genuine):
    pass


def marker_of_an_earlier_version(folder, genuine):
    marker = json.loads((folder / ".unpacked.json").read_text())
    del marker["made_ns"]
    (folder / ".unpacked.json").write_text(json.dumps(marker))


def no_lock(folder, genuine):
    (folder / ".unpacked.lock").unlink()
    marker = json.loads((folder / ".unpacked.json").read_text())
    (folder / ".unpacked.json").write_text(json.dumps({**marker, "made_ns": None}))


def link_to_the_lock_of_another(folder, genuine):
    (folder / ".unpacked.lock").unlink()
    (folder / ".unpacked.lock").symlink_to(genuine / ".unpacked.lock")
    shutil.copy(genuine / ".unpacked.json", folder / ".unpacked.json")


@pytest.mark.parametrize(
    "change", [keep, marker_of_an_earlier_version, no_lock, link_to_the_lock_of_another]
)
def test_a_received_folder_is_made_anew(change, tmp_path, secret, caplog):
    archive, folder = make(tmp_path)
    (tmp_path / "other").mkdir()
    shutil.copy2(archive, tmp_path / "other/x.zip")
    genuine = unpacked(tmp_path / "other/x.zip")
    received(folder, secret)
    change(folder, genuine)
    assert unpacked(archive) == folder
    assert not (folder / "a.txt").is_symlink()
    assert (folder / "a.txt").read_text() == "of the archive"
    assert not os.path.lexists(folder / "folder")
    assert secret.read_text() == "a key"
    (line,) = caplog.messages
    assert line == f"{folder} was of another state of x.zip, or a copy: it is made anew"


def test_a_link_in_place_of_the_folder(tmp_path, secret):
    archive, folder = make(tmp_path)
    folder.rename(secret.parent / "x.zip.unpacked")
    folder.symlink_to(secret.parent / "x.zip.unpacked")
    assert "is in the way of unpacking" in one_line(folder, refused(archive))


def test_a_pipe_or_a_link_in_place_of_the_marker(tmp_path, secret):
    archive, folder = make(tmp_path)
    marker, text = folder / ".unpacked.json", (folder / ".unpacked.json").read_text()
    marker.unlink()
    os.mkfifo(marker)
    assert "is in the way of unpacking" in refused(archive)
    marker.unlink()
    secret.write_text(text)
    marker.symlink_to(secret)
    assert "is in the way of unpacking" in refused(archive)


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "\x00", '{"a": 1}' * 9999])
def test_a_marker_of_nonsense(text, tmp_path):
    archive, folder = make(tmp_path)
    (folder / ".unpacked.json").write_text(text)
    assert "is in the way of unpacking" in one_line(folder, refused(archive))


@pytest.mark.parametrize("text", ["[]", '"x"', "7", "null", "[" * 90 + "]" * 90])
def test_a_marker_of_something_else(text, tmp_path):
    archive, folder = make(tmp_path)
    (folder / ".unpacked.json").write_text(text)
    (folder / "a.txt").write_text("other")
    assert (unpacked(archive) / "a.txt").read_text() == "of the archive"


def test_a_file_system_that_has_no_time_of_its_own(tmp_path, monkeypatch):
    """There a copy could bring the stamp: the time of change is the one that programs set."""
    archive, folder = make(tmp_path)

    def lstat(path, *, lstat=os.lstat, **options):
        status = lstat(path, **options)
        if not str(path).endswith(".unpacked.lock"):
            return status
        time_ns = status.st_mtime_ns
        return SimpleNamespace(st_mode=status.st_mode, st_mtime_ns=time_ns, st_ctime_ns=time_ns)

    marker = json.loads((folder / ".unpacked.json").read_text())
    (folder / ".unpacked.json").write_text(json.dumps({**marker, "made_ns": 0}))
    monkeypatch.setattr(os, "lstat", lstat)
    with pytest.raises(LanzdmlError, match="cannot tell the folder from a copy: unpack it your"):
        unpacked(archive)
    assert list(tmp_path.iterdir()) == [archive]


def test_whoever_only_reads_changes_nothing(tmp_path):
    archive, folder = make(tmp_path)
    paths = [tmp_path, *tmp_path.rglob("*")]
    before = [os.lstat(path).st_ctime_ns for path in paths]
    assert unpacked(archive) == folder
    assert [os.lstat(path).st_ctime_ns for path in paths] == before
    assert (folder / ".unpacked.lock").stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    now = os.umask(0)
    os.umask(now)
    return now


def test_the_folder_of_a_faster_job_is_not_put_away(tmp_path, secret, monkeypatch):
    archive, folder = make(tmp_path)
    received(folder, secret)
    inodes, look = [], archives._is_ready

    def slow(folder, root):
        answer = look(folder, root)
        monkeypatch.setattr(archives, "_is_ready", look)
        unpacked(archive)  # the other job, from its beginning to its end
        inodes.append(folder.stat().st_ino)
        return answer

    monkeypatch.setattr(archives, "_is_ready", slow)
    assert unpacked(archive).stat().st_ino == inodes[0]


def nest(folder, depth):
    """Folders in one another, deeper than paths, the stack and open files go."""
    folder.mkdir(exist_ok=True)
    before = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(depth):
            os.mkdir("folder")
            os.chdir("folder")
        Path("file").write_text("deep")
    finally:
        os.chdir(before)


@pytest.mark.slow
def test_a_received_folder_of_any_depth_is_deleted(tmp_path):
    archive, folder = make(tmp_path)
    os.utime(archive, (0, 0))
    nest(folder / "deep", 1300)
    (folder / "deep/link").symlink_to(archive)
    assert sorted(path.name for path in unpacked(archive).iterdir() if path.name[0] != ".") == [
        "a.txt"
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip", "x.zip.unpacked"]


# Leftovers


def leftover(archive):
    return archive.with_name(f".{'0a' * 16}.{archive.name}.unpacked")


def test_a_link_that_looks_like_a_leftover(tmp_path, secret):
    archive, _ = make(tmp_path)
    (secret.parent / ".unpacked.lock").write_text(archives._HOST)
    os.utime(secret.parent, (0, 0))
    leftover(archive).symlink_to(secret.parent)
    unpacked(archive)
    assert secret.read_text() == "a key"


@pytest.mark.slow
def test_a_leftover_of_any_depth_is_deleted(tmp_path):
    archive, _ = make(tmp_path)
    nest(leftover(archive), 1300)
    (leftover(archive) / ".unpacked.lock").write_text(archives._HOST)
    unpacked(archive)
    assert not leftover(archive).exists()


def test_a_pipe_in_place_of_a_lock(tmp_path):
    archive, _ = make(tmp_path)
    leftover(archive).mkdir()
    os.mkfifo(leftover(archive) / ".unpacked.lock")
    os.utime(leftover(archive), (time.time() - 2 * archives.DAY,) * 2)
    unpacked(archive)
    assert not leftover(archive).exists()


# Names


NAMES = {
    "1,900 folders": ("a/" * 1900 + "f", "lies in more than 100 folders"),
    "a long name": ("a" * 60_000, "is too long"),
    "a long name of a folder": ("a" * 300 + "/f", "is too long"),
    "a long path": (("a" * 200 + "/") * 30 + "f", "is too long"),
    "an escape": (f"../{ESCAPES}", r"its entry '../\x1b[2J\nError: forged\u202e' leads out"),
    "a long way out": ("../" + "a" * 60_000, "leads out of its folder"),
}


@pytest.mark.parametrize("case", NAMES)
@pytest.mark.parametrize("name", ["x.zip", "x.tgz"])
def test_names(case, name, tmp_path):
    entry, says = NAMES[case]
    if name == "x.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr(entry, b"x")
    else:
        with tarfile.open(tmp_path / name, "w:gz") as file:
            file.addfile(tarfile.TarInfo(entry))
    assert says in refused(tmp_path / name)


def test_a_name_in_an_error_of_zipfile(tmp_path):
    name = "a" * 60_000 + "\x1b[2J"
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr(name, b"x")
    data = bytearray((tmp_path / "x.zip").read_bytes())
    data[40] ^= 1  # in the first of its two places
    (tmp_path / "x.zip").write_bytes(data)
    refused(tmp_path / "x.zip")


# Sizes that are said, before anything is written


def tar_of(tmp_path, *blocks):
    (tmp_path / "x.tar").write_bytes(b"".join(blocks))
    return tmp_path / "x.tar"


def overlapping(path, times, size):
    """A zip whose entries all are the same bytes, as the bomb of Fifield has it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = bytes(size)
    packed = packer.compress(content) + packer.flush()
    sizes = (zlib.crc32(content), len(packed), size)
    rows = []
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, *sizes, 1, 0) + b"a"
    for number in range(times):
        name = b"a" if number == 0 else b"%d" % number
        rows.append(
            struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, *sizes, len(name), *[0] * 6)
            + name
        )
    directory = b"".join(rows)
    start, count = len(local) + len(packed), min(times, 65535)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), start, 0)
    path.write_bytes(local + packed + directory + end)
    return path


def test_a_zip_of_entries_over_the_same_bytes(tmp_path):
    path = overlapping(tmp_path / "x.zip", 10_000, 10 * MIB)
    assert path.stat().st_size < MIB
    assert "a GiB and 200 times its" in refused(path)
    assert "raise limits.archive_ratio" in refused(path)
    with imposed(Limits(archive_ratio=10**6, archive_gib=90)):
        assert "more than 90 GiB; if that is right, raise limits.archive_gib" in refused(path)


def test_a_zip_that_says_less_than_it_holds(tmp_path):
    path = overlapping(tmp_path / "x.zip", 1, 10 * MIB)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    assert "Bad CRC-32" in refused(path)


SPARSE = {
    "old": [header("a", 0, b"S")],
    "old, of huge size": [header("a", 2**60, b"S")],
    "0.0": [header("h", 22, b"x"), b"22 GNU.sparse.size=12\n".ljust(512, b"\0")],
    "0.1": [header("h", 31, b"x"), b"31 GNU.sparse.map=0,1,2,3,4,56\n".ljust(512, b"\0")],
    "1.0": [
        header("h", 44, b"x"),
        b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n".ljust(512, b"\0"),
    ],
}


@pytest.mark.parametrize("kind", SPARSE)
def test_sparse_files(kind, tmp_path):
    path = tar_of(tmp_path, *SPARSE[kind], header("a"), END)
    assert "is a sparse file; unpack it and give the folder" in refused(path)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        (2**50, "more than 1,024 GiB; if that is right, raise limits.archive_gib"),
        (2**80, "more than 1,024 GiB"),
        (2**31, "a GiB and 200 times its 512 bytes; if that is right, raise limits.archive_ratio"),
        (-512, "cannot be unpacked"),
        (-(2**40), "cannot be unpacked"),
    ],
)
def test_sizes_in_a_tar(size, says, tmp_path):
    assert says in refused(tar_of(tmp_path, header("a", size)))


@pytest.mark.parametrize("size", ["-512", "-99999999", "9" * 30, "x"])
def test_sizes_in_a_header_of_a_tar(size, tmp_path):
    """tarfile goes back by a negative one, and reads the same entry for ever."""
    record = f"{len(size) + 9} size={size}\n".encode()
    start = [header("h", len(record), b"x"), record.ljust(512, b"\0")]
    refused(tar_of(tmp_path, *start, header("a", 512), bytes(512), END))


@pytest.mark.parametrize("kind", [b"x", b"X", b"g", b"L", b"K"])
def test_headers(kind, tmp_path):
    message = "the header of an entry at byte 0 has more than 1,048,576 bytes"
    for size in (MIB, 2**31, 2**80):
        assert message in refused(tar_of(tmp_path, header("h", size, kind)))
    many = [header("h", 1000, kind), bytes(1024)] * 700
    if kind in b"xX":
        many[1::2] = [b"1000 comment=".ljust(999, b"x") + b"\n" + bytes(24)] * 700
    assert message in refused(tar_of(tmp_path, *many, header("a"), END))


def test_an_honest_header_of_every_kind(tmp_path):
    blocks = [header("h", 1000, b"g"), b"1000 comment=".ljust(999, b"x") + b"\n" + bytes(24)]
    blocks += [
        header("h", 300, b"K"),
        bytes(512),
        header("h", 6, b"L"),
        b"long/n".ljust(512, b"\0"),
    ]
    path = tar_of(tmp_path, *blocks, header("a", 1), b"1".ljust(512, b"\0"), END)
    assert (unpacked(path) / "long/n").read_text() == "1"


# Counts and room


def test_the_count_of_a_zip(tmp_path):
    path = overlapping(tmp_path / "x.zip", 60_000, 0)
    for count in (b"\1\0", b"\xff\xff"):  # whatever it says of it
        data = bytearray(path.read_bytes())
        data[-14:-10] = count * 2
        path.write_bytes(data)
        with imposed(Limits(archive_files=59_999)):
            assert "more than 59,999 files and folders; if that is right, raise limits" in refused(
                path
            )


def test_the_count_of_a_tar(tmp_path):
    path = tmp_path / "x.tgz"
    path.write_bytes(repeated(b"", header("a"), 101, END))
    with imposed(Limits(archive_files=100)):
        assert "more than 100 files and folders; if that is right, raise limits" in refused(path)
    with imposed(Limits(archive_files=102)):
        assert (unpacked(path) / "a").read_bytes() == b""


@pytest.mark.parametrize("name", ["x.zip", "x.tar"])
def test_room_is_left_on_the_disk(name, tmp_path, monkeypatch):
    if name == "x.zip":
        path = overlapping(tmp_path / name, 1, 10 * MIB)
    else:
        path = tar_of(tmp_path, header("a", 10 * MIB), bytes(10 * MIB), END)
    usage = SimpleNamespace(total=1000 * MIB, free=59 * MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert f"{tmp_path} has no room for what it holds; make some and run again" in refused(path)
    usage.free = 61 * MIB
    assert (unpacked(path) / "a").stat().st_size == 10 * MIB


# What takes time or memory to read


def unpacked_within(path, limits):
    with imposed(limits):
        return unpacked(path)


def in_process(path, **limits):
    return attack(unpacked_within, path, Limits(**limits), cpu_seconds=12, gib=0.25)


def xz_of_a_dictionary(bits):
    """An xz file that asks for a dictionary of the greatest size."""
    data = bytearray(lzma.compress(header("a") + END, preset=0))
    length = (data[12] + 1) * 4
    at = data.index(b"\x21\x01", 12) + 2
    data[at] = bits
    data[12 + length - 4 : 12 + length] = struct.pack("<I", zlib.crc32(data[12 : 12 + length - 4]))
    return bytes(data)


def test_an_xz_file_that_asks_for_memory(tmp_path):
    (tmp_path / "x.tar.xz").write_bytes(xz_of_a_dictionary(40))
    assert "Memory usage limit" in refused(tmp_path / "x.tar.xz")


def test_xz_files_one_after_the_other(tmp_path):
    """As parallel programs write them; the one of the strongest setting, too."""
    data = header("a", 5) + b"alpha".ljust(512, b"\0") + END + bytes(9000)
    parts = [data[:300], b"", data[300:700], data[700:]]
    packed = [lzma.compress(part, preset=9) + bytes(8) for part in parts]
    (tmp_path / "x.tar.xz").write_bytes(b"".join(packed))
    assert (unpacked(tmp_path / "x.tar.xz") / "a").read_text() == "alpha"
    (tmp_path / "y.tar.xz").write_bytes(b"".join(packed)[:-30])
    assert "it is cut off" in refused(tmp_path / "y.tar.xz")


def bz2_in_zip(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as file, file.open("a", "w") as entry:
        for _ in range(300):
            entry.write(bytes(MIB))


def write(path, parts):
    path.write_bytes(repeated(*parts))


DIGITS = header("h", MIB // 2, b"x") + b"1" * (MIB // 2)
RECORDS = b"".join(b"9 %05x=\n" % number for number in range(2**19 // 9 - 10))
RECORDS = RECORDS + b"%d a=" % (2**19 - len(RECORDS))
RECORDS = RECORDS.ljust(2**19 - 1, b"x") + b"\n"
HUGE = [header("h", 2**31, kind) for kind in (b"x", b"g", b"L")]
SPARSE_MAP = (b"00000000001\0" * 42 + b"\1").ljust(512, b"\0")  # 21 places, and more to come
PARTS = {
    "a header of 2 GiB": (HUGE[0], bytes(MIB), 2048),
    "a global header of 2 GiB": (HUGE[1], bytes(MIB), 2048),
    "a long name of 2 GiB": (HUGE[2], bytes(MIB), 2048),
    "a sparse map without end": (header("a", 0, b"S", extended=1), SPARSE_MAP * 2048, 2048),
    "a header of digits": (DIGITS, header("a"), 1, END),
    "headers of many records": (b"", header("h", len(RECORDS), b"x") + RECORDS, 300),
    "zeros after the end": (header("a") + END, bytes(MIB), 20_000),
}
EXHAUSTING = {
    **{case: ("x.tgz", partial(write, parts=parts)) for case, parts in PARTS.items()},
    "bzip2 in a zip": ("x.zip", bz2_in_zip),
    "a zip of a million entries": ("x.zip", partial(overlapping, times=10**6, size=0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", EXHAUSTING)
def test_what_is_small_takes_little(case, tmp_path):
    name, make = EXHAUSTING[case]
    make(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 64 * MIB
    before = sorted(tmp_path.iterdir())
    outcome = in_process(tmp_path / name, archive_files=100_000)
    one_line(tmp_path / name, outcome.error)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_empty_counts_as_a_block_of_the_disk(tmp_path, monkeypatch):
    """As 20 million entries in 40 MB would, above the first GiB."""
    monkeypatch.setattr(entries, "_GIB", MIB)
    write(tmp_path / "x.tgz", (b"", header("a", kind=b"5") * 1000, 20))
    assert "a GiB and 200 times" in refused(tmp_path / "x.tgz")


# Tars of all kinds are read as tarfile reads them


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_honest_tars(form, tmp_path):
    draw = random.Random(form)
    names = [
        "a",
        "b/" * 30 + "c",
        "d" * 99,
        "d" * 100,
        f"{'e' * 90}/{'f' * 99}",
        "Zoë/é",
        "日本.png",
    ]
    if form != tarfile.USTAR_FORMAT:
        names += ["g" * 200, "/".join("h" * 250 for _ in range(8)), "b\udcff.txt"]
    contents = {name: draw.randbytes(draw.choice([0, 1, 511, 512, 513, 3 * MIB])) for name in names}
    with tarfile.open(tmp_path / "x.tar.bz2", "w:bz2", format=form, compresslevel=1) as file:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1.5 if form == tarfile.PAX_FORMAT else 1
            file.addfile(member, io.BytesIO(content))
    folder = unpacked(tmp_path / "x.tar.bz2")
    assert {name: (folder / name).read_bytes() for name in names} == contents


def test_a_size_that_its_field_has_no_digits_for():
    assert tars._number(b"\x80" + (10**12).to_bytes(11, "big")) == 10**12
    assert tars._number(b"00000001750\0") == tars._number(b"   1750 \0\0\0\0") == 1000


def test_of_checksums_also_signed_ones_are_read(tmp_path):
    block = bytearray(header("\xe9"))
    block[148:156] = b" " * 8
    block[148:155] = b"%06o\0" % sum(byte - 256 * (byte > 127) for byte in block)
    path = tar_of(tmp_path, bytes(block), END)
    assert [entry.name for entry in unpacked(path).iterdir() if entry.name[0] != "."] == ["\xe9"]


def test_a_gzip_file_that_is_made_for_these_tests(tmp_path):
    data = gzip.decompress(repeated(b"start", b"piece", 3, b"end"))
    assert data == b"startpiecepiecepieceend"
