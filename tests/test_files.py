"""Files that are complete or absent, digests, and what is kept of what was made once."""

import copy
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from lanzdml.files import Kept, digest, replacing

TYPES = ["bool", "int32", "int64", "float32", "float64", ">f4", "U3"]
ARRAYS = st.sampled_from(TYPES).flatmap(
    lambda name: stn.arrays(name, stn.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
LABELS = st.lists(st.text(max_size=3), max_size=5).map(lambda texts: np.array(texts, object))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)
)
PLAIN = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.tuples(SCALARS, SCALARS))
VALUES = st.one_of(ARRAYS, LABELS, PLAIN)


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


class TestReplacing:
    def test_nothing_is_at_the_path_until_the_end(self, tmp_path):
        path = tmp_path / "new" / "folder" / "a.tar.gz"
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert temporary.parent == path.parent
            assert temporary.name.endswith(".tar.gz")
            assert not path.exists()
        assert path.read_text() == "half"
        assert files_below(tmp_path) == [path]

    def test_an_error_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("old")

        def fail_half_way():
            with replacing(str(path)) as temporary:
                temporary.write_text("half")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail_half_way()
        assert path.read_text() == "old"
        assert files_below(tmp_path) == [path]

    def test_writers_at_the_same_time_do_not_meet(self, tmp_path):
        path = tmp_path / "a.txt"
        with replacing(path) as one, replacing(path) as other:
            one.write_text("1")
            other.write_text("2")
        assert path.read_text() == "1"
        assert files_below(tmp_path) == [path]

    def test_a_block_that_writes_nothing_is_an_error(self, tmp_path):
        with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
            pass
        assert files_below(tmp_path) == []


class TestDigest:
    @given(st.lists(VALUES, max_size=3))
    def test_equal_values_have_the_same(self, values):
        assert digest(*values) == digest(*copy.deepcopy(values))

    @given(st.lists(PLAIN, max_size=3), st.lists(PLAIN, max_size=3))
    def test_only_equal_values_have_the_same(self, one, other):
        # By their texts, as 1, 1.0 and True are equal to each other, and NaN is not to itself.
        assert (digest(*one) == digest(*other)) == (repr(one) == repr(other))

    @given(ARRAYS, st.data())
    def test_another_element_has_another(self, array, data):
        same_kind = stn.arrays(array.dtype, array.shape)
        other = data.draw(same_kind)
        assert (digest(array) == digest(other)) == (array.tobytes() == other.tobytes())

    @given(ARRAYS)
    def test_another_shape_has_another(self, array):
        assert digest(array) != digest(array[None])
        assert digest(array) != digest(array, array)
        # That of a view is that of its elements in their order, wherever they lie.
        assert digest(array.T.copy()) == digest(array.T)

    @given(stn.arrays("int32", stn.array_shapes(max_dims=2)))
    def test_another_type_has_another(self, array):
        others = ["uint32", "int64", "float32", "float64", ">i4", object]
        digests = {digest(array), *(digest(array.astype(other)) for other in others)}
        assert len(digests) == 1 + len(others)
        assert digest(array) != digest(array.view("float32")), "the same bytes"
        assert digest(array) != digest(array.tolist())

    @given(LABELS, LABELS)
    def test_labels_count_by_their_texts(self, one, other):
        assert (digest(one) == digest(other)) == (one.tolist() == other.tolist())

    @given(st.lists(VALUES, min_size=2, max_size=4), st.data())
    def test_values_do_not_run_into_each_other(self, values, data):
        at = data.draw(st.integers(1, len(values) - 1))
        assert digest(*values) != digest(values[:at], values[at:])
        assert digest(*values) != digest(*values, None)
        assert digest(*values) != digest(*values[:-1])


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "kept")


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    """With links between files, and where the file system has none."""
    if request.param == "no links":

        def refuse(existing, new):
            raise OSError("Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    return request.param == "links"


def made(folder, *texts):
    """Results that hold some texts."""
    paths = [folder / f"results/{text}.txt" for text in texts]
    for path, text in zip(paths, texts, strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return paths


@pytest.mark.usefixtures("links")
class TestKept:
    def test_what_was_made_is_taken_by_what_it_was_made_of(self, kept, tmp_path):
        kept.keep(digest("this"), made(tmp_path, "a", "b"))
        kept.keep(digest("that"), made(tmp_path, "c"))
        outputs = [tmp_path / "new/1", tmp_path / "new/2"]
        assert kept.take(digest("this"), outputs)
        assert [path.read_text() for path in outputs] == ["a", "b"]
        assert kept.take(digest("that"), outputs[:1])
        assert outputs[0].read_text() == "c"
        assert files_below(tmp_path / "new") == outputs

    def test_nothing_is_taken_of_what_is_not_all_there(self, kept, tmp_path):
        kept.keep(digest("this"), made(tmp_path, "a"))
        assert not kept.take(digest("this"), [tmp_path / "new/1", tmp_path / "new/2"])
        assert not kept.take(digest("that"), [tmp_path / "new/1"])
        assert not (tmp_path / "new").exists()

    def test_it_outlives_the_result(self, kept, tmp_path):
        (result,) = made(tmp_path, "a")
        kept.keep(digest("this"), [result])
        result.unlink()
        assert kept.take(digest("this"), [result])
        assert result.read_text() == "a"

    def test_results_of_the_same_are_no_two_names_of_one_file(self, kept, tmp_path):
        kept.keep(digest("this"), made(tmp_path, "a"))
        outputs = [tmp_path / "results/a.txt", tmp_path / "b", tmp_path / "c"]
        for output in outputs[1:]:
            assert kept.take(digest("this"), [output])
        assert len({path.stat().st_ino for path in outputs}) == 3
        outputs[1].write_text("mine")
        assert [path.read_text() for path in outputs] == ["a", "mine", "a"]

    @pytest.mark.parametrize("content", [b"", b"a lon", b"a long texT", b"a long text."])
    def test_what_was_damaged_is_not_taken(self, kept, tmp_path, content):
        for path in made(tmp_path, "a long text"):
            kept.keep(digest("this"), [path])
            path.unlink()
        (path,) = files_below(tmp_path / "kept")
        path.write_bytes(content)
        assert not kept.take(digest("this"), [tmp_path / "b"])
        assert files_below(tmp_path) == [], "it is deleted"

    def test_one_that_was_damaged_does_not_hide_another(self, kept, tmp_path):
        first, second = made(tmp_path, "first", "second")
        for path in (first, second):
            kept.keep(digest("this"), [path])
            path.unlink()
        files_below(tmp_path / "kept")[0].write_bytes(b"")
        assert kept.take(digest("this"), [tmp_path / "b"])
        assert (tmp_path / "b").read_text() in ("first", "second")

    def test_a_result_that_somebody_changed_is_not_taken_in_its_place(self, kept, tmp_path, links):
        (result,) = made(tmp_path, "a")
        kept.keep(digest("this"), [result])
        result.write_text("changed")
        assert kept.take(digest("this"), [tmp_path / "b"]) != links
        if not links:
            assert (tmp_path / "b").read_text() == "a"

    def test_what_a_killed_process_left_half_written_is_not_taken(self, kept, tmp_path):
        kept.keep(digest("this"), made(tmp_path, "a"))
        (path,) = files_below(tmp_path / "kept")
        path.rename(path.with_name(f".0123456789abcdef0123456789abcdef.{path.name}"))
        assert not kept.take(digest("this"), [tmp_path / "b"])
        kept.forget()
        assert files_below(tmp_path / "kept") == []

    def test_only_what_no_result_holds_is_forgotten(self, kept, tmp_path, links):
        still, gone = made(tmp_path, "still", "gone")
        kept.keep(digest("still"), [still])
        kept.keep(digest("gone"), [gone])
        gone.unlink()
        kept.forget()
        assert kept.take(digest("still"), [tmp_path / "b"]) == links
        assert not kept.take(digest("gone"), [tmp_path / "c"])
        assert still.read_text() == "still"

    def test_nothing_is_forgotten_where_nothing_was_kept(self, kept, tmp_path):
        kept.forget()
        assert not (tmp_path / "kept").exists()
