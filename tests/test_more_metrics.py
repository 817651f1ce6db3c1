"""The workflow with metrics beyond the seven: rows, tables and report; what makes scores anew."""

import numpy as np
import pandas as pd
import pytest

from lanzdml.metrics import compute_metrics
from lanzdml.metrics.runs import COLUMNS
from lanzdml.metrics.scores import METRICS, MORE_METRICS
from lanzdml.names import METRIC_NAMES
from tests.test_workflow import plan, snakemake, stages_of, working_folder

KINDS = ["round", "flat", "long"]
LABELS = [KINDS[i % 3] for i in range(45)]
ASKED = {"metrics": ["silhouette", *MORE_METRICS[:-1]], "kmeans_repeats": 3}


def configuration(**changes):
    vectors = {"vectors": {"clip": "kinds.npy"}, "prompts": [f"a {kind} thing" for kind in KINDS]}
    return {
        "datasets": {
            "things": {
                "labels": "labels.csv",
                "vectors": {"clip": "images.npy"},
                "notions": {"kind": vectors},
            }
        },
        "models": {"clip": {}},
        "methods": ["clip", "text_subspace"],
        "dims": [2],
        "seeds": [0, 1],
    } | changes


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("more")
    random = np.random.default_rng(0)
    kinds = random.normal(size=(3, 8))
    np.save(folder / "kinds.npy", kinds)
    np.save(folder / "images.npy", np.tile(kinds, (15, 1)) + random.normal(size=(45, 8)))
    pd.DataFrame({"kind": LABELS}).to_csv(folder / "labels.csv", index=False)
    snakemake(working_folder(folder, configuration(**ASKED)), "--cores", "2")
    return folder


def test_rows_have_what_was_asked_for(finished):
    runs = pd.read_parquet(finished / "results/metrics.parquet")
    names = [name for name in runs if name in (*METRICS, *MORE_METRICS)]
    assert names == [*METRICS, *MORE_METRICS]
    rows = runs[runs["method"] == "clip"].set_index("seed")
    images = np.load(finished / "images.npy").astype(np.float32)
    for seed in (0, 1):
        expected = compute_metrics(images, LABELS, seed=seed, metrics=names, kmeans_repeats=3)
        assert rows.loc[seed, names].to_dict() == pytest.approx(expected, abs=1e-6)


def test_tables_and_report_show_them_after_the_seven(finished):
    table = (finished / "results/tables/appendix_table1.md").read_text()
    shown = [line.split("|")[3].strip() for line in table.splitlines() if line.startswith("|")]
    assert shown[2:] == [METRIC_NAMES[name] for name in (*METRICS, *MORE_METRICS)]
    assert "Silhouette" not in (finished / "results/tables/table2.md").read_text()
    report = (finished / "results/report.html").read_text()
    for name in MORE_METRICS:
        assert f"<h4>{METRIC_NAMES[name]}</h4>" in report
        assert f'"name":"{name}"' in report


def test_without_them_it_is_scored_anew_and_has_no_such_columns(finished):
    assert plan(finished) == {}
    for changes in ({"metrics": ["ari"]}, {"kmeans_repeats": 2}):
        working_folder(finished, configuration(**ASKED | changes))
        stages = stages_of(plan(finished))
        assert stages["score"] == 1
        assert not stages.keys() & {"fit", "read_vectors", "prepare_dataset"}
    working_folder(finished, configuration())
    snakemake(finished, "--cores", "2", "results/metrics.parquet")
    runs = pd.read_parquet(finished / "results/metrics.parquet")
    assert list(runs) == list(COLUMNS)
