"""What lies between the parts: folders of results that others made, and texts without end."""

import json
import os
import signal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from lanzdml.config.datasets import DatasetConfig
from lanzdml.datasets import cub200, deepfashion, demo_cars, own, raw, summary, synthetic_cars
from lanzdml.datasets.manifest import fingerprint_of, read_manifest
from lanzdml.embeddings import storage
from lanzdml.embeddings.prompts import make_prompts, read_aspects, read_prompts
from lanzdml.errors import LanzdmlError
from lanzdml.files import Kept, delete_leftovers
from lanzdml.limits import Limits, imposed
from lanzdml.metrics.runs import COLUMNS, read_runs
from lanzdml.names import normalized
from lanzdml.report import provenance
from lanzdml.transforms.storage import load_transform
from tests.attacks.bounded import attack

# Folders of results


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    (folder / "kept" / "aa").mkdir(parents=True)
    (folder / "report.html").write_text("of mine")
    return folder


def test_a_link_among_what_is_kept_deletes_no_results(results):
    (results / "kept" / "bb").symlink_to("..")
    Kept(results / "kept").forget()
    assert (results / "report.html").read_text() == "of mine"


def test_what_is_no_file_among_what_is_kept_ends_no_run(results):
    (results / "kept" / "aa" / "gone").symlink_to("nowhere")
    (results / "kept" / "aa" / ".folder").mkdir()
    (results / "kept" / "aa" / f"aa.0.{16 * 'a'}").mkdir()
    os.mkfifo(results / "kept" / "aa" / f"aa.1.{16 * 'a'}")
    (results / "kept" / "aa" / "old").write_text("")
    kept = Kept(results / "kept")
    kept.forget()
    signal.alarm(10)
    assert not kept.take("aa", [results / "one", results / "two"])
    signal.alarm(0)
    assert not (results / "kept" / "aa" / "old").exists()


def test_a_folder_that_looks_like_a_leftover_ends_no_job(results):
    (results / f".{32 * 'a'}.report.html").mkdir()
    (results / f".{32 * 'b'}.report.html").write_text("")
    delete_leftovers(results / "report.html")
    assert not (results / f".{32 * 'b'}.report.html").exists()


def recalled(file):
    """What is known then; ended after some seconds, if it only waits."""
    signal.alarm(10)
    summary.recall(file)
    return len(summary._known)


@pytest.mark.parametrize("kind", ["pipe", "device", "large"])
def test_what_is_kept_of_tables_is_a_small_file(kind, results):
    file = results / "kept" / "tables.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        with file.open("w") as opened:
            opened.truncate(2**32)
    assert attack(recalled, file, cpu_seconds=5, gib=0.2).value == 0


@pytest.mark.parametrize("values", [([[1]], ["a"], 1), (["a"], [{}], 1), (["a"], ["a"], "many")])
def test_what_is_kept_of_tables_is_text_and_numbers(values, results, monkeypatch):
    monkeypatch.setattr(summary, "_known", {})
    file = results / "kept" / "tables.json"
    file.write_text(json.dumps({"version": 1, "tables": [["/table.csv", 1, 2, *values]]}))
    summary.recall(file)
    assert not summary._known


def refused(function, *arguments):
    with pytest.raises(LanzdmlError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def embeddings(path, **metadata):
    vectors = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0], pa.float32()), 2)
    table = pa.table({"image_id": ["a"], "embedding": vectors})
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


@pytest.mark.parametrize(
    "read",
    [
        storage.read_metadata,
        storage.read_embeddings,
        storage.logit_scale_of,
        fingerprint_of,
        lambda path: provenance.embedded({("cars", "clip"): path}),
    ],
)
def test_metadata_that_is_no_text(read, tmp_path):
    path = embeddings(tmp_path / "a.parquet", logit_scale=b"\xff", manifest_fingerprint=b"\xff")
    assert "delete it and run again" in refused(read, path)


@pytest.mark.parametrize("scale", ["nan", "inf", "-1", "0", "much", "1e999"])
def test_a_logit_scale_that_is_none(scale, tmp_path):
    refused(storage.logit_scale_of, embeddings(tmp_path / "a.parquet", logit_scale=scale))


PANDAS = '{"index_columns": ["image_id"], "columns": [1], "column_indexes": [], "creator": {}}'


def test_what_pandas_keeps_in_a_file_is_not_asked(tmp_path):
    """Where it said so, ids were no column, or it ended in an error of pandas."""
    path = embeddings(tmp_path / "a.parquet", pandas=PANDAS)
    rows, _, _ = storage.read_embeddings(path)
    assert rows["image_id"].tolist() == ["a"]
    assert read_manifest(path, ["image_id"])["image_id"].tolist() == ["a"]


@pytest.mark.parametrize("key", ["parts", "weights"])
def test_a_transform_with_brackets_in_brackets(key, tmp_path):
    metadata = {"method": "indirect", "params": "{}", "seed": "0", "status": "ok", "reason": ""}
    path = tmp_path / "a.safetensors"
    save_file({}, path, metadata | {"parts": "[]", "weights": "[]", key: "[" * 100_000})
    assert "does not fit this version" in refused(load_transform, path)


def again(value, n):
    return pa.array([value]).take(pa.array(np.zeros(n, np.int32)))


def of_demo(path):
    return len(demo_cars.read_manifest(path))


def of_embeddings(path):
    return len(storage.read_embeddings(path)[1])


def of_manifest(path):
    return len(read_manifest(path))


def of_runs(path):
    return len(read_runs([path]))


def texts(path):
    small = {name: pa.nulls(2**14, pa.string()) for name in COLUMNS}
    long = pa.DictionaryArray.from_arrays(np.zeros(2**14, np.int32), ["a" * 2**20])
    pq.write_table(pa.table(small | {"image_id": long, "reason": long}), path, store_schema=False)


def images(path):
    small = {name: again("a", 2**10) for name in demo_cars.COLUMNS}
    picture = pa.DictionaryArray.from_arrays(np.zeros(2**10, np.int32), [bytes(2**22)])
    pq.write_table(pa.table(small | {"image": picture}), path, store_schema=False,
                   compression="zstd")  # fmt: skip


def numbers(path):
    with pq.ParquetWriter(path, schema := pa.schema([
        ("image_id", pa.string()), ("embedding", pa.list_(pa.float32(), 2**12))
    ]), compression="zstd") as writer:  # fmt: skip
        values = pa.array(np.zeros(2**22, np.float32))
        vectors = pa.FixedSizeListArray.from_arrays(values, 2**12)
        for _ in range(60):
            writer.write_table(pa.table([again("a", 2**10), vectors], schema=schema))


BOMBS = {
    "texts": (texts, (of_manifest, of_runs, of_embeddings)),
    "images": (images, (of_demo, of_manifest)),
    "numbers": (numbers, (of_embeddings, of_manifest)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_results_unpack_to_little(name, tmp_path):
    make, readers = BOMBS[name]
    make(tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 2**22
    for read in readers:
        said = attack(read, tmp_path / "a.parquet", cpu_seconds=10, gib=2)  # Arrow reserves one
        assert "limits.archive_ratio" in said.error


# Texts without end

MARKS = "\u0315\u0316" * 25_000  # to be put in order, each before all others


def aspects_of(text, path):
    path.write_text(f"{text}\nb\n")
    return read_aspects(str(path))


def labels_of(text, path):
    (path.parent / "1.png").write_bytes(b"")
    path.with_suffix(".csv").write_text(f"image,color\n1.png,{text}\n")
    return own.read_manifest(path.parent, path.with_suffix(".csv"))["color"].tolist()


def paths_of(text, path):
    path.with_suffix(".csv").write_text(f"image,color\n{text},red\n")
    return own.read_manifest(path.parent, path.with_suffix(".csv"))


def test_marks_without_end_on_one_letter(tmp_path):
    """It took three seconds and more, and hours for a line of a list."""
    says = attack(aspects_of, f"a{MARKS}", tmp_path / "list.txt", cpu_seconds=2).error
    assert "more than 4,096 letters" in says
    marked = attack(labels_of, f"a{MARKS}", tmp_path / "table.csv", cpu_seconds=2)
    assert marked.value == [f"a{MARKS}"]
    assert "there is no image" in attack(paths_of, MARKS, tmp_path / "t.csv", cpu_seconds=2).error


def test_accents_are_written_in_one_way_in_long_texts_too():
    assert normalized("Ame\u0301lie " * 50) == "Am\xe9lie " * 50
    assert normalized("Am\xe9lie " * 50, "NFD") == "Ame\u0301lie " * 50


@pytest.mark.parametrize("texts", [["a" * 5000, "b"], ["b", "c " * 2500 + "d"]])
def test_prompts_without_end(texts, tmp_path):
    """For labels and lists alike; tokenizers take minutes for a word."""
    assert "more than 4,096 letters" in refused(make_prompts, "a {aspect}", texts)
    (tmp_path / "list.txt").write_text("\n".join(texts))
    assert "more than 4,096 letters" in refused(read_prompts, str(tmp_path / "list.txt"))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\x1c", "\x85", "\u2028"])
def test_lines_of_nothing(end, tmp_path):
    (tmp_path / "list.txt").write_bytes(f"a{end}".encode() * 11)
    with imposed(Limits(table_rows=10)):
        assert "limits.table_rows" in refused(raw.read_lines, tmp_path / "list.txt")
    with imposed(Limits(table_rows=11)):
        assert raw.read_lines(tmp_path / "list.txt") == ["a"] * 11


def test_a_line_without_end(tmp_path):
    (tmp_path / "list.txt").write_text("1 " * 2**23 + "1")
    assert "which no list has" in refused(raw.read_lines, tmp_path / "list.txt")


DIGITS = "1" * 5000  # Python raises for so many


def test_numbers_without_end(tmp_path):
    (tmp_path / "list.txt").write_text(f"{DIGITS} a\n")
    assert "is no number and a value" in refused(cub200._read_list, tmp_path / "list.txt")
    (tmp_path / "list_category_cloth.txt").write_text("1\nname type\nTee 1\n")
    (tmp_path / "test_cate.txt").write_text(f"{DIGITS}\n")
    assert "is no category" in refused(deepfashion._categories, tmp_path, 1)


@pytest.mark.parametrize("column", ["frame", "color_sat"])
def test_numbers_that_no_integer_holds(column, tmp_path):
    """A frame had another number, and a colour was an error of Python."""
    columns = [
        "frame",
        "model",
        *(name for names in synthetic_cars._HSV.values() for name in names),
    ]
    row = dict.fromkeys(columns, "1") | {column: "1e300"}
    (tmp_path / "samples.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    says = refused(synthetic_cars._read_table, tmp_path / "samples.csv")
    assert f"{column} is '1e300', no number" in says


def test_a_mask_again_and_again(tmp_path):
    """All of them are in memory, and in the manifest."""
    (tmp_path / "mask.png").write_bytes(bytes(2**18))
    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(b"")
    rows = "".join(f"{number}.png,mask.png\n" for number in range(8))
    (tmp_path / "table.csv").write_text(f"image,mask\n{rows}")
    with imposed(Limits(table_mib=1)):
        says = refused(own.read_manifest, tmp_path, tmp_path / "table.csv")
    assert "limits.table_mib" in says
    with imposed(Limits(table_mib=2)):
        assert len(own.read_manifest(tmp_path, tmp_path / "table.csv")) == 8


# Tables and lists within a dataset


@pytest.mark.parametrize("key", ["labels", "aspects", "prompts"])
@pytest.mark.parametrize("linked", [False, True])
def test_tables_and_lists_that_are_links_out(key, linked, tmp_path, monkeypatch):
    """Each line of somebody's secret was a prompt, and on the page."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "data" / "labels.csv").write_text("image,color\n1.png,red\n2.png,blue\n")
    (tmp_path / "data" / "list.txt").write_text("red\nblue\n")
    file = tmp_path / "data" / ("labels.csv" if key == "labels" else "list.txt")
    file.rename(tmp_path / "home" / file.name)
    file.symlink_to(f"../home/{file.name}")
    notion = {"prompts": "data/list.txt"}
    if key == "aspects":
        notion = {"template": "a {aspect}", "aspects": "data/list.txt"}
    dataset = {"labels": "data/labels.csv", "notions": {"color": notion}}
    dataset |= {"linked": ["home"]} if linked else {}
    lines = DatasetConfig.model_validate(dataset).check("datasets.mine", "mine", [], [])
    if linked:
        assert not lines
    else:
        assert f"{key}: data/{file.name} lies at {tmp_path}/home" in lines[0]
