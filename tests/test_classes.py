"""The table of classes: by hand, in order, bounded, and read as it was written."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.runs import RUN, write_runs
from lanzdml.tables.classes import (
    MOST,
    class_scores,
    class_tables,
    read_classes,
    write_classes,
)
from tests.test_tables import rows, table_lines

EVIL = "=cmd|' /C calc'!A0\n| <b>*N/A*"
LABELS = ["red", "red", "red", "blue", "blue", "N/A", "N/A", "alone", None]
SEEDS = (3, 5)


@pytest.fixture
def folder(tmp_path):
    ids = [f"image {number}" for number in range(len(LABELS))]
    other = ["x"] * 4 + ["y"] * 5
    manifest = pd.DataFrame({"image_id": ids, "car_color": LABELS, "texture": other})
    manifest["clothing_category"] = ["dress"] * 4 + ["shirt"] * 5
    manifest.to_parquet(tmp_path / "manifest.parquet")
    return tmp_path


def write_run(folder, method, scores, *, dim=128, notion="car_color", seeds=SEEDS, **names):
    """A run's rows and queries: the MAP@R of each image, the same for all seeds; Prec@1 is 1."""
    path = folder / f"{method}-{notion}-{dim}-{'-'.join(names.values())}.parquet"
    of_run = pd.DataFrame(rows(method, [0.5] * len(seeds), notion=notion, dim=dim)).assign(**names)
    of_run["seed"] = seeds
    write_runs(folder / f"runs-{path.name}", of_run.assign(status="ok"))
    run = of_run[[*RUN[:6], "seed"]].iloc[:, :6].iloc[0].to_dict()
    ids = [f"image {number}" for number in range(len(scores))]
    tables = [
        pd.DataFrame({"seed": seed, "image_id": ids, "map_at_r": scores, "precision_at_1": 1.0})
        for seed in seeds
    ]
    pd.concat(tables).assign(**run).to_parquet(path)
    return folder / f"runs-{path.name}", path


def where(folder, *notions):
    own = notions == ("car_color",)
    of = ("paper", "demo_cars") if own else ("released", "deepfashion")
    return {(*of, notion): (folder / "manifest.parquet", notion) for notion in notions}


def scored(folder, *runs, labels=None):
    metrics, queries = zip(*runs, strict=True)
    return class_scores(metrics, queries, labels or where(folder, "car_color"))


CLIP = [0.1, 0.2, 0.3, 0.5, 0.5, 1.0, 0.5]
OURS = [0.4, 0.5, 0.6, 0.3, 0.4, 0.75, 0.75]


def test_a_row_is_a_class_of_a_method_and_the_worst_is_first(folder):
    table = scored(
        folder, write_run(folder, "indirect", OURS), write_run(folder, "clip", CLIP, dim=512)
    )
    ours = table[table["method"] == "indirect"]
    assert ours["class"].tolist() == ["blue", "N/A", "red"], "alone is no query"
    assert ours["n_images"].tolist() == [2, 2, 3]
    np.testing.assert_allclose(ours["map_at_r"], [35, 75, 50])
    np.testing.assert_allclose(ours["map_at_r_minus_clip"], [-15, 0, 30], atol=1e-9)
    assert set(ours["precision_at_1"]) == {100}
    assert set(ours["n_seeds"]) == {2}
    assert set(ours["dim"]) == {128}
    clip = table[table["method"] == "clip"]
    assert clip["dim"].isna().all()
    assert clip["map_at_r_minus_clip"].eq(0).all()
    assert clip["class"].tolist() == ["red", "blue", "N/A"], "without differences by the scores"
    assert table["method"].tolist() == ["clip"] * 3 + ["indirect"] * 3, "in the registry's order"


def test_seeds_in_files_of_their_own_are_averaged(folder):
    first = write_run(folder, "indirect", OURS, seeds=(3,))
    lower = [score - 0.1 for score in OURS]
    metrics, queries = write_run(folder, "indirect", lower, seeds=(5,), notion="car_model")
    for path in (metrics, queries):
        pd.read_parquet(path).assign(notion="car_color").to_parquet(path)
    table = scored(folder, first, (metrics, queries)).set_index("class")
    assert table.loc["red", "map_at_r"] == pytest.approx(45)
    assert table["n_seeds"].eq(2).all()
    assert table["map_at_r_minus_clip"].isna().all(), "CLIP was not run"
    assert class_tables(table.reset_index()) == []


def test_labels_of_another_notion_are_compared_with_clip_on_that(folder):
    """As of AE on texture in the released protocol."""
    names = {"dataset": "deepfashion", "protocol": "released"}
    table = scored(
        folder,
        write_run(folder, "ae", [0.5] * 9, notion="texture", **names),
        write_run(folder, "clip", [0.9] * 9, notion="texture", **names),
        write_run(folder, "clip", [0.2] * 9, notion="clothing_category", **names),
        labels=where(folder, "texture", "clothing_category"),
    )
    ae = table[table["method"] == "ae"]
    assert sorted(ae["class"]) == ["dress", "shirt"]
    np.testing.assert_allclose(ae["map_at_r_minus_clip"], 30, atol=1e-5)


def test_queries_of_other_images_are_refused(folder):
    run = write_run(folder, "indirect", [*OURS, 0.5, 0.5])
    with pytest.raises(LanzdmlError, match="'image 8', which has no label for car_color: delete"):
        scored(folder, run)
    run = write_run(folder, "indirect", [*OURS, 0.5, 0.5, 0.5])
    with pytest.raises(LanzdmlError, match="has scores of 'image 8'"):
        scored(folder, run)


def test_runs_that_could_not_be_made_have_no_rows(folder):
    metrics, queries = write_run(folder, "pca", OURS)
    pd.read_parquet(queries).iloc[:0].to_parquet(queries)
    table = scored(folder, (metrics, queries), write_run(folder, "clip", CLIP, dim=512))
    assert set(table["method"]) == {"clip"}
    write_classes([metrics], [queries], where(folder, "car_color"), folder)
    assert class_tables(read_classes(folder / "classes.csv")) == []


def test_a_users_labels_stay_text_in_every_format(folder):
    manifest = pd.read_parquet(folder / "manifest.parquet")
    manifest["car_color"] = manifest["car_color"].replace("blue", EVIL)
    manifest.to_parquet(folder / "manifest.parquet")
    runs = write_run(folder, "indirect", OURS), write_run(folder, "clip", CLIP, dim=512)
    metrics, queries = zip(*runs, strict=True)
    write_classes(metrics, queries, where(folder, "car_color"), folder)
    assert "'=cmd|' /C calc'!A0 | <b>*N/A*" in (folder / "classes.csv").read_text()
    table = read_classes(folder / "classes.csv")
    assert set(table["class"]) == {"red", "=cmd|' /C calc'!A0 | <b>*N/A*", "N/A"}
    pd.testing.assert_frame_equal(
        table, scored(folder, *runs).reset_index(drop=True), check_dtype=False
    )
    lines = table_lines((folder / "classes.md").read_text().replace(r"\|", "/"))
    assert lines[0] == [
        "Method", "Loses most", "Images", "MAP@R", "Difference", "Gains most", "Images", "MAP@R",
        "Difference",
    ]  # fmt: skip
    assert lines[2] == [
        "InDiReCT", r"=cmd/' /C calc'!A0 / &lt;b>\*N/A*", "2", "35.0", "-15.0", "red", "3", "50.0",
        "+30.0",
    ]  # fmt: skip
    assert len(lines) == 3, "no difference is neither a loss nor a gain"


def test_what_is_printed_is_bounded(folder):
    names = [f"class {number}" for number in range(200)]
    table = pd.DataFrame({
        "dataset": "demo_cars", "notion": "car_model", "class": names, "n_images": 1234,
        "method": "indirect", "map_at_r": 50.0, "map_at_r_minus_clip": np.arange(200.0) - 100,
        "protocol": "paper", "model": "demo-M", "dim": pd.array([128] * 200, "Int64"),
    })  # fmt: skip
    (printed,) = class_tables(table)
    assert len(printed.cells) == MOST
    first, last = printed.cell_rows()[0], printed.cell_rows()[-1]
    assert [cell.text for cell in first] == [
        "class 0", "1,234", "50.0", "-100.0", "class 199", "1,234", "50.0", "+99.0",
    ]  # fmt: skip
    assert (last[0].text, last[4].text) == ("class 4", "class 195")


def test_without_clip_the_text_says_so(folder):
    metrics, queries = write_run(folder, "indirect", OURS)
    write_classes([metrics], [queries], where(folder, "car_color"), folder)
    assert "CLIP has no value here" in (folder / "classes.md").read_text()
