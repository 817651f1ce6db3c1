"""The benchmarks' own parts; their figures come from `make bench`, not from a test."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.exceptions import ConvergenceWarning

from benchmarks import clevr4, intervals, paper_grid, plain, ranks, results
from benchmarks import products as measured_products
from benchmarks.clevr4_scenes import SHAPES, TEXTURES, draw_scene, write_archive
from benchmarks.fits import Fit, texts
from benchmarks.record import Record
from benchmarks.score import cost_of
from benchmarks.standins import StandInModel, labels_at_paper_sizes, place
from benchmarks.timing import Paired, paired, seconds_a_step
from lanzdml.arithmetic import products as lanzdml_products
from lanzdml.config.config import parse_config
from lanzdml.datasets import DATASETS
from lanzdml.datasets.clevr4 import CLASSES
from lanzdml.embeddings.storage import labelled_images, read_embeddings
from lanzdml.methods import METHODS
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.sources import ROOT
from lanzdml.tables.overview import PAPER_COUNTS

PAPER = parse_config(yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8")))
SIZES = {
    "synthetic_cars": 1000,
    "cars196": 8131,
    "cub200": 5924,
    "deepfashion": 4000,
    "movie_posters": 8052,
}


@pytest.mark.parametrize("dataset", SIZES)
def test_stand_ins_have_the_papers_sizes(dataset):
    labels = labels_at_paper_sizes(dataset, PAPER)
    assert len(labels) == SIZES[dataset]
    counts = pd.read_csv(PAPER_COUNTS).query("dataset == @dataset").set_index("notion")
    for notion in labels:
        # CSS 2.1 has 17 names for its 18 colours.
        expected = min(counts["paper_classes"][notion], 17 if "color" in notion else 10**6)
        assert labels[notion].nunique() == expected
    pd.testing.assert_frame_equal(labels, labels_at_paper_sizes(dataset, PAPER))


def test_the_largest_country_is_that_of_the_movie_posters():
    labels = labels_at_paper_sizes("movie_posters", PAPER)["production_country"]
    assert abs(labels.value_counts().iloc[0] - 6143) < 100


def test_stand_ins_agree_with_their_prompts_and_differ_between_models():
    model = StandInModel("a", 64)
    names = ["red", "green", "blue"]
    labels = pd.DataFrame({"color": np.repeat(names, 50)})
    ids = [str(number) for number in range(len(labels))]
    images, prompts = model.images(ids, labels), model.texts(names)
    assert images.dtype == prompts.dtype == np.float32
    np.testing.assert_array_equal(images, StandInModel("a", 64).images(ids, labels))
    assert not np.allclose(images, StandInModel("b", 64).images(ids, labels))

    # In the space of the prompts' differences an image is nearest to its own, mostly.
    found = ((images - images.mean(axis=0)) @ (prompts - prompts.mean(axis=0)).T).argmax(axis=1)
    assert (found == np.repeat(range(3), 50)).mean() > 0.7


def test_placed_files_are_what_the_workflow_would_have_cached(tmp_path):
    values = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    less = {"datasets": {"movie_posters": values["datasets"]["movie_posters"]}}
    plan = Plan(parse_config(values | less | {"experiments": {}, "figures": {}}))
    place(plan, tmp_path)
    paths = plan.paths
    manifest = tmp_path / paths.manifest("movie_posters")
    images_file = tmp_path / paths.images("movie_posters", "ViT-B-32")
    images, labels, _ = labelled_images(images_file, manifest, "genre")
    assert images.shape == (8052, 512)
    prompts_file = tmp_path / paths.prompts("movie_posters", "ViT-B-32", "genre")
    rows, prompts, metadata = read_embeddings(prompts_file)
    assert sorted(rows["aspect"]) == sorted(set(labels))
    assert rows["prompt"][0] == PAPER.datasets["movie_posters"].notions["genre"].template.replace(
        "{aspect}", rows["aspect"][0]
    )
    assert prompts.shape == (25, 512)
    assert "stand-in" in metadata["architecture"]
    # Nothing that a fit or a score needs is left to be embedded.
    needed = {path for jobs in (fit_jobs(plan, str), score_jobs(plan, str)) for job in jobs
              for path in job.inputs if "transforms" not in path}  # fmt: skip
    assert needed
    assert all((tmp_path / path).exists() for path in needed)


@pytest.mark.parametrize("method", plain.FITS)
def test_plain_loops_find_what_our_methods_find(method):
    data = (texts(12),)
    if method == "oracle":
        data += (np.arange(12) % 3,)
    # Some twenty steps, as rounding grows with each.
    with pytest.warns(ConvergenceWarning):
        estimator = METHODS[method](8, random_state=3, max_iter=20).fit(*data)
    loss, iterations = plain.FITS[method](*data, 8, 3, 20)
    assert iterations == 20
    assert loss == pytest.approx(estimator.loss_, rel=1e-4)


def test_plain_loops_end_by_themselves():
    loss, iterations = plain.indirect(texts(4), 8, 0, 20_000)
    assert 100 < iterations < 20_000
    assert loss < plain.indirect(texts(4), 8, 0, 5)[0]


def test_a_fit_counts_the_iterations_of_all_seeds():
    fit = Fit("indirect", n_prompts=4, max_iter=6)
    assert fit.ours([0, 1, 2]) == fit.plain([0, 1, 2]) == 18
    assert str(fit) == "4 prompts"


def test_products_go_to_the_library_that_is_measured(monkeypatch):
    called, before = [], object()

    def library(inputs, weight, bias):
        called.append(weight.shape)
        return torch.nn.functional.linear(inputs, weight, bias)

    monkeypatch.setattr("lanzdml.arithmetic.products._ONEDNN", before)
    fit = Fit("indirect", n_prompts=100, max_iter=2)
    fit_by = measured_products._by
    assert (fit_by(None, fit), called) == (2, [])
    assert fit_by(library, fit) == 2
    assert len(called) > 2
    assert lanzdml_products._ONEDNN is before


def test_memory_is_that_of_the_process_alone():
    work = "x = bytearray(10**8); x[::4096] = bytes(len(x[::4096])); print(sum(range(10**6)))"
    cost = cost_of([sys.executable, "-c", work])
    assert 0.09 < cost.memory < 0.15
    assert 0 < cost.seconds < 10
    assert json.loads(cost.output) == sum(range(10**6))


def test_pairs_take_turns():
    order = []
    taken = paired(lambda: order.append("ours"), lambda: order.append("theirs"), 3)
    assert order == ["theirs", "ours", "ours", "theirs", "theirs", "ours"]
    assert len(taken.ours) == len(taken.theirs) == 3
    taken = paired(lambda: order.append("ours") or 10**9, lambda: 1, 1, clock=seconds_a_step)
    assert len(order) == 7
    assert taken.ours[0] < taken.theirs[0]
    assert Paired([1.0, 2.0, 1.0], [3.0, 4.0, 4.0]).ratio == 3
    assert str(Paired([1.0, 2.0, 1.0], [3.0, 4.0, 4.0])) == "3.0 (2.0 to 4.0)"


def test_results_hold_what_ran_last(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.record.FOLDER", tmp_path)
    facts = {"processor": "P"}
    for result in ("2x", "3x"):
        rows = [{"what": "a|b", "ratio": result}]
        record = Record("Fits", "2x", result, "How.", rows, day="2026-01-02", machine=facts)
        record.save("fits")
    results.write_results(tmp_path / "results.md", "# Head", ["fits"])
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "| Fits | 2x | 3x |" in text
    assert "| a\\|b | 3x |" in text
    assert "2026-01-02: processor P." in text
    assert "2x |\n" not in text.split("## Fits")[1]


def test_where_the_grids_time_went():
    jobs = pd.DataFrame(
        [
            ("transforms", "quick", 2, 3.0),
            ("transforms", "ae", 1, 50.0),
            ("metrics", "all", 4, 30.0),
            ("trimap", "all", 1, 9.0),
        ],
        columns=["stage", "kind", "jobs", "sum"],
    )
    work = {"fit": 2, "fit, trained": 1, "score": 4}
    start_ups = {"fit": 1.0, "fit, trained": 3.0, "score": 2.0}
    spent = paper_grid.where_time_went(45.0, jobs, work, start_ups)
    assert list(spent.values()) == [45.0, 30.0 - 4 * 2.0, 2 * 1.0 + 3.0 + 4 * 2.0, 9.0]


def test_the_grids_jobs_are_those_of_the_plan():
    plan = Plan(PAPER)
    work = paper_grid.work_of_jobs(plan)
    assert work.keys() == paper_grid.IMPORTS.keys()
    assert work["fit"] + work["fit, trained"] == len(fit_jobs(plan, str))
    assert work["score"] == len(score_jobs(plan, str))
    # Of each dataset one for all methods that are quick to fit, and one of an ablation.
    assert len(PAPER.datasets) <= work["fit"] <= len(PAPER.datasets) + 3


def test_what_jobs_import_can_be_imported():
    for imports in paper_grid.IMPORTS.values():
        exec(imports, {})


def test_a_sample_is_as_far_from_the_truth_as_one_that_is_no_part_of_it():
    """Scores that are means of images' own values and of a fit's, of known variances."""
    rng = np.random.default_rng(0)
    n_fits, by_images, by_fits = 15, [], []
    for seed in range(200):
        samples = intervals.Population.cut(np.zeros(400), 100, seed).samples
        of_images, of_fits = rng.normal(0, 3, 400), rng.normal(0, 2, n_fits)
        means = of_fits[:, None] + of_images[samples].mean(axis=1)
        sets = rng.permutation(n_fits)[:5].reshape(1, 1, 5).repeat(len(samples), axis=0)
        scores = intervals.Scores(means[:, :, None], sets, None, None)
        by_images.append(scores.by_images(0, 0))
        by_fits.append(scores.by_fits(0, 0, rng))
    off, errors = zip(*by_fits, strict=True)
    assert np.std(by_images) == pytest.approx(3 / np.sqrt(100), rel=0.15)
    assert np.std(off) == pytest.approx(2 / np.sqrt(5), rel=0.15)
    assert np.mean([error.value for error in errors]) == pytest.approx(2 / np.sqrt(5), rel=0.15)


def test_samples_share_no_image():
    samples = intervals.Population.cut(np.zeros(1050), 200, 0).samples
    assert samples.shape == (5, 200)
    assert len(set(samples.ravel())) == 1000


def test_the_record_has_misses_in_percent_beside_those_over_queries():
    pair = {"population": intervals.CARS, "images": 200, "metric": "map_at_r", "method": "ae",
            "other": "clip", **dict.fromkeys(intervals.OUTCOMES)}  # fmt: skip
    missed = dict.fromkeys([intervals.SAME_FITS, intervals.OTHER_FITS], 0.25)
    over_queries = dict.fromkeys(map(intervals._old, missed), 0.5)
    itself = {"other": "ae", intervals.ITSELF: 0.1, intervals._old(intervals.ITSELF): 1}
    found = pd.DataFrame(
        [pair | missed | over_queries, pair | missed | over_queries, pair | itself]
    )
    record = intervals._record(found, 400, 10)
    assert record.rows == [{
        "population": "cars", "images": "200", "metric": "MAP@R", "same fits": "25.0 (50.0)",
        "other fits": "25.0 (50.0)", "itself": "10.0 (100.0)", "intervals": "2",
    }]  # fmt: skip
    assert "AE minus CLIP by MAP@R (25.0 % with other fits)" in record.text


def test_ranks_of_a_known_order_are_judged():
    """A method that sees the classes far apart, and one that hardly sees them."""
    order = np.array([3.0, 0.1, 0.1])
    for row in ranks._judged(order, n_fits=1, n_samples=2):
        assert not row[ranks.ANY]
        assert row[ranks.WIDTH] == pytest.approx(2 / 3), "the two that are equal"
        assert row[ranks.FALSE] == 0
    for row in ranks._judged(order[::-1], n_fits=2, n_samples=1):
        assert row[ranks.EACH] == 0
        assert np.isnan(row[ranks.PERCENTILES])


def test_scenes_are_an_archive_that_the_reader_reads(tmp_path):
    write_archive(tmp_path / "a", 60)
    manifest = DATASETS["clevr4"].read_manifest(tmp_path / "a")
    assert len(manifest) == 60
    for notion, classes in CLASSES.items():
        assert set(manifest[notion]) <= set(classes)
        assert manifest[notion].nunique() > 6
    pair = [write_archive(tmp_path / name, 60).read_bytes()[:5000] for name in "ab"]
    assert pair[0] == pair[1]


def test_each_value_is_drawn_in_its_own_way():
    assert SHAPES.keys() == set(CLASSES["shape"])
    assert TEXTURES.keys() == set(CLASSES["texture"])
    values = {"texture": "metal", "shape": "cube", "color": "red", "count": "5"}

    def drawn(**changes):
        return draw_scene(values | changes, np.random.default_rng(0)).tobytes()

    for notion, classes in CLASSES.items():
        assert len({drawn(**{notion: value}) for value in classes}) == len(classes)


def test_clevr4_is_run_as_it_is_configured(tmp_path, monkeypatch):
    """Apart from the model, the seeds, most experiments and the download."""
    clevr4.prepare(tmp_path, 20)
    monkeypatch.chdir(tmp_path)
    values = yaml.safe_load((tmp_path / clevr4.CONFIGURATION).read_text(encoding="utf-8"))
    config = parse_config(values)
    original = yaml.safe_load((ROOT / "configs/clevr4.yaml").read_text(encoding="utf-8"))
    assert list(config.models) == [*clevr4.STAND_INS.values()]
    assert {*clevr4.STAND_INS} <= {*original["models"]}
    assert config.main_models == list(config.models)
    assert values["methods"] == original["methods"]
    for key in ("dims", "protocol"):
        assert values[key] == original[key]
    assert values["figures"].keys() == original["figures"].keys()
    assert {*clevr4.EXPERIMENTS} <= {*original["experiments"]}
    assert not config.datasets["clevr4"].download
