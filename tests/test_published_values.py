"""Files of published values: what they may hold, and what is said of those that do not."""

import pytest

from lanzdml.errors import LanzdmlError
from lanzdml.tables.published_values import (
    FOLDER,
    NEEDED,
    OPTIONAL,
    published_files,
    read_published,
)

ROW = {
    "paper": "Mine", "dataset": "cars196", "notion": "car_model", "model": "CLIP-B",
    "method": "clip", "metric": "map", "value": "43.0", "unit": "percent",
    "protocol": "query_gallery",
}  # fmt: skip


def csv_of(path, *rows):
    columns = list(rows[0])
    lines = [",".join(columns), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ours_are_those_of_two_papers():
    rows = read_published()
    assert list(rows) == [*NEEDED, *OPTIONAL]
    counts = rows["paper"].value_counts().to_dict()
    assert counts == {"InDiReCT (WACV 2023)": 775, "CLAY (CVPR 2026)": 98}
    assert set(rows["comparable"]) == {"true", "released", "false"}


def test_the_least_that_a_file_has(tmp_path):
    (row,) = read_published([csv_of(tmp_path / "mine.csv", ROW)]).to_dict("records")
    assert row["value"] == 43.0
    assert row["comparable"] == "true"
    assert (row["source"], row["setting"], row["note"]) == ("", "", "")
    assert row["std"] != row["std"], "there is none"


def test_what_is_adjusted_for_chance_can_be_negative(tmp_path):
    rows = [ROW | {"metric": name, "value": "-3.0"} for name in ("ami", "ari", "silhouette")]
    assert set(read_published([csv_of(tmp_path / "mine.csv", *rows)])["value"]) == {-3.0}


def test_no_files_are_no_values():
    assert read_published([]).empty


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "mAP"}, "line 2, metric 'mAP': did you mean 'map_at_r' or 'map'?"),
        ({"value": "43,0"}, "line 2: the number of cells is 10, that of columns 9"),
        ({"value": "n/a"}, "line 2, value 'n/a': should be a number such as 43.0"),
        ({"value": "nan"}, "line 2, value 'nan': should be a number"),
        ({"value": "1_0"}, "line 2, value '1_0': should be a number"),
        ({"value": "430"}, "line 2, value '430': should be 100 at most"),
        ({"value": "43", "unit": "fraction"}, "value '43': should be 1 at most"),
        ({"value": "-3.0"}, "line 2, value '-3.0': should not be negative, as MAP cannot be"),
        ({"value": "-101", "metric": "ari"}, "line 2, value '-101': should be 100 at most"),
        ({"value": ""}, "line 2, value '': should not be empty"),
        ({"unit": "%"}, "line 2, unit '%': allowed: percent, fraction"),
        ({"method": "CLIP"}, "line 2, method 'CLIP': should be clip where it is that"),
        ({"method": "rand. trans"}, "should be random_transform where it is that method"),
        ({"model": ""}, "line 2, model '': should not be empty; write -"),
        ({"protocol": "query-gallery"}, "should be leave_one_out or query_gallery"),
        ({"protocol": "paper"}, "line 2, protocol 'paper': should be leave_one_out"),
        ({"std": "-1"}, "line 2, std '-1': should not be negative"),
        ({"dim": "12.5"}, "line 2, dim '12.5': should be a number of dimensions"),
        ({"comparable": "yes"}, "should be true, released, false or empty"),
        ({"vlaue": "1"}, "mine.csv: column 'vlaue': did you mean 'value'?"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path, changes, message):
    path = csv_of(tmp_path / "mine.csv", ROW | changes)
    with pytest.raises(LanzdmlError) as error:
        read_published([path])
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_a_column_that_lacks_or_is_there_twice_is_named(tmp_path):
    lacking = {name: value for name, value in ROW.items() if name != "unit"}
    with pytest.raises(LanzdmlError, match="has no column 'unit'; needed: paper, dataset"):
        read_published([csv_of(tmp_path / "mine.csv", lacking)])
    path = csv_of(tmp_path / "mine.csv", ROW)
    path.write_text("\n".join(line + ",x" for line in path.read_text().splitlines()))
    path.write_text(path.read_text().replace("protocol,x", "protocol,value"))
    with pytest.raises(LanzdmlError, match="column 'value' is there twice"):
        read_published([path])
    with pytest.raises(LanzdmlError, match="has no column 'paper'"):
        read_published([csv_of(tmp_path / "empty.csv", {"": ""})])
    head = tmp_path / "head.csv"
    head.write_text(",".join(ROW) + "\n")
    with pytest.raises(LanzdmlError, match="has no values"):
        read_published([head])


def test_the_same_value_twice_is_refused_also_in_two_files(tmp_path):
    one = csv_of(tmp_path / "one.csv", ROW, ROW | {"metric": "mrr"})
    two = csv_of(tmp_path / "two.csv", ROW | {"metric": "mrr", "value": "44.0"})
    with pytest.raises(LanzdmlError) as error:
        read_published([one, two])
    assert str(error.value) == (
        f"{two}, line 2: is the same value as {one}, line 3; leave one of them out"
    )
    assert len(read_published([one])) == 2


def test_of_many_faults_the_first_are_told(tmp_path):
    rows = [ROW | {"metric": f"metric{number}"} for number in range(30)]
    with pytest.raises(LanzdmlError) as error:
        read_published([csv_of(tmp_path / "mine.csv", *rows)])
    assert len(error.value.lines) == 21
    assert error.value.lines[-1] == "and 10 more"


def test_files_are_those_of_the_checkout_and_of_files_and_folders(tmp_path):
    ours = sorted(FOLDER.glob("*.csv"))
    assert published_files() == ours
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "README.md").write_text("no values")
    with pytest.raises(LanzdmlError, match=r"papers has no files \.csv or \.tsv"):
        published_files([str(folder)])
    two, one = csv_of(folder / "two.csv", ROW), csv_of(folder / "one.csv", ROW)
    assert published_files([str(folder), str(two), str(ours[0])]) == [*ours, one, two], "once each"
    for wrong, message in (("none.csv", "there is no"), ("papers/README.md", "should be a file")):
        with pytest.raises(LanzdmlError, match=message):
            published_files([str(tmp_path / wrong)])


def test_an_installed_library_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr("lanzdml.tables.published_values.FOLDER", tmp_path / "none")
    assert published_files() == []
