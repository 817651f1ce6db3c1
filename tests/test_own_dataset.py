"""Tables of the user's own images: what is read from them, and one line for each mistake."""

import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lanzdml.datasets import find_dataset
from lanzdml.datasets.manifest import check_manifest, write_manifest
from lanzdml.datasets.manifest import read_manifest as read_written
from lanzdml.datasets.own import has_label, label_columns, read_manifest
from lanzdml.errors import LanzdmlError
from tests.raw_datasets import save_image

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    """Three images."""
    for name in ("a.png", "b.png", "sub/c.jpg"):
        save_image(tmp_path / name)
    return tmp_path


def write_csv(folder, text, encoding="utf-8"):
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def write_parquet(folder, **columns):
    path = folder / "labels.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def rows_of(table, root=None):
    """The manifest as records, None for no label, checked as the workflow does."""
    manifest = read_manifest(root or table.parent, table)
    check_manifest(manifest, label_columns(table), "mine")
    return manifest.astype(object).where(manifest.notna(), None).to_dict("records")


def error_of(table, root=None):
    with pytest.raises(LanzdmlError) as caught:
        read_manifest(root or table.parent, table)
    message = str(caught.value)
    assert "\n" not in message
    assert table.name in message
    return message


# What is read


def test_csv(folder):
    table = write_csv(
        folder, 'image,color,kind\nb.png, red ,"big, old"\nsub/c.jpg,,NA\na.png,red,\n'
    )
    assert rows_of(table) == [
        {"image_id": "b.png", "path": "b.png", "color": "red", "kind": "big, old"},
        {"image_id": "sub/c.jpg", "path": "sub/c.jpg", "color": None, "kind": "NA"},
        {"image_id": "a.png", "path": "a.png", "color": "red", "kind": None},
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_any_separator(folder, separator):
    text = 'image,color\na.png,"light, red"\n'.replace("image,", f"image{separator}")
    (row,) = rows_of(write_csv(folder, text.replace("png,", f"png{separator}")))
    assert (row["path"], row["color"]) == ("a.png", "light, red")


@pytest.mark.parametrize("word", ["NA", "N/A", "null", "None", "nan", "NaN", "0", "false"])
def test_words_for_nothing_are_labels(folder, word):
    (row,) = rows_of(write_csv(folder, f"image,color\na.png,{word}\n"))
    assert row["color"] == word


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_of_any_program(folder, encoding, end):
    table = write_csv(folder, f"image, grün{end}a.png,hell{end},{end}{end}", encoding)
    assert rows_of(table) == [{"image_id": "a.png", "path": "a.png", "grün": "hell"}]


def test_image_id_is_no_notion(folder):
    table = write_csv(folder, "image_id,image,color\n7,a.png,red\n8,b.png,\n")
    assert [row["image_id"] for row in rows_of(table)] == ["7", "8"]
    assert label_columns(table) == ("color",)


def test_a_table_elsewhere_than_the_images(folder):
    (folder / "tables").mkdir()
    table = write_csv(folder / "tables", "image\nsub/c.jpg\n")
    assert rows_of(table, root=folder) == [{"image_id": "sub/c.jpg", "path": "sub/c.jpg"}]


def test_parquet_of_paths(folder):
    table = write_parquet(
        folder,
        image=["a.png", "b.png", "sub/c.jpg"],
        year=[1990, None, 2001],
        old=[True, False, None],
        kind=pa.array(["x", " ", "y "]).dictionary_encode(),
        empty=pa.nulls(3),
        price=[1.5, 2.0, None],
        tags=[["a"], [], None],
    )
    assert label_columns(table) == ("year", "old", "kind", "empty")
    assert [tuple(row.values()) for row in rows_of(table)] == [
        ("a.png", "a.png", "1990", "true", "x", None),
        ("b.png", "b.png", None, "false", None, None),
        ("sub/c.jpg", "sub/c.jpg", "2001", None, "y", None),
    ]


def test_parquet_of_encoded_images(folder):
    images = [(folder / name).read_bytes() for name in ("a.png", "b.png")]
    table = write_parquet(folder, image=images, color=["red", None])
    expected = [
        {"image_id": "0", "image": images[0], "color": "red"},
        {"image_id": "1", "image": images[1], "color": None},
    ]
    assert rows_of(table, root=folder / "nowhere") == expected
    hugging_face = [{"bytes": image, "path": "x.png"} for image in images]
    assert rows_of(write_parquet(folder, image=hugging_face, color=["red", None])) == expected
    named = write_parquet(folder, image=images, image_id=[11, 12])
    assert [row["image_id"] for row in rows_of(named)] == ["11", "12"]


def test_masks_are_no_notion_and_kept_encoded(folder):
    mask = (folder / "b.png").read_bytes()
    table = write_csv(folder, "image,mask,color\na.png,b.png,red\nb.png,,red\n")
    assert label_columns(table) == ("color",)
    assert [row["mask"] for row in rows_of(table)] == [mask, None]
    for masks in (["b.png", None], [mask, None], [{"bytes": mask}, {"bytes": None}]):
        table = write_parquet(folder, image=["a.png", "b.png"], mask=masks, color=["red"] * 2)
        assert [row["mask"] for row in rows_of(table)] == [mask, None]
    write_manifest(folder / "m.parquet", read_manifest(folder, table), ("color",), "mine")
    assert read_written(folder / "m.parquet")["mask"].tolist() == [mask, None]


def test_the_script_reads_images_in_an_archive(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "workflow_scripts"))
    shutil.make_archive(str(folder / "images"), "zip", folder, "sub")
    shutil.rmtree(folder / "sub")
    table = write_csv(folder, "image,color\nsub/c.jpg,red\n")
    output = SimpleNamespace(manifest=str(folder / "m.parquet"), excluded=str(folder / "e.csv"))
    job = SimpleNamespace(
        wildcards=SimpleNamespace(dataset="mine"),
        params=SimpleNamespace(
            root=str(folder / "images.zip"),
            labels=str(table),
            notions=("color",),
            skip_unreadable=False,
        ),
        output=output,
    )
    import_module("prepare_dataset").main(job)
    assert pd.read_parquet(output.manifest).to_dict("records") == [
        {"image_id": "sub/c.jpg", "path": "sub/c.jpg", "color": "red"}
    ]


def test_an_archive_of_a_kind_that_is_not_unpacked(folder):
    (folder / "images.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    table = write_csv(folder, "image,color\na.png,red\n")
    with pytest.raises(LanzdmlError, match=r"images\.7z is neither .* \(\.zip, .*: unpack it and"):
        read_manifest(folder / "images.7z", table)


def test_a_table_is_a_dataset(folder):
    dataset = find_dataset("mine", str(write_csv(folder, "image,color\na.png,red\n")))
    assert dataset.notions == ("color",)
    assert len(dataset.read_manifest(folder)) == 1
    assert find_dataset("demo_cars", None).module == "lanzdml.datasets.demo_cars"


# What is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'image', but nothing at all"),
        ("Image,color\na.png,red\n", "has no column 'image', but Image, color; give the column"),
        ("image,color,color\na.png,red,red\n", "has two columns 'color'"),
        ("image,color,\na.png,red,\n", "column 3 has no name"),
        ("image,path\na.png,x\n", "column 'path' has a name that manifests use themselves"),
        ("image,excluded\na.png,x\n", "column 'excluded' has a name"),
        ("image,color\n", "lists no images"),
        ("image,color\n\na.png,red\nb.png\n", "line 4: the number of cells is 1, that of col"),
        ("image,color\na.png,red,blue\n", "line 2: the number of cells is 3, that of columns 2"),
        ('image,color\na.png,"red\n', "is no CSV"),
        ("image,color\na.png,red\n ,blue\n", "line 3: image is empty"),
        ("image,color\na.png,red\nb.png,x\na.png,red\n", "line 4: image 'a.png' is there already"),
        ("image,image_id\na.png,1\nb.png,1\n", "line 3: image_id '1' is there already, in line 2"),
        ("image,image_id\na.png,1\nb.png,\n", "line 3: image_id is empty"),
        ("image\na.png\nsub\nx.png\n", "line 3: there is no image sub in "),
        ("image,mask\na.png,\nb.png,x.png\n", "line 3: there is no mask x.png in "),
        ("image\na.png\nx.png\ny.png\n", "(missing: 2 of 3); paths are relative to that folder"),
    ],
)  # fmt: skip
def test_bad_csv(folder, text, message):
    assert message in error_of(write_csv(folder, text))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"file": ["a.png"]}, "has no column 'image', but file"),
        ({"image": [1.5]}, "column image holds double; needed are paths (string) or encoded"),
        ({"image": ["a.png"], "mask": [[1, 0]]}, "column mask holds list"),
        ({"image": ["a.png"], "image_id": [1.5]}, "column image_id holds double"),
        ({"image": pa.array([], pa.string())}, "lists no images"),
        ({"image": ["a.png", None]}, "row 1: image is empty"),
        ({"image": [b"x", None]}, "row 1: image is empty"),
        ({"image": [{"bytes": None, "path": "x"}]}, "column image holds struct"),
        ({"image": [{"bytes": b"x"}, {"bytes": None}]}, "row 1: image is empty"),
        ({"image": ["a.png", "a.png"]}, "row 1: image 'a.png' is there already, in row 0"),
        ({"image": [b"x", b"x"], "image_id": ["i", "i"]}, "row 1: image_id 'i' is there already"),
    ],
)
def test_bad_parquet(folder, columns, message):
    assert message in error_of(write_parquet(folder, **columns))


def test_whether_there_is_a_label_is_told_without_the_images(folder):
    table = write_parquet(
        folder, image=[bytes(1000)] * 100, color=[None] * 99 + ["red"], age=[""] * 100
    )
    assert has_label(table, "color")
    assert not has_label(table, "age")
    data = bytearray(table.read_bytes())
    data[4:54] = b"\xff" * 50  # the first column, of the images
    table.write_bytes(data)
    assert has_label(table, "color")


def test_a_damaged_parquet_is_one_line(folder):
    table = write_parquet(folder, image=[f"{number}.png" for number in range(1000)])
    data = bytearray(table.read_bytes())
    data[4:200] = b"\xff" * 196
    table.write_bytes(data)
    assert label_columns(table) == (), "the columns are named at the end of the file"
    message = error_of(table)
    assert f"{table} is no parquet file, or a damaged one" in message
    assert "\n" not in message


def test_the_index_of_a_data_frame_is_no_notion(folder):
    frame = pd.DataFrame({"image": ["a.png", "b.png"], "color": ["red", "blue"]}, index=[5, 9])
    frame.to_parquet(folder / "labels.parquet")
    assert label_columns(folder / "labels.parquet") == ("color",)


def test_a_name_that_no_file_can_have(folder):
    assert "line 2: there is no image xxxx" in error_of(write_csv(folder, f"image\n{'x' * 300}\n"))


def test_files_that_are_no_table(folder):
    assert "there is no file" in error_of(folder / "labels.csv")
    for name, message in (("a.png", "is neither a .csv nor"), ("x.parquet", "is no parquet file")):
        (folder / name).write_bytes(b"nothing")
        assert message in error_of(folder / name)


def test_no_folder_of_images(folder):
    table = write_csv(folder, "image\na.png\n")
    assert "there is no folder" in error_of(table, root=folder / "nowhere")
