"""Tables of the user's own images: what is read from them, and one line for each mistake."""

import json
import os
import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from unicodedata import normalize

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lanzdml.datasets import find_dataset
from lanzdml.datasets.manifest import check_manifest, write_manifest
from lanzdml.datasets.manifest import read_manifest as read_written
from lanzdml.datasets.own import label_columns, read_manifest
from lanzdml.datasets.parquet_cells import BYTES, FILE
from lanzdml.datasets.summary import recall, summarise, write_down
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
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
    assert label_columns(table) == ("year", "old", "kind", "empty", "tags")
    assert [tuple(row.values()) for row in rows_of(table)] == [
        ("a.png", "a.png", "1990", "true", "x", None, ("a",)),
        ("b.png", "b.png", None, "false", None, None, None),
        ("sub/c.jpg", "sub/c.jpg", "2001", None, "y", None, None),
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
            torchvision=None,
            linked=[],
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


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nimage;color\na.png;red\n",
        '"sep=;"\nimage;color\na.png;red\n',
        "\nimage;color\na.png;red\n",
        "\r\n;;\r\nimage;color\r\na.png;red\r\n",
        'image, color\n"a.png", "red"\n',
        'image, color\na.png, "red"\n',
        "image\tcolor\na.png\tred\n",
    ],
)
def test_csv_as_programs_write_it(folder, text):
    assert rows_of(write_csv(folder, text)) == [
        {"image_id": "a.png", "path": "a.png", "color": "red"}
    ]


def test_a_columns_name_may_hold_a_comma(folder):
    table = write_csv(folder, "size, cm;image;color\n3,5;a.png;red\n")
    assert label_columns(table) == ("size, cm", "color")
    assert rows_of(table)[0]["size, cm"] == "3,5"


@pytest.mark.parametrize("name", ["labels.tsv", "LABELS.TSV", "Labels.CSV"])
def test_the_suffix_may_be_of_any_case(folder, name):
    separator = "\t" if name.lower().endswith("tsv") else ","
    (folder / name).write_text(f"image{separator}color, light\na.png{separator}x\n".replace(
        "color, light", "color, light" if separator == "\t" else "color"))  # fmt: skip
    assert rows_of(folder / name)[0]["path"] == "a.png"


def test_lines_are_counted_as_editors_do(folder):
    text = 'sep=;\n\nimage;note\na.png;"two\nlines"\nx.png;\n'
    assert "line 6: there is no image x.png" in error_of(write_csv(folder, text))


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_accents_of_macos_and_others_are_the_same(folder, stored, written):
    name = "größe/Blüte.png"
    save_image(folder / normalize(stored, name))
    first, second = normalize(written, "rötlich"), normalize(stored, "rötlich")
    table = write_csv(folder, f"image,color\n{normalize(written, name)},{first}\na.png,{second}\n")
    rows = rows_of(table)
    assert rows[0]["path"] == normalize(stored, name)
    assert rows[0]["image_id"] == normalize(written, name)
    assert rows[0]["color"] == rows[1]["color"] == "rötlich"


def test_backslashes_of_windows_are_found(folder):
    table = write_csv(folder, "image,mask\nsub\\c.jpg,sub\\c.jpg\na.png,\n")
    rows = rows_of(table)
    assert rows[0]["path"] == "sub/c.jpg"
    assert rows[0]["mask"] == (folder / "sub/c.jpg").read_bytes()


def hugging_face(folder, labels, names, images=None):
    """An export with a column of classes."""
    columns = {"image": images or ["a.png", "b.png", "sub/c.jpg"][: len(labels)], "color": labels}
    features = {"image": {"_type": "Image"}, "color": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    path = folder / "labels.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)
    return path


def test_an_export_of_hugging_face_has_classes_names(folder):
    table = hugging_face(folder, [1, -1, None], ["red", "blue"])
    assert [row["color"] for row in rows_of(table)] == ["blue", None, None]
    assert summarise(hugging_face(folder, [-1, -1], ["red"])).labelled == ()
    message = error_of(hugging_face(folder, [0, 2, 1], ["red", "blue"]))
    assert "row 1: color is 2, but the file names 2 classes" in message


@pytest.mark.parametrize("kind", [pa.null(), pa.binary()])
def test_an_export_of_hugging_face_may_have_paths_only(folder, kind):
    image = pa.struct([("bytes", kind), ("path", pa.string())])
    column = pa.array([{"bytes": None, "path": name} for name in ("a.png", "b.png")], image)
    rows = rows_of(hugging_face(folder, [0, 1], ["red", "blue"], column))
    assert [(row["path"], row["color"]) for row in rows] == [("a.png", "red"), ("b.png", "blue")]


def test_a_table_is_read_in_slices(folder, monkeypatch):
    images = [{BYTES: bytes([number]) * 100, FILE: None} for number in range(7)]
    table = hugging_face(folder, [0, 1, 0, 1, 0, 1, 0], ["red", "blue"], images)
    whole = rows_of(table)
    monkeypatch.setattr("lanzdml.datasets.parquet_file._SLICE", 250)
    assert rows_of(table) == whole
    assert [row["image"] for row in whole] == [image[BYTES] for image in images]


@pytest.mark.slow
def test_a_row_group_above_2_gib_is_read(folder):
    """All in one: Arrow holds no more of a nested column in one piece."""
    size, n = 2**24, 140
    schema = pa.schema([("image", pa.struct([(BYTES, pa.binary()), (FILE, pa.string())]))])
    images = ({BYTES: bytes([number]) * size, FILE: "x"} for number in range(n))
    batches = [pa.RecordBatch.from_pylist([{"image": image}], schema) for image in images]
    table = pa.Table.from_batches(batches)
    pq.write_table(table, folder / "big.parquet", row_group_size=n, use_dictionary=False)
    del batches, table
    assert pq.read_metadata(folder / "big.parquet").num_row_groups == 1
    manifest = read_manifest(folder, folder / "big.parquet")
    assert [(len(image), image[-1]) for image in manifest["image"]] == [
        (size, number) for number in range(n)
    ]


# What is wrong


@pytest.mark.parametrize("encoding", ["gbk", "cp1252", "shift_jis", "cp1251", "utf-32"])
def test_other_encodings_are_refused_with_the_line(folder, encoding):
    word = {"cp1252": "grün", "cp1251": "красный"}.get(encoding, "赤")
    message = error_of(write_csv(folder, f"image,color\na.png,red\nb.png,{word}\n", encoding))
    if encoding == "utf-32":
        assert "holds zero bytes and is no text" in message
    else:
        assert "line 3: is in another encoding than UTF-8 and UTF-16, which are read" in message


def test_a_workbook_is_no_table(folder):
    (folder / "labels.csv").write_bytes(b"PK\x03\x04" + bytes(100))
    assert "workbook of Excel: save that as CSV" in error_of(folder / "labels.csv")


@pytest.mark.parametrize("second", ["./a.png", "sub/../a.png", ".\\a.png", "link.png", "hard.png"])
def test_one_file_under_two_names_is_refused(folder, second):
    (folder / "link.png").symlink_to("a.png")
    os.link(folder / "a.png", folder / "hard.png")
    message = error_of(write_csv(folder, f"image,color\na.png,red\nb.png,red\n{second},blue\n"))
    assert "line 4: image " in message
    assert "is there already, in line 2 as 'a.png'; delete one row" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no columns"),
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
        ({"image": [1.5]}, "column image holds double; needed are paths (string) or encoded"),
        ({"image": ["a.png"], "mask": [[1, 0]]}, "column mask holds list"),
        ({"image": ["a.png"], "image_id": [1.5]}, "column image_id holds double"),
        ({"image": pa.array([], pa.string())}, "lists no images"),
        ({"image": ["a.png", None]}, "row 1: image is empty"),
        ({"image": [b"x", None]}, "row 1: image is empty"),
        ({"image": [{"bytes": None}]}, "column image holds struct"),
        ({"image": [{"bytes": None, "path": "x"}]}, "row 0: there is no image x in "),
        (
            {"image": [{"bytes": b"x", "path": "x"}, {"bytes": None, "path": "a.png"}]},
            "image is a path in row 1 and encoded in row 0; give all of them in one way",
        ),
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
    data = bytearray(table.read_bytes())
    data[4:54] = b"\xff" * 50  # the first column, of the images
    table.write_bytes(data)
    found = summarise(table)
    assert (found.columns, found.labelled, found.n_images) == (("color", "age"), ("color",), 100)


@pytest.mark.parametrize("end", [",\n", ""])
def test_what_is_known_of_a_table_is_kept_until_it_changes(folder, end, monkeypatch):
    table = write_csv(folder, f"image,color,age,size\na.png,,,1\nb.png,red,,1\n{end}")
    found = summarise(table)
    assert found.columns == ("color", "age", "size")
    assert (found.labelled, found.n_images) == (("color", "size"), 2)
    write_down(folder / "kept.json")
    monkeypatch.setattr("lanzdml.datasets.summary._known", {})
    recall(folder / "kept.json")
    with monkeypatch.context() as patch:
        patch.setattr("lanzdml.datasets.own.label_columns", None)
        assert summarise(table) == found, "nothing is read"
    write_csv(folder, "image,color,age\na.png,,7\n")
    assert summarise(table).labelled == ("age",)
    (folder / "kept.json").write_text("{")
    recall(folder / "kept.json")


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
    for name, message in (
        ("a.png", "is no .csv, .tsv or .parquet file"),
        ("x.parquet", "is no parquet file"),
    ):
        (folder / name).write_bytes(b"nothing")
        assert message in error_of(folder / name)


def test_no_folder_of_images(folder):
    table = write_csv(folder, "image\na.png\n")
    assert "there is no folder" in error_of(table, root=folder / "nowhere")
