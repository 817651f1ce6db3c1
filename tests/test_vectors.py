"""Vectors that others made: each format with its own writer, and what is refused."""

import json
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file

from lanzdml.embeddings.vectors import Kind, read_vectors
from lanzdml.embeddings.vectors.reading import shape_of
from lanzdml.errors import LanzdmlError
from lanzdml.limits import Limits, imposed

VALUES = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
IDS = [f"image {number}" for number in range(7)]
PROMPTS = [f"prompt {number}" for number in range(7)]


def parquet(path, values=VALUES, kind=None, **columns):
    kind = kind or pa.list_(pa.float32())
    table = pa.table({"embedding": pa.array(list(values), kind), **columns})
    pq.write_table(table, path, row_group_size=3)
    return path


def clip_retrieval(folder, n_files=2):
    """What ``clip-retrieval inference`` writes: arrays in float16, and a table for each."""
    for name in ("img_emb", "text_emb", "metadata"):
        (folder / name).mkdir(parents=True)
    rows = np.array_split(np.arange(7), n_files)
    for number, chosen in enumerate(rows):
        half = VALUES[chosen].astype(np.float16)
        np.save(folder / "img_emb" / f"img_emb_{number}.npy", half)
        np.save(folder / "text_emb" / f"text_emb_{number}.npy", -half)
        described = {
            "image_path": [IDS[row] for row in chosen],
            "caption": [PROMPTS[row] for row in chosen],
        }
        pq.write_table(pa.table(described), folder / "metadata" / f"metadata_{number}.parquet")
    return folder


def saved_to_disk(folder, n_files=2):
    """What ``Dataset.save_to_disk`` of Hugging Face writes: Arrow streams and their order."""
    folder.mkdir()
    names = [f"data-{n:05}-of-{n_files:05}.arrow" for n in range(n_files)]
    for name, rows in zip(names, np.array_split(np.arange(7), n_files), strict=True):
        table = pa.table({
            "image_id": [IDS[row] for row in rows],
            "clip": pa.array(list(VALUES[rows]), pa.list_(pa.float32())),
        })  # fmt: skip
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    (folder / "state.json").write_text(
        json.dumps({"_data_files": [{"filename": name} for name in names], "_format_type": None})
    )
    (folder / "dataset_info.json").write_text("{}")
    return folder


def several(folder):
    folder.mkdir()
    for number, row in enumerate(VALUES[:, None].repeat(2, axis=0)[:12]):
        np.save(folder / f"part_{number}.npy", row)  # 10 comes after 9
    return folder


def npz(path, ids=IDS):
    np.savez_compressed(path, embeddings=VALUES, image_id=ids, n=7)
    return path


def npy(path, values=VALUES):
    np.save(path, values)
    return path


def tensors(path):
    save_file({"images": VALUES, "scale": np.float32([100])}, path)
    return path


def saved_by_torch(path, content=None):
    torch.save(torch.from_numpy(VALUES) if content is None else content, path)
    return path


# writer, and whether its rows have ids
FORMATS = {
    "x.npy": (npy, False),
    "x.npz": (npz, True),
    "x.safetensors": (tensors, False),
    "x.pt": (saved_by_torch, False),
    "dict.pt": (lambda path: saved_by_torch(path, {"a": torch.from_numpy(VALUES)}), False),
    "x.parquet": (parquet, False),
    "ids.parquet": (lambda path: parquet(path, image_id=IDS), True),
    "fixed.parquet": (lambda path: parquet(path, kind=pa.list_(pa.float32(), 5)), False),
    "large.parquet": (lambda path: parquet(path, kind=pa.large_list(pa.float32())), False),
    "saved": (saved_to_disk, True),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_the_vectors_bit_for_bit(name, tmp_path):
    write, has_ids = FORMATS[name]
    vectors = read_vectors(write(tmp_path / name))
    assert np.array_equal(vectors.array(), VALUES)
    assert vectors.array().dtype == np.float32
    assert (len(vectors), vectors.dim, vectors.precision) == (7, 5, "float32")
    assert vectors.ids == (IDS if has_ids else None)
    assert vectors.texts is None
    assert np.array_equal(np.concatenate([*vectors.blocks()]), VALUES)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_its_shape_before_it_is_read(name, tmp_path):
    write, has_ids = FORMATS[name]
    shape = shape_of(write(tmp_path / name))
    assert shape == (None if name.endswith(".pt") else (None if has_ids else 7, 5))


def test_folders_say_their_shape(tmp_path):
    assert shape_of(several(tmp_path / "parts")) == (12, 5)
    folder = clip_retrieval(tmp_path / "embeddings")
    assert [shape_of(folder, kind) for kind in Kind] == [(7, 5), (7, 5)]
    assert shape_of(folder, id_column="image_path") == (None, 5)


def test_a_shape_is_told_without_reading_what_has_it(tmp_path):
    assert shape_of(ragged(tmp_path / "x.parquet")) == (7, 5)
    values = np.ones((9999, 5))
    np.savez(tmp_path / "x.npz", a=values, b=VALUES)
    content = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(content.replace(values.tobytes(), bytes(values.nbytes)))
    assert shape_of(tmp_path / "x.npz", column="a") == (9999, 5)
    with pytest.raises(LanzdmlError, match="cannot be read: Bad CRC"):
        read_vectors(tmp_path / "x.npz", column="a").array()


@pytest.mark.parametrize("name", ["x.npy", "x.parquet", "saved"])
def test_blocks_of_a_few_rows_are_the_same(name, tmp_path, monkeypatch):
    for module in ("vectors", "tables"):
        monkeypatch.setattr(f"lanzdml.embeddings.vectors.{module}.ROWS", 2)
    blocks = [*read_vectors(FORMATS[name][0](tmp_path / name)).blocks()]
    assert len(blocks) > 2
    assert np.array_equal(np.concatenate(blocks), VALUES)


@pytest.mark.parametrize(
    ("kind", "sign", "texts"), [(Kind.IMAGES, 1, None), (Kind.PROMPTS, -1, PROMPTS)]
)
def test_the_folder_of_clip_retrieval(kind, sign, texts, tmp_path):
    folder = clip_retrieval(tmp_path / "embeddings")
    vectors = read_vectors(folder, kind, id_column="image_path")
    assert np.array_equal(vectors.array(), sign * VALUES.astype(np.float16).astype(np.float32))
    assert (vectors.ids, vectors.texts, vectors.precision) == (IDS, texts, "float16")
    assert read_vectors(folder, kind).ids is None


def test_several_files_follow_the_numbers_in_their_names(tmp_path):
    vectors = read_vectors(several(tmp_path / "parts"))
    assert np.array_equal(vectors.array(), VALUES.repeat(2, axis=0)[:12])


@pytest.mark.parametrize("kind", [np.float16, np.float64])
@pytest.mark.parametrize("write", [npy, parquet])
def test_other_precisions_become_float32(kind, write, tmp_path):
    values = VALUES.astype(kind)
    arguments = {} if write is npy else {"kind": pa.list_(pa.from_numpy_dtype(kind))}
    path = write(tmp_path / ("x.npy" if write is npy else "x.parquet"), values, **arguments)
    vectors = read_vectors(path)
    assert vectors.precision == np.dtype(kind).name
    assert np.array_equal(vectors.array(), values.astype(np.float32))


def test_bfloat16_of_torch_becomes_float32(tmp_path):
    half = torch.from_numpy(VALUES).bfloat16()
    path = saved_by_torch(tmp_path / "x.pt", half)
    assert np.array_equal(read_vectors(path).array(), half.float().numpy())


def test_a_file_of_numpy_is_read_as_far_as_it_is_asked_for(tmp_path):
    (part,) = read_vectors(npy(tmp_path / "x.npy")).parts
    assert isinstance(next(part.read()), np.memmap)


def test_which_array_and_which_ids_can_be_said(tmp_path):
    np.savez(tmp_path / "x.npz", images=VALUES, texts=-VALUES, names=IDS)
    vectors = read_vectors(tmp_path / "x.npz", column="texts", id_column="names")
    assert np.array_equal(vectors.array(), -VALUES)
    assert vectors.ids == IDS
    parquet(tmp_path / "x.parquet", other=pa.array([[1.0]] * 7), number=range(7), prompt=PROMPTS)
    vectors = read_vectors(
        tmp_path / "x.parquet", Kind.PROMPTS, column="embedding", id_column="number"
    )
    assert (vectors.ids, vectors.texts) == ([*"0123456"], PROMPTS)


def test_unit_length_is_seen_also_in_half_precision(tmp_path):
    unit = VALUES / np.linalg.norm(VALUES, axis=1, keepdims=True)
    assert read_vectors(npy(tmp_path / "unit.npy", unit.astype(np.float16))).are_unit()
    assert not read_vectors(npy(tmp_path / "raw.npy")).are_unit()


class Attack:
    """Runs code where it is unpickled."""

    def __init__(self, marker):
        self._marker = marker

    def __reduce__(self):
        return (open, (str(self._marker), "w"))


def bad_row(value, kind=np.float32):
    values = VALUES.astype(kind)
    values[4] = value
    return values


def bomb(path):
    """1 MiB of zeros in a zip, of which the header says that they are many more."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**23, 300)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as array:
        np.lib.format.write_array_header_1_0(array, header)
        array.write(bytes(2**20))
    return path


def without(name):
    def write(path):
        saved_to_disk(path)
        (path / name).unlink()
        return path

    return write


def of_clip_retrieval(change):
    def write(path):
        change(clip_retrieval(path))
        return path

    return write


def of_types(*names):
    def write(folder):
        folder.mkdir()
        for name in names:
            FORMATS[name][0](folder / name)
        return folder

    return write


def ragged(path):
    return parquet(path, [*VALUES[:4], VALUES[4][:3], *VALUES[5:]])


def not_utf8():
    """Seven texts of one byte."""
    offsets = pa.py_buffer(np.arange(8, dtype=np.int32))
    return pa.Array.from_buffers(pa.string(), 7, [None, offsets, pa.py_buffer(b"abc\xffefg")])


def other_rows(n, **columns):
    """A Parquet file whose footer says another number of rows than it holds."""

    def write(path):
        content = parquet(path, **columns).read_bytes()
        footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        places = [at for at in range(footer, len(content)) if content[at] == 2 * 7]
        for at in places:  # a number is stored as its double
            path.write_bytes(content[:at] + bytes([2 * n]) + content[at + 1 :])
            with suppress(OSError):
                if pq.ParquetFile(path).metadata.num_rows == n:
                    return path
        raise AssertionError("no such number in the footer")

    return write


def one_split(path):
    path.mkdir()
    (path / "dataset_dict.json").write_text("{}")
    for name in ("train", "test"):
        saved_to_disk(path / name)
    return path


def sizes(folder):
    folder.mkdir()
    npy(folder / "0.npy")
    npy(folder / "1.npy", VALUES[:, :4])
    return folder


# name of the file, how it is written, and what the error says
REFUSED = {
    "no such file": ("x.npy", lambda path: path, "there is no file"),
    "another kind": ("x.hdf5", npy, "is no file of vectors: those are .npy"),
    "a pickle": ("x.pkl", lambda path: path, "is a pickle by its name"),
    "objects": ("x.npy", lambda p: npy(p, np.array([[{}]])), "Python objects, which can run code"),
    "text": ("x.npy", lambda path: path.write_text("0.1,0.2"), "cannot be read"),
    "a pointer": (
        "x.npy",
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
        "a pointer of Git LFS",
    ),
    "empty": ("x.npy", lambda path: path.write_bytes(b""), "cannot be read"),
    "no rows": ("x.npy", lambda path: npy(path, VALUES[:0]), "holds no vectors"),
    "no values": ("x.npy", lambda path: npy(path, VALUES[:, :0]), "without any value"),
    "one row": ("x.npy", lambda path: npy(path, VALUES[0]), "shape (5,), not one row a vector"),
    "integers": ("x.npy", lambda p: npy(p, VALUES.astype(np.int8)), "is of type int8"),
    "NaN": ("x.npy", lambda p: npy(p, bad_row(np.nan)), "row 4: holds a value that is no number"),
    "infinite": ("x.npy", lambda p: npy(p, bad_row(-np.inf)), "row 4: holds an infinite value"),
    "zero": ("x.npy", lambda p: npy(p, bad_row(0)), "row 4: all its values are zero"),
    "too large": ("x.npy", lambda p: npy(p, bad_row(1e200, float)), "row 4: holds a value that is"),
    "NaN in parquet": ("x.parquet", lambda p: parquet(p, bad_row(np.nan)), "row 4: holds a value"),
    "two arrays": (
        "x.npz", lambda p: np.savez(p, a=VALUES, b=VALUES), "say which as column: it has 'a', 'b'",
    ),
    "objects in npz": (
        "x.npz", lambda p: np.savez(p, a=np.array([[{}]])), "Python objects, which can run code",
    ),
    "a bomb": ("x.npz", bomb, "is cut off"),
    "no zip": ("x.npz", lambda path: path.write_bytes(b"PK\3\4"), "cannot be read"),
    "no tensors": ("x.safetensors", lambda path: path.write_bytes(bytes(99)), "cannot be read"),
    "bfloat16": (
        "x.safetensors",
        lambda p: __import__("safetensors.torch").torch.save_file(
            {"a": torch.ones(2, 2, dtype=torch.bfloat16)}, p
        ),
        "of bfloat16, which NumPy has not",
    ),
    "no column": ("x.parquet", lambda p: pq.write_table(pa.table({"a": IDS}), p), "has 0 columns"),
    "no parquet": ("x.parquet", lambda path: path.write_bytes(b"PAR1"), "cannot be read"),
    "another size": ("x.parquet", ragged, "row 4: its vector has 3 dimensions"),
    "no vector": (
        "x.parquet", lambda p: parquet(p, [*VALUES[:4], None, *VALUES[5:]]), "row 4: has no vector",
    ),
    "no value": (
        "x.parquet", lambda p: parquet(p, [[1.0] * 5, [None] * 5]), "row 1: a value of its vector",
    ),
    "an empty id": (
        "x.parquet", lambda p: parquet(p, image_id=[*IDS[:4], None, *IDS[5:]]), "row 4: image_id",
    ),
    "an id of blanks": (
        "x.parquet", lambda p: parquet(p, image_id=[*IDS[:4], " ", *IDS[5:]]), "row 4: its id is",
    ),
    "few ids": ("x.npz", lambda p: npz(p, IDS[:5]), "5 ids in 'image_id', but 7 vectors in 'emb"),
    "many ids": ("x.npz", lambda p: npz(p, [*IDS, "more"]), "8 ids in 'image_id', but 7 vectors"),
    "ids in rows": ("x.npz", lambda p: npz(p, np.zeros((7, 1, 1), int)), "ids of shape (7, 1, 1)"),
    "no id": ("x.npz", lambda p: npz(p, [*IDS[:6], ""]), "row 6: its id is empty"),
    "half a character": (
        "x.npz", lambda p: npz(p, [*IDS[:3], "a\ud800", *IDS[4:]]), "row 3: its id 'a\\ud800'",
    ),
    "no UTF-8": (
        "x.parquet", lambda p: parquet(p, image_id=not_utf8()), "image_id holds text that is not",
    ),
    "fewer rows": ("x.parquet", other_rows(9), "says that it holds 9 vectors, and does not"),
    "more rows": ("x.parquet", other_rows(5), "says that it holds 5 vectors, and does not"),
    "fewer ids": ("x.parquet", other_rows(9, image_id=IDS), "holds 7 ids, but 9 vectors"),
    "no order": ("saved", without("state.json"), "holds no files of vectors"),
    "a part": ("saved", without("data-00001-of-00002.arrow"), "has no file 'data-00001-of-00002"),
    "splits": ("saved", one_split, "name the folder of one, test or train"),
    "two kinds": ("parts", of_types("x.npy", "x.parquet"), "holds .npy and .parquet files"),
    "two sizes": ("parts", sizes, "1.npy holds vectors of 4 dimensions, but"),
    "ids of one": ("parts", of_types("x.parquet", "ids.parquet"), "only one of"),
    "no tables": (
        "folder", of_clip_retrieval(lambda f: (f / "metadata/metadata_0.parquet").unlink()),
        "has 1 files, but",
    ),
    "other tables": (
        "folder",
        of_clip_retrieval(
            lambda f: pq.write_table(
                pa.table({"caption": ["a"]}), f / "metadata" / "metadata_1.parquet"
            )
        ),
        "has 1 rows, but",
    ),
}  # fmt: skip


def read_all(path, kind):
    vectors = read_vectors(path, kind)
    return vectors.ids, vectors.texts, vectors.array()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_one_line_that_names_the_file(name, tmp_path):
    file, write, says = REFUSED[name]
    path = tmp_path / file
    write(path)
    kind = Kind.PROMPTS if file == "folder" else Kind.IMAGES
    with pytest.raises(LanzdmlError) as error:
        read_all(path, kind)
    message = str(error.value)
    assert says in message
    assert str(path) in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.pt", "x.parquet", "x.safetensors"])
def test_no_pickle_runs(name, tmp_path):
    marker, path = tmp_path / "marker", tmp_path / name
    attack = pickle.dumps(Attack(marker))
    if name == "x.pt":
        torch.save({"a": Attack(marker)}, path)
    elif name == "x.npy":
        np.save(path, np.array([[Attack(marker)]], dtype=object), allow_pickle=True)
    elif name == "x.npz":
        np.savez(path, a=np.array([[Attack(marker)]], dtype=object))
    else:
        path.write_bytes(attack)
    with pytest.raises(LanzdmlError):
        read_vectors(path)
    assert not marker.exists()


def test_an_archive_of_zeros_is_refused_by_its_size(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros((1000, 1000), np.float32))
    with imposed(Limits(archive_ratio=1)), pytest.MonkeyPatch.context() as patch:
        patch.setattr("lanzdml.embeddings.vectors.arrays._GIB", 1)
        with pytest.raises(LanzdmlError, match=r"raise limits\.archive_ratio"):
            read_vectors(tmp_path / "x.npz")


def test_rows_of_a_table_are_bounded(tmp_path):
    with imposed(Limits(table_rows=6)), pytest.raises(LanzdmlError, match=r"limits\.table_rows"):
        read_vectors(parquet(tmp_path / "x.parquet"))
