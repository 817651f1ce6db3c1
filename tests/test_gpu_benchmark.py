"""What is prepared for a GPU, in little and on the CPU: what it says, and not how fast it is."""

import pytest
import torch
import yaml

from benchmarks import gpu
from benchmarks.embeddings import demo_cars, demo_m, photographs
from benchmarks.gpu import GOAL, PARTS, SWAPPED, embedding, grid, metrics, ranking
from lanzdml.sources import ROOT


def test_more_processes_decode_until_the_forward_pass_is_kept_up_with(tmp_path):
    found = embedding(demo_m("cpu"), photographs(tmp_path, 24), tmp_path, 8, (0, 1), pairs=1)
    tried = [row["processes that decode"] for row in found.rows]
    assert tried in (["0"], ["0", "1"])
    ratios = [float(row["ours / forward"].split("%")[0]) / 100 for row in found.rows]
    assert all(ratio < GOAL for ratio in ratios[:-1])
    assert f"with {tried[-1]} processes" in found.result


# A device of another name.
BESIDE = "cpu:0"


def test_the_order_of_methods_is_that_of_their_scores():
    methods = ("random_transform", "text_subspace")
    found = ranking(BESIDE, demo_cars().head(60), ("car_color",), methods, 8)
    (row,) = found.rows
    for where in ("on the CPU", f"on {BESIDE}"):
        best, other = row[where].split(" > ")
        assert float(best.split()[-1]) > float(other.split()[-1])
        assert best.startswith("Text subspace")
    assert row[SWAPPED] == "none"
    assert found.result.startswith("the same for 1 of 1 notions")


@pytest.mark.parametrize(("beside", "on_cpu", "swapped"), [
    # CLIP, and random transforms of five seeds.
    ([0.2, *[0.5] * 5], [0.3, *[0.4] * 5], "none"),
    ([0.5, *[0.2] * 5], [0.3, *[0.4] * 5], "CLIP and Rand. trans."),
    ([0.5, *[0.2] * 5], [0.3, 0.1, 0.4, 0.4, 0.4, 0.7], "none"),  # their fits do not tell
])  # fmt: skip
def test_what_is_told_apart_and_swapped_is_found(beside, on_cpu, swapped):
    found = ranking(
        BESIDE, demo_cars().head(2), ("car_color",), ("clip", "random_transform"), 8,
        each=lambda *_: beside + on_cpu,
    )  # fmt: skip
    assert [row[SWAPPED] for row in found.rows] == [swapped]
    assert found.result.startswith(f"the same for {int(swapped == 'none')} of 1 notions")


def test_metrics_are_measured_at_the_size_asked_for():
    (row,) = metrics(300, 8, 5).rows
    assert row["vectors"] == "300 x 8"


@pytest.mark.slow
def test_the_grid_runs_in_little(tmp_path):
    paper = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    less = {
        "datasets": {"synthetic_cars": paper["datasets"]["synthetic_cars"]},
        "methods": ["clip", "random_transform"],
        "experiments": {"main": paper["experiments"]["main"]},
    }
    (row,) = grid(tmp_path / "grid", less).rows
    assert row["runs"] == "6", "three notions and two methods with one seed"


def test_all_parts_together_take_eight_minutes_at_most():
    assert sum(part.seconds for part in PARTS.values()) <= 8 * 60


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_what_it_would_measure_and_writes_nothing(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(gpu, "RESULTS", tmp_path / "results-gpu.md")
    gpu.measure_all()
    printed = capsys.readouterr().out
    assert all(part.title in printed and part.what in printed for part in PARTS.values())
    assert not list(tmp_path.iterdir())
