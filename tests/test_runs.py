"""The rows of runs: read, written and gathered, and which ones cannot be beside each other."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.errors import LanzdmlError
from lanzdml.metrics.runs import COLUMNS, DIGESTS, RUN, collect_runs, read_runs, write_runs
from lanzdml.metrics.scores import METRICS

SEEDS = (3, 5, 8)
NAME = {"dataset": "mine", "notion": "kind", "model": "m", "protocol": "paper"}


def rows(**changes):
    """Rows of three seeds of a method."""
    of_run = NAME | {"method": "lae", "dim": 6, "n_prompts": 30, "n_images": 60, "n_classes": 4}
    metrics = {name: [0.1, 0.2, 0.3] for name in METRICS}
    found = {
        "fit_seconds": 0.5,
        "iterations": 100,
        "loss": 0.1,
        "n_queries": 9,
        "tied_queries": 0,
        "status": "ok",
    }
    digests = dict.fromkeys(DIGESTS, "the same")
    return pd.DataFrame(of_run | {"seed": SEEDS} | metrics | found | digests).assign(**changes)


def write(path, frame):
    write_runs(path, frame)
    return path


def test_rows_have_all_columns_in_their_types(tmp_path):
    few = rows()[["seed", "dim", "n_images", "n_classes", *NAME]].sample(frac=1, random_state=0)
    frame = pd.read_parquet(write(tmp_path / "few.parquet", few.assign(method="pca", other=1)))
    assert list(frame) == list(COLUMNS)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS
    assert frame["seed"].tolist() == few["seed"].tolist(), "in the order given"
    absent = frame.drop(columns=[*few, "method"])
    assert absent.isna().all(axis=None)


def test_numbers_may_be_texts_as_in_a_transforms_metadata(tmp_path):
    texts = rows(n_prompts="30", fit_seconds="0.25", iterations=None, loss="1e-3")
    frame = read_runs([write(tmp_path / "rows.parquet", texts)])
    assert frame["n_prompts"].tolist() == [30] * 3
    assert frame["loss"].tolist() == [0.001] * 3
    assert frame["iterations"].isna().all()


def test_files_are_read_in_their_order(tmp_path):
    files = [
        write(tmp_path / f"{seed}.parquet", rows().iloc[[position]])
        for position, seed in reversed([*enumerate(SEEDS)])
    ]
    assert read_runs(files)["seed"].tolist() == [8, 5, 3]
    assert read_runs(files, seeds=[3, 8])["seed"].tolist() == [8, 3]
    collect_runs(files, tmp_path / "all.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "all.parquet"), read_runs(files), check_exact=True
    )


def test_metrics_beyond_the_seven_have_columns_where_there_are_some(tmp_path):
    more = rows(silhouette=0.5, recall_at_5=0.75, chance_recall_at_5=0.25, macro_recall_at_5=0.7)
    frame = pd.read_parquet(write(tmp_path / "more.parquet", more))
    names = list(frame)
    assert [name for name in names if name not in COLUMNS] == [
        "recall_at_5", "silhouette", "chance_recall_at_5", "macro_recall_at_5"
    ]  # fmt: skip
    assert names[names.index("mrr") + 1 :][:2] == ["recall_at_5", "silhouette"]
    assert [name for name in names if name in COLUMNS] == list(COLUMNS)
    without = write(tmp_path / "without.parquet", rows(method="pca"))
    both = read_runs([without, tmp_path / "more.parquet"])
    assert list(both) == names
    assert both["silhouette"].isna().tolist() == [True] * 3 + [False] * 3
    assert list(read_runs([without])) == list(COLUMNS)


def test_a_run_that_is_there_twice_is_refused(tmp_path):
    files = [
        write(tmp_path / "a.parquet", rows()),
        write(tmp_path / "b.parquet", rows(map=0.0).iloc[1:2]),
    ]
    message = r"a\.parquet and .*b\.parquet: the run of dataset mine, notion kind, .* there twice"
    with pytest.raises(LanzdmlError, match=message):
        collect_runs(files, tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()


@pytest.mark.parametrize("name", RUN)
def test_runs_of_another_name_are_others(tmp_path, name):
    others = {"protocol": "released", "method": "ae", "n_prompts": None, "seed": [4, 6, 9]}
    others["dim_auto"] = True
    other = rows(**{name: others.get(name, 7 if name == "dim" else "other")})
    files = [write(tmp_path / "a.parquet", rows()), write(tmp_path / "b.parquet", other)]
    assert len(read_runs(files)) == 6


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("of", ["a seed", "a method"])
def test_runs_of_other_images_or_prompts_are_not_compared(tmp_path, digest, of):
    mixed = rows(**{digest: ["one", "one", "other" if of == "a seed" else "one"]})
    other = mixed.assign(method="ae", **{digest: "other" if of == "a method" else "one"})
    files = [write(tmp_path / "lae.parquet", mixed), write(tmp_path / "ae.parquet", other)]
    with pytest.raises(LanzdmlError, match=f"made with another {digest} than one beside it"):
        read_runs(files)


@pytest.mark.parametrize("digest", DIGESTS)
def test_other_datasets_and_models_may_have_others(tmp_path, digest):
    other = rows(dataset="other", model="other", **{digest: "other"})
    files = [write(tmp_path / "a.parquet", rows()), write(tmp_path / "b.parquet", other)]
    assert len(read_runs(files)) == 6


def test_runs_that_have_no_prompts_do_not_contradict_those_that_do(tmp_path):
    oracle = rows(method="oracle", n_prompts=None, prompts_sha256=None)
    files = [write(tmp_path / "a.parquet", rows()), write(tmp_path / "b.parquet", oracle)]
    assert len(read_runs(files)) == 6


def test_a_protocol_that_takes_other_labels_may_have_others(tmp_path):
    here = rows(protocol="released", dataset="deepfashion", notion="fit", labels_sha256="of fit")
    ae = here.assign(method="ae", labels_sha256="of category")
    files = [write(tmp_path / "lae.parquet", here), write(tmp_path / "ae.parquet", ae)]
    assert len(read_runs(files)) == 6


def test_metrics_that_are_not_defined_are_null(tmp_path):
    undefined = rows(status="not_fitted", reason="too few", **dict.fromkeys(METRICS, np.nan))
    frame = read_runs([write(tmp_path / "rows.parquet", undefined)])
    assert frame[list(METRICS)].isna().all(axis=None)
    assert frame["reason"].tolist() == ["too few"] * 3


def test_clusters_of_two_kinds_of_k_means_are_not_beside_each_other(tmp_path):
    whole = write(tmp_path / "whole.parquet", rows())
    batches = write(tmp_path / "batches.parquet", rows(method="ae", kmeans_batch_size=100))
    assert read_runs([batches])["kmeans_batch_size"].tolist() == [100] * 3
    with pytest.raises(LanzdmlError, match=r"method lae.* is clustered in batches of other sizes"):
        read_runs([whole, batches])
    other = write(tmp_path / "other.parquet", rows(method="pca", kmeans_batch_size=200))
    with pytest.raises(LanzdmlError, match="batches of other sizes"):
        read_runs([batches, other])
    elsewhere = write(tmp_path / "elsewhere.parquet", rows(dataset="another"))
    assert read_runs([batches, elsewhere])["kmeans_batch_size"].isna().sum() == 3
