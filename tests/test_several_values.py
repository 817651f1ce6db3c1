"""Labels of several values, from a table or a reader to what methods and experiments are given."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lanzdml.arithmetic.labels import values_of
from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.datasets import OwnDataset
from lanzdml.datasets.class_counts import differing_classes
from lanzdml.datasets.labels import class_sizes, distinct_labels, label_text, read_labels
from lanzdml.datasets.manifest import read_manifest, write_manifest
from lanzdml.datasets.own import read_manifest as read_own
from lanzdml.datasets.summary import recall, summarise, write_down
from lanzdml.embeddings.storage import labelled_images
from lanzdml.errors import LanzdmlError
from lanzdml.files import digest
from lanzdml.limits import Limits, imposed
from lanzdml.plan import Plan
from tests.test_documents import MINIMAL

ROWS = pd.DataFrame({
    "image_id": [f"i{n}" for n in range(6)],
    "tags": ["red| blue", "blue", None, "|", "red|red", "blue|green|red"],
    "size": ["s", "m", "s", None, "s", "m"],
})  # fmt: skip
TAGS = [{"red", "blue"}, {"blue"}, None, None, {"red"}, {"blue", "green", "red"}]
BY_BAR = [("tags", "|")]


@pytest.fixture
def manifest(tmp_path):
    write_manifest(tmp_path / "manifest.parquet", ROWS, ["tags", "size"], "mine")
    return tmp_path / "manifest.parquet"


def as_sets(labels):
    return [None if pd.isna(label) else set(values_of(label)) for label in labels]


# Labels


def test_a_separator_takes_labels_apart_where_they_are_read(manifest):
    assert as_sets(read_labels(manifest, BY_BAR)) == TAGS
    assert read_labels(manifest, "tags")[0] == "red| blue", "one class, without it"
    assert read_manifest(manifest)["tags"][0] == "red| blue", "whoever asks"
    assert distinct_labels(manifest, BY_BAR) == ["blue", "green", "red"]
    sizes = class_sizes(read_labels(manifest, BY_BAR))
    assert sizes.to_dict() == {"red": 3, "blue": 3, "green": 1}
    assert label_text(read_labels(manifest, BY_BAR)[5]) == "blue, green, red"


def test_a_combined_notion_has_all_pairs_of_values(manifest):
    labels = read_labels(manifest, [*BY_BAR, "size"])
    assert as_sets(labels)[:3] == [{"red + s", "blue + s"}, {"blue + m"}, None]


@pytest.mark.parametrize(("column", "separator", "says"), [
    ("tags", ";", "';' separates nothing in column 'tags', as in 'red| blue': say the labels'"),
    ("lists", "|", "column 'lists' holds lists of values, so that there is nothing to separate"),
])  # fmt: skip
def test_what_separates_nothing_is_a_mistake(tmp_path, column, separator, says):
    rows = ROWS.assign(lists=[("a", "b"), *[("a",)] * 5])
    write_manifest(tmp_path / "manifest.parquet", rows, ["tags", "lists"], "mine")
    with pytest.raises(LanzdmlError, match=says.replace("|", r"\|")):
        read_labels(tmp_path / "manifest.parquet", [(column, separator)])


def test_one_value_in_all_images_is_nothing_to_tell_apart(tmp_path):
    rows = pd.DataFrame({"image_id": ["a", "b"], "path": ["a", "b"], "tags": [("x",), ("x",)]})
    write_manifest(tmp_path / "manifest.parquet", rows, ["tags"], "mine")
    with pytest.raises(LanzdmlError, match="only the label 'x' for tags; prompts need two"):
        distinct_labels(tmp_path / "manifest.parquet", "tags")


def test_classes_of_other_sizes_are_counted_by_value(monkeypatch):
    known = pd.Series({"red": 3, "blue": 2}, name="n_images")
    monkeypatch.setattr("lanzdml.datasets.class_counts._counts", lambda: {("mine", "tags"): known})
    expected = (
        "2 of 3 classes have other numbers of images than in the original annotation: "
        "blue 3 instead of 2, green 1 instead of 0"
    )
    cells = [None if tags is None else tuple(sorted(tags)) for tags in TAGS]
    for labels in (TAGS, cells):  # as read, and as in a reader's frame
        sets = [frozenset(label) if isinstance(label, set) else label for label in labels]
        assert differing_classes("mine", "tags", pd.Series(sets, dtype=object)) == expected


def test_a_digest_of_labels_is_the_same_in_every_process():
    """The order of a set of texts is another one in each."""
    labels = [frozenset(f"value {n}" for n in range(20)), frozenset(["x"])]
    code = (
        "import numpy as np; from lanzdml.files import digest; "
        "sets = [frozenset(f'value {n}' for n in range(20)), frozenset(['x'])]; "
        "print(repr(sets[0])); print(digest(np.array(sets, object)))"
    )
    texts = set()
    for seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
        texts.add(printed[0])
        assert printed[1] == digest(np.array(labels, object))
    assert len(texts) == 2
    assert digest(np.array(labels, object)) != digest(np.array([labels[0], "x"], object))


# Parquet


def write(folder, metadata=None, **columns):
    schema = pa.table(columns).schema.with_metadata(metadata)
    pq.write_table(pa.table(columns, schema=schema), folder / "t.parquet")
    return folder / "t.parquet"


LISTS = [["b", "a", " b "], None, [], ["", None], ["c"]]
EXPECTED = [("a", "b"), None, None, None, ("c",)]
NUMBERS = pa.array([[2, 1, 2], None, [], [None], [10]], pa.list_(pa.int64()))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(LISTS, pa.list_(pa.string())), EXPECTED),
        (pa.array(LISTS, pa.large_list(pa.large_string())), EXPECTED),
        (
            pa.ListArray.from_arrays(
                pa.array([0, 3, None, 3, 5, 6], pa.int32()),
                pa.array(["b", "a", " b ", "", None, "c"]).dictionary_encode(),
            ),
            EXPECTED,
        ),
        (
            pa.array(
                [["b", "a"], None, ["", None], [None, None], ["c", "c"]], pa.list_(pa.string(), 2)
            ),
            EXPECTED,
        ),
        (NUMBERS, [("1", "2"), None, None, None, ("10",)]),
        (
            pa.array([[True, False], None, [], [None], [True]], pa.list_(pa.bool_())),
            [("false", "true"), None, None, None, ("true",)],
        ),
        (pa.array([[None], None, [], [None, None], []], pa.list_(pa.null())), [None] * 5),
        (
            pa.array([["e\u0301", "\u00e9"], None, [], [], ["c"]]),
            [("\u00e9",), *[None] * 3, ("c",)],
        ),
    ],
    ids=["list", "large", "dictionary", "fixed", "integers", "booleans", "nothing", "accents"],
)
def test_a_column_of_lists_is_a_notion_of_several_values(tmp_path, column, expected):
    table = write(tmp_path, tags=column)
    assert OwnDataset(table).notions == OwnDataset(table).lists == ("tags",)
    assert OwnDataset(table).labelled == (("tags",) if any(expected) else ())
    manifest = read_own(tmp_path, table)
    assert manifest["tags"].tolist() == expected
    write_manifest(tmp_path / "manifest.parquet", manifest, ["tags"], "mine")
    sets = [None if values is None else set(values) for values in expected]
    assert as_sets(read_labels(tmp_path / "manifest.parquet", "tags")) == sets


def test_lists_of_other_things_are_no_labels(tmp_path):
    table = write(tmp_path, tags=[["a"]], vector=[[0.5, 1.0]], boxes=[[[1, 2]]], when=[1.5])
    assert OwnDataset(table).notions == ("tags",)


CLASS_LABEL = {"names": ["cat", "dog"], "_type": "ClassLabel"}


@pytest.mark.parametrize("feature", [
    {"feature": CLASS_LABEL, "_type": "Sequence"}, {"feature": CLASS_LABEL, "_type": "List"},
    [CLASS_LABEL],
], ids=["Sequence", "List", "list"])  # fmt: skip
def test_lists_of_classes_have_their_names(tmp_path, feature):
    metadata = {"huggingface": json.dumps({"info": {"features": {"tags": feature}}})}
    table = write(
        tmp_path, metadata, tags=pa.array([[1, 0], [-1], [1], None], pa.list_(pa.int64()))
    )
    cells = read_own(tmp_path, table)["tags"].tolist()
    assert cells == [("cat", "dog"), None, ("dog",), None]
    table = write(tmp_path, metadata, tags=pa.array([[1], [0, 2]], pa.list_(pa.int64())))
    with pytest.raises(LanzdmlError, match="row 1: tags is 2, but the file names 2 classes"):
        read_own(tmp_path, table)


def test_rows_in_several_parts_keep_their_lists(tmp_path, monkeypatch):
    monkeypatch.setattr("lanzdml.datasets.parquet_file._SLICE", 2000)
    cells = [[f"v{n % 7}", f"w{n % 3}"][: n % 3] for n in range(100)]
    pq.write_table(pa.table({"tags": cells}), tmp_path / "t.parquet", row_group_size=30)
    expected = [tuple(sorted(cell)) or None for cell in cells]
    assert read_own(tmp_path, tmp_path / "t.parquet")["tags"].tolist() == expected


def test_values_of_lists_count_as_cells(tmp_path):
    """Ten thousand values of one row take as much memory as those of as many rows."""
    table = write(tmp_path, tags=[["a"] * 10_000, ["b"]])
    with imposed(Limits(table_rows=100)), pytest.raises(LanzdmlError, match="has more than 2,000"):
        read_own(tmp_path, table)
    with imposed(Limits(table_rows=1_000)):
        assert read_own(tmp_path, table)["tags"].tolist() == [("a",), ("b",)]


def test_lists_that_unpack_to_too_much_are_refused_before(tmp_path, monkeypatch):
    """Runs of one value take a few bytes, whatever their number."""
    table = write(tmp_path, tags=[["a"] * 1_000_000, ["b"]])
    assert table.stat().st_size < 5_000
    monkeypatch.setattr("lanzdml.datasets.parquet_file._SMALL", 2**20)
    with pytest.raises(LanzdmlError, match="unpacks to more than 200 times"):
        read_own(tmp_path, table)
    rows = pd.DataFrame({"image_id": ["a", "b"], "tags": [("x" * 1000, "y"), ("x" * 1000,)]})
    write_manifest(tmp_path / "manifest.parquet", rows, ["tags"], "mine")
    tags = pa.array([["x" * 1000] * 50_000, ["y"]])
    ids = pa.array(["a", "b"])
    pq.write_table(pa.table({"image_id": ids, "tags": tags}), tmp_path / "manifest.parquet")
    with pytest.raises(LanzdmlError, match="unpacks to more than 200 times"):
        read_manifest(tmp_path / "manifest.parquet")


def test_what_a_table_holds_is_known_to_later_processes(tmp_path, monkeypatch):
    table = write(tmp_path, tags=[["a", "b"], ["a"]], size=["s", "m"])
    known = summarise(table)
    assert (known.columns, known.lists) == (("tags", "size"), ("tags",))
    write_down(tmp_path / "known.json")
    monkeypatch.setattr("lanzdml.datasets.summary._known", {})
    monkeypatch.setattr("lanzdml.datasets.own.label_columns", None)
    recall(tmp_path / "known.json")
    assert summarise(table) == known


# Configuration and plan

PROMPTS = {"template": "{aspect}", "aspects": ["red", "blue"]}


def config_with(tmp_path, notions, table="tags,size\nred|blue,s\nblue,m\n", name="t.csv"):
    if isinstance(table, str):
        (tmp_path / name).write_text("image," + table.replace("\n", "\nx.png,", 2))
    dataset = {"labels": str(tmp_path / name), "notions": notions}
    return MINIMAL | {"datasets": {"mine": dataset}, "methods": ["clip", "oracle"]}


def test_the_plan_says_what_separates_labels(tmp_path):
    several = PROMPTS | {"labels": "tags", "labels_separator": "|"}
    notions = {
        "genres": several, "tags": PROMPTS, "size": PROMPTS,
        "both": {"combine": ["genres", "size"]},
    }  # fmt: skip
    plan = Plan(parse_config(config_with(tmp_path, notions)))
    assert plan.label_columns("mine", "genres") == [("tags", "|")]
    assert plan.label_columns("mine", "tags") == "tags"
    assert plan.label_columns("mine", "both") == [("tags", "|"), "size"]
    assert plan.others("mine", "genres") == ["size"], "tags is of the same column"
    assert plan.others("mine", "both") == []
    assert plan.counted == [("mine", "genres"), ("mine", "size")]


@pytest.mark.parametrize(("notion", "says"), [
    ({"labels_separator": ""}, "labels_separator: should be what is between the values"),
    ({"labels_separator": " | "}, "and no blanks around it, not ' | '"),
    ({"labels_separator": "|", "sampled_classes": True}, "an image of several values is not"),
])  # fmt: skip
def test_a_wrong_separator_is_a_line(tmp_path, notion, says):
    with pytest.raises(ConfigError) as error:
        parse_config(config_with(tmp_path, {"tags": PROMPTS | notion}))
    assert says in str(error.value)


def test_a_combined_notion_has_the_separators_of_its_parts(tmp_path):
    notions = {"tags": PROMPTS, "size": PROMPTS}
    notions["both"] = {"combine": ["tags", "size"], "labels_separator": "|"}
    with pytest.raises(ConfigError, match=r"both\.labels_separator: is that of the parts"):
        parse_config(config_with(tmp_path, notions))


def test_lists_need_no_separator(tmp_path):
    table = write(tmp_path, image=["x.png"] * 2, tags=[["red", "blue"], ["blue"]])
    config = config_with(
        tmp_path, {"tags": PROMPTS | {"labels_separator": "|"}}, table, "t.parquet"
    )
    with pytest.raises(ConfigError, match=r"labels_separator: column 'tags' of .* holds lists"):
        parse_config(config)


def test_images_without_a_value_are_left_out(tmp_path):
    from lanzdml.datasets.manifest import FINGERPRINT, fingerprint
    from lanzdml.embeddings.storage import WEIGHTS, write_embeddings

    write_manifest(tmp_path / "manifest.parquet", ROWS, ["tags"], "mine")
    facts = {FINGERPRINT: fingerprint(ROWS), WEIGHTS: "w"}
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2)
    write_embeddings(tmp_path / "images.parquet", ROWS[["image_id"]], vectors, facts)
    found, labels, ids = labelled_images(
        tmp_path / "images.parquet", tmp_path / "manifest.parquet", BY_BAR
    )
    assert ids.tolist() == ["i0", "i1", "i4", "i5"]
    assert as_sets(labels) == [TAGS[0], TAGS[1], TAGS[4], TAGS[5]]
    np.testing.assert_array_equal(found, vectors[[0, 1, 4, 5]])
