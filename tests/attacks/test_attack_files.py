"""Pictures, tables and annotations that are made to run programs or to exhaust the machine."""

import io
import os
import signal
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lanzdml.datasets import cars196, csv_file, movie_posters, own
from lanzdml.datasets.images import problem_of
from lanzdml.datasets.summary import summarise
from lanzdml.embeddings.prompts import read_prompts
from lanzdml.limits import Limits, imposed
from tests.attacks.bounded import attack

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
0 0 8 8 rectfill
showpage
%%EOF
"""
FITS = b"".join(
    card.ljust(80)
    for card in (
        b"SIMPLE  =                    T", b"BITPIX  =                    8",
        b"NAXIS   =                    2", b"NAXIS1  =                20000",
        b"NAXIS2  =                 8000", b"END",
    )
).ljust(2880)  # fmt: skip


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """One that is found first, and leaves a mark when it is run."""
    from PIL import EpsImagePlugin

    mark = tmp_path / "ran"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # to be looked for
    return mark


DOS = b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 30, len(EPS)) + bytes(18)


@pytest.mark.parametrize("start", [b"", DOS], ids=["EPS", "EPS of DOS"])
@pytest.mark.parametrize("of_file", [True, False])
def test_no_ghostscript_runs_what_a_picture_says(start, of_file, tmp_path, ghostscript):
    content = start + EPS
    path = tmp_path / "cat.png"
    path.write_bytes(content)
    with Image.open(path) as image, pytest.raises(OSError):  # what Pillow does as it comes
        image.load()
    assert ghostscript.exists()
    ghostscript.unlink()
    said = problem_of(path if of_file else content)
    assert not ghostscript.exists()
    assert said == "it is an EPS drawing, which is not read: convert it to JPEG or PNG"


def in_time(function, *arguments):
    """Ended after some seconds, if it only waits."""
    signal.alarm(10)
    return function(*arguments)


def test_what_never_ends_is_no_picture(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        assert "and no file" in attack(in_time, problem_of, tmp_path / name, cpu_seconds=5).value


# Exhaustion. Each is far above what it may take where it is not refused.


def png(width, height, rows):
    """Of black in RGB, with the data of some rows."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(3 * width + 1)) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def jpeg(n_scans, side=4000):
    """Whose last scan, a refinement of nothing, is there again and again."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), 100).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * n_scans + content[-2:]


def tiff(side, tags, data):
    """Grey of 8 bits; the data begin at 8."""
    tags = {256: [side], 257: [side], 258: [8], 259: [1], 262: [1], 277: [1]} | tags
    content, entries = b"II*\0\0\0\0\0" + data, b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            packed, content = struct.pack("<I", len(content)), content + packed
        entries += struct.pack("<HHI", tag, 4, len(values)) + packed
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return content[:4] + struct.pack("<I", len(content)) + content[8:] + directory


def strips(n):
    """Each of them the whole picture but one line."""
    side = 4000
    offsets = {273: [8] * n, 278: [side - 1], 279: [side * side] * n}
    return tiff(side, offsets, bytes(side * side))


def tile(side):
    """One that is larger than the picture."""
    data = zlib.compress(bytes(side))
    return tiff(8, {259: [8], 322: [side], 323: [side], 324: [8], 325: [len(data)]}, data)


def webp(side):
    """An animation on a canvas of that size, of one picture of 8 pixels."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "WEBP", lossless=True)

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data

    def three(number):
        return struct.pack("<I", number)[:3]

    frame = bytes(6) + three(7) * 2 + three(100) + b"\0" + buffer.getvalue()[12:]
    canvas = struct.pack("<I", 2) + three(side - 1) * 2
    body = chunk(b"VP8X", canvas) + chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", frame)
    return chunk(b"RIFF", b"WEBP" + body)


PICTURES = {
    "thin": (lambda: png(300_000, 1, 1), "limits.image_sides"),
    "scans": (lambda: jpeg(6000), "limits.image_scans"),
    "scans within TIFF": (
        lambda: tiff(4000, {259: [7], 273: [8], 278: [4000], 279: [9_999_999]}, jpeg(6000)),
        "decoder error",  # libtiff has a limit of its own, which this relies on
    ),
    "FITS": (lambda: FITS, "it is a FITS picture"),
    "strips": (lambda: strips(100_000), "more than once"),
    "tile": (lambda: tile(40_000), "limits.image_megapixels"),
    "canvas": (lambda: webp(16_383), "limits.image_megapixels"),
    "pixels": (lambda: png(13_400, 13_400, 9000), "limits.image_megapixels"),
    "letters": (lambda: b"P2 5000 5000 255\n" + b"1 " * 25_000_000, "limits.image_megapixels"),
    "odd white": (lambda: b"P5 5000 5000 254\n" + bytes(25_000_000), "limits.image_megapixels"),
    "numbers": (lambda: b"P6 9999999999 9999999999 255\n", "limits.image_megapixels"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_take_little(name):
    make, says = PICTURES[name]
    assert says in attack(problem_of, make(), cpu_seconds=3, gib=0.5).value


@pytest.mark.slow
def test_what_is_within_the_limits_does_not_take_the_machine():
    """A picture of a kilobyte that says to have as many pixels as it may."""
    assert attack(problem_of, png(13_300, 13_300, 1), cpu_seconds=20, gib=2).value is None


def again(value, n):
    """A column of one value, which is stored once."""
    return pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), [value])


def equal_rows(path):
    table = pa.table({"image": again("a", 2**22), "color": again("a", 2**22)})
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        for _ in range(40):
            writer.write_table(table)


def one_cell(size):
    def write(path):
        table = pa.table({"image": ["a"], "color": ["x" * size]})
        pq.write_table(table, path, compression="zstd", write_statistics=False)

    return write


def one_image(path):
    images = again(bytes(2**20), 2**16)
    pq.write_table(pa.table({"image": images}), path, compression="zstd", store_schema=False)


def one_prefix(path):
    """As above, by an encoding that stores how many bytes are those of the row before."""
    images = pa.array([bytes(2**20)]).take(pa.array(np.zeros(400, int)))  # 400 MiB
    pq.write_table(
        pa.table({"image": images}), path, compression="zstd", use_dictionary=False,
        column_encoding={"image": "DELTA_BYTE_ARRAY"},
    )  # fmt: skip


def many_cells(path):
    nulls, images = pa.nulls(2**19, pa.string()), again("a", 2**19)
    table = pa.table({"image": images} | {f"label {number}": nulls for number in range(500)})
    pq.write_table(table, path)


def many_columns(path):
    pq.write_table(
        pa.table({"image": ["a"]} | {f"{number}": ["x"] for number in range(5000)}), path
    )


def nested_classes(path):
    metadata = {"huggingface": "[" * 100_000}
    pq.write_table(pa.table({"image": ["a"]}).replace_schema_metadata(metadata), path)


def text(*parts):
    """A file of parts that are there so many times."""

    def write(path):
        with path.open("w") as file:
            for part, times in parts:
                for start in range(0, times, 2**20):
                    file.write(part * min(2**20, times - start))

    return write


TABLES = {
    "rows.parquet": (equal_rows, "limits.table_rows"),
    "cells.parquet": (many_cells, "limits.table_rows"),
    "columns.parquet": (many_columns, "limits.table_columns"),
    "cell.parquet": (one_cell(2**28), "limits.archive_ratio"),
    "long cell.parquet": (one_cell(2**18), "more than 131,072 bytes of text"),
    "image.parquet": (one_image, "limits.archive_ratio"),
    "prefix.parquet": (one_prefix, "limits.archive_ratio"),
    "classes.parquet": (nested_classes, None),
    "line.csv": (text(("image,color\n", 1), ("a", 2**28)), "letters or more"),
    "wide line.csv": (text(("image,color\n", 1), ("ä", 2**28)), "letters or more"),
    "cell.csv": (text(("image,color\na,", 1), ("b", 2**18)), "a cell has more than 131,072"),
    "quote.csv": (text(("image,color\na,\"", 1), ("b\n", 2**22)), "is a quote open"),
    "columns.csv": (text(("image", 1), (",b", 20_000)), "limits.table_columns"),
    "separators.csv": (text(("image", 1), (",", 2**23)), "limits.table_columns"),
    "rows.csv": (text(("image,color\n", 1), ("a,b\n", 2**21)), "limits.table_rows"),
    "blank.csv": (text(("image,color\n", 1), ("\n", 2**21)), "limits.table_rows"),
    "blank first.csv": (text(("\n", 2**21), ("image,color\n", 1)), "limits.table_rows"),
    "bytes.csv": (text(("image,color\n", 1), ("a,b\n", 2**23)), "limits.table_mib"),
}  # fmt: skip
LOW = Limits(table_rows=1_000_000, table_mib=2048)


def read_table(path, most):
    with imposed(most):
        summarise(path)
        return len(own.read_rows(path, ("image", "color")))


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_tables_take_little(name, tmp_path):
    make, says = TABLES[name]
    make(tmp_path / name)
    most = LOW if says != "limits.table_mib" else Limits(table_mib=16)
    said = attack(read_table, tmp_path / name, most, cpu_seconds=20, gib=2)
    if says is None:
        assert said.value == 1
    else:
        assert says in said.error
        assert "\n" not in said.error


@pytest.mark.slow
def test_a_large_table_takes_little_more_than_its_size(tmp_path):
    """It took thirteen times as much."""
    path = tmp_path / "labels.csv"
    text(("image,color,shape,size\n", 1), ("some/folder/1.png,red,round,large\n", 2**20))(path)
    assert attack(read_table, path, Limits(), gib=0.3).value == 2**20


def test_only_files_are_read(tmp_path):
    """Of those beside a collection's images, which nothing else asks for what they are."""
    (tmp_path / "car_color.csv").symlink_to("/dev/zero")
    error = attack(in_time, csv_file.read_csv, tmp_path / "car_color.csv", "image").error
    assert "and no file" in error


@pytest.mark.slow
def test_prompts_take_little(tmp_path):
    text(("ä" * 20 + "\n", 2**24))(tmp_path / "long.txt")
    assert "more than 1,000,000" in attack(read_prompts, str(tmp_path / "long.txt"), gib=0.5).error


# Beside a collection's images


RECORDS = {
    "large": ('{"a": [' + "[]," * 2**24, "within 131,072 letters"),
    "many": ("{}" * 1_100_000, "limits.table_rows"),
}


def read_records(folder):
    with imposed(Limits(table_rows=1_000_000)):
        return list(movie_posters._read_records(folder))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDS)
def test_records_take_little(name, tmp_path):
    text, says = RECORDS[name]
    (tmp_path / "1980.txt").write_text(text)
    error = attack(read_records, tmp_path, cpu_seconds=10, gib=0.6).error
    assert says in error
    assert "\n" not in error


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(kind, sides, *rest):
    parts = [(6, struct.pack("<II", kind, 0)), (5, struct.pack("<2i", *sides)), (1, b"annotations")]
    return element(14, b"".join([element(*part) for part in parts] + list(rest)))


def packed(data):
    data = zlib.compress(data, 9)
    return struct.pack("<II", 15, len(data)) + data


def within(n):
    cell = matrix(1, (1, 1))
    for _ in range(n):
        cell = matrix(1, (1, 1), cell)
    return cell


FIELDS = element(5, struct.pack("<i", 8)) + element(1, b"fname\0\0\0class\0\0\0")
MATLAB = {
    "bomb": (
        lambda: packed(matrix(6, (2**12, 2**13), element(9, bytes(2**28)))),
        "unpacks to more",
    ),
    "cells": (lambda: matrix(1, (1, 200_000_000)), "larger than it can be"),
    "fields": (lambda: packed(matrix(2, (200_000_000, 1), FIELDS)), "larger than it can be"),
    "deep": (lambda: within(3000), "more than 16 deep"),
    "sides": (lambda: element(14, element(6, bytes(8)) + element(5, bytes(2**20))), "larger than"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MATLAB)
def test_annotations_take_little(name, tmp_path):
    make, says = MATLAB[name]
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM"
    (tmp_path / "cars_annos.mat").write_bytes(head + make())
    path = tmp_path / "cars_annos.mat"
    assert says in attack(cars196._load, path, "annotations", cpu_seconds=5, gib=0.6).error


def test_no_more_processes_than_cores(monkeypatch, capsys):
    """Each takes 300 MB."""
    import torch

    from lanzdml.embeddings import loader

    started = []
    images = [torch.zeros(1)] * 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(loader, "DataLoader", lambda *_, **options: started.append(options) or [])
    monkeypatch.setattr(loader, "_bytes_an_image", lambda _: 4)
    clip = SimpleNamespace(preprocess=None, device="cpu")
    assert not list(loader.batches(images, clip, batch_size=4, workers=60))
    assert started[0]["num_workers"] == 2
    assert capsys.readouterr().out.count("\n") == 1
