"""Results that somebody made: what was changed in them afterwards is found."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from lanzdml.commands.main import lanzdml
from lanzdml.errors import LanzdmlError
from lanzdml.plan.runs import Fit, Run
from lanzdml.sharing.folders import Results
from lanzdml.sharing.verifying import sample_of, verify
from lanzdml.tables.paper import write_tables
from lanzdml.transforms.storage import read_metadata
from tests.made_results import CONFIG, make_results
from tests.test_merge import change, rewrite_transform

RUN = "paper/demo_cars/small/car_color/text_subspace/dim-3/every-seed.parquet"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("made") / "results")


@pytest.fixture
def results(original, tmp_path):
    shutil.copytree(original, tmp_path / "results")
    return tmp_path / "results"


def wrong(folder, runs=0):
    return "\n".join(verify(folder, runs=runs).wrong)


def test_what_was_made_here_is_the_same_bit_for_bit(original):
    result = CliRunner().invoke(lanzdml, ["verify", str(original), "--runs", "6"])
    assert result.exit_code == 0, result.output
    assert "6 of 12 runs were scored anew, 6 the same bit for bit" in result.output
    assert "All agrees." in result.output


def add(column, by):
    def edit(rows):
        rows.loc[rows.index[0], column] += by

    return edit


def test_a_forged_score_in_one_file(results):
    change(results / "metrics" / RUN, add("map_at_r", 0.01))
    result = CliRunner().invoke(lanzdml, ["verify", str(results), "--runs", "0"])
    stored = pd.read_parquet(results / "metrics" / RUN)["map_at_r"][0].item()
    made = pd.read_parquet(results / "metrics.parquet")
    of_run = (made["method"] == "text_subspace") & (made["notion"] == "car_color")
    assert result.exit_code == 1
    assert str(results / "metrics" / RUN) in result.output
    assert repr(stored) in result.output
    assert repr(made["map_at_r"][of_run].iloc[0].item()) in result.output


def test_a_forged_score_in_the_collected_rows(results):
    change(results / "metrics.parquet", add("mrr", 1e-9))
    assert "mrr is" in wrong(results)


def test_a_row_that_no_run_has(results):
    path = results / "metrics.parquet"
    table = pq.read_table(path)
    rows = table.to_pandas()
    more = rows.head(1).assign(method="my_own", map_at_r=0.99)
    rows = pd.concat([rows, more], ignore_index=True)
    pq.write_table(pa.Table.from_pandas(rows, table.schema, preserve_index=False), path)
    assert "method my_own" in wrong(results)
    assert "in no file of a run" in wrong(results)


def test_a_run_that_was_left_out(results):
    path = results / "metrics.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    assert "is not there" in wrong(results)


def test_a_forged_value_of_a_query(results):
    change(results / "queries" / RUN, add("map_at_r", -0.125))
    assert str(results / "queries" / RUN) in wrong(results)


def test_queries_of_other_images(results):
    path = results / "queries" / RUN
    change(path, lambda rows: rows.__setitem__("image_id", "x" + rows["image_id"]))
    assert f"{path}: its rows are of other seed and image_id" in wrong(results, runs=12)


def test_prompts_that_the_transform_does_not_know(results):
    """In all files alike."""

    def other(rows):
        rows.loc[rows["method"] == "text_subspace", "prompts_sha256"] = "0" * 64

    change(results / "metrics" / RUN, other)
    change(results / "metrics.parquet", other)
    assert f"{results / 'metrics' / RUN}: prompts_sha256 is {'0' * 64}" in wrong(results)


def test_a_second_row_that_says_otherwise(results):
    """Of a run that is the same for every seed."""

    def other(rows):
        rows.loc[(rows["method"] == "text_subspace") & (rows["seed"] == 1), "labels_sha256"] = "0"

    change(results / "metrics" / RUN, other)
    change(results / "metrics.parquet", other)
    assert f"{results / 'metrics' / RUN}: labels_sha256 is '0'" in wrong(results)


def test_a_method_that_sees_labels_and_does_not_say_so(results):
    def other(rows):
        rows["supervised"] = False

    path = results / "metrics/paper/demo_cars/small/car_color/oracle/dim-3/seed-0.parquet"
    change(path, other)
    change(results / "metrics.parquet", other)
    assert f"{path}: supervised is [False], and oracle's is True" in wrong(results)


def test_a_metric_that_no_run_has(results):
    path = results / "metrics.parquet"
    pd.read_parquet(path).assign(clustering_accuracy=0.99).to_parquet(path, index=False)
    assert "have a column 'clustering_accuracy'" in wrong(results)


@pytest.mark.parametrize("name", ["table2.md", "appendix_table1.csv", "table2.tex"])
def test_a_forged_table(results, name):
    plan = Results(results).plan
    write_tables([Path(plan.paths.metrics(run)) for run in plan.paper_runs], results / "tables")
    assert not wrong(results)
    path = results / "tables" / name
    path.write_text(path.read_text().replace("0.", "9.", 1))
    assert wrong(results) == f"{path} is not the table of these runs"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rows: rows.drop(columns="map_at_r"), "has no column 'map_at_r'"),
        (lambda rows: rows.assign(map_at_r=[[1.0]] * len(rows)), "has a column of another kind"),
        (lambda rows: rows.assign(draw="first"), "has a column of another kind"),
    ],
)
def test_a_file_that_no_run_writes_is_named(results, edit, said):
    path = results / "draws" / RUN
    edit(pd.read_parquet(path)).to_parquet(path, index=False)
    assert f"{path} {said}" in wrong(results, runs=12).replace(f"{path}: ", "")


def test_what_is_forged_alike_everywhere_the_sample_finds(results):
    """In the run's row, in the collected ones, and in the queries' values."""

    def better(rows):
        named = (rows["method"] == "text_subspace") & (rows["notion"] == "car_color")
        rows.loc[named, "ami"] += 0.05

    change(results / "metrics" / RUN, better)
    change(results / "metrics.parquet", better)
    assert not wrong(results)
    found = wrong(results, runs=12)
    assert "ami is" in found
    assert "when made anew" in found


@pytest.mark.parametrize("stage", ["draws", "clusterings"])
def test_forged_evidence(results, stage):
    column = "ami" if stage == "clusterings" else "map_at_r"
    change(results / stage / RUN, add(column, 0.1))
    assert str(results / stage / RUN) in wrong(results, runs=12)


def test_a_transform_in_place_of_another(results):
    folder = results / "transforms/demo_cars/small/car_color/indirect/dim-3"
    shutil.copy(folder / "seed-1.safetensors", folder / "seed-0.safetensors")
    assert f"{folder / 'seed-0.safetensors'}: seed is '1'" in wrong(results)


def test_a_transform_that_was_not_learned_from_the_prompts(results):
    """It says that it was, and scores are those of it."""
    folder = results / "transforms/demo_cars/small"
    other = folder / "car_model/text_subspace/dim-3/every-seed.safetensors"
    path = folder / "car_color/text_subspace/dim-3/every-seed.safetensors"
    told = read_metadata(path)
    shutil.copy(other, path)
    rewrite_transform(path, **told)
    found = wrong(results)
    assert str(path) in found
    assert "fitted anew" in found


def test_an_embedding_file_in_place_of_another(results):
    path = results / "embeddings/demo_cars/small/images.parquet"
    table = pq.read_table(path)
    vectors = np.stack(table["embedding"].to_pylist()).astype(np.float32)[::-1]
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    pq.write_table(table.set_column(1, table.schema.field(1), column), path)
    assert "when made anew" in wrong(results, runs=4)


def test_other_weights(results):
    path = results / "embeddings/demo_cars/small/images.parquet"
    table = pq.read_table(path)
    metadata = table.schema.metadata | {b"weights_sha256": b"1" * 64}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    assert "weights_sha256 is" in wrong(results)


def test_labels_that_were_changed(results):
    path = results / "datasets/demo_cars/manifest.parquet"
    change(
        path, lambda rows: rows.__setitem__("car_color", rows["car_color"].replace("red", "blue"))
    )
    found = wrong(results)
    assert "labels_sha256 is" in found
    assert str(path) in found


def test_rounding_is_told_from_forgery(results):
    """Values in the last places, as of another processor."""

    def moved(rows):
        named = (rows["method"] == "text_subspace") & (rows["notion"] == "car_color")
        rows.loc[named, "mrr"] += 1e-9

    for path in ("metrics.parquet", f"metrics/{RUN}"):
        change(results / path, moved)
    found = verify(results, runs=12)
    assert not found.wrong
    assert found.exact == 11
    assert 0 < found.most[0] < 1e-8


def test_what_is_no_folder_of_results(tmp_path, results):
    with pytest.raises(LanzdmlError, match=r"record\.json"):
        verify(tmp_path)
    (results / "queries" / RUN).unlink()
    with pytest.raises(LanzdmlError, match="not complete"):
        verify(results)


def test_a_sample_has_some_of_everything():
    runs = [
        Run(protocol, Fit(dataset, "m", notion, method, 3, seed=seed))
        for protocol in ("paper", "released")
        for dataset, notion in (("a", "x"), ("a", "y"), ("b", "z"))
        for method in CONFIG["methods"]
        for seed in range(5)
    ]
    sample = sample_of(runs, 5, np.random.default_rng(0))
    assert len(set(sample)) == 5
    assert {run.fit.method for run in sample} == set(CONFIG["methods"])
    assert {run.fit.notion for run in sample} == {"x", "y", "z"}
    assert {run.protocol for run in sample} == {"paper", "released"}
    assert sample == sample_of(runs, 5, np.random.default_rng(0))
    assert sample != sample_of(runs, 5, np.random.default_rng(1))
    assert len(sample_of(runs, 1000, np.random.default_rng(0))) == len(runs)
