"""What is prepared for a GPU, in little and on the CPU: what it says, and not how fast it is."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml

from benchmarks import gpu, parts
from benchmarks.embeddings import demo_cars, demo_m
from benchmarks.gpu import GOAL, PARTS, embedding, grid, metrics, ranking
from benchmarks.parts import Found, Part, measure_parts
from benchmarks.record import load
from lanzdml.sources import ROOT

NOT_YET = "not measured: the run ended before"


@pytest.fixture(autouse=True)
def _records_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.record.FOLDER", tmp_path / "records")


def test_more_processes_decode_until_the_forward_pass_is_kept_up_with():
    found = embedding(demo_m("cpu"), demo_cars().head(24), 8, (0, 1), pairs=1)
    tried = [row["processes that decode"] for row in found.rows]
    assert tried in (["0"], ["0", "1"])
    ratios = [float(row["ours / forward"].split("%")[0]) / 100 for row in found.rows]
    assert all(ratio < GOAL for ratio in ratios[:-1])
    assert f"with {tried[-1]} processes" in found.result


def test_the_order_of_methods_is_that_of_their_scores():
    methods = ("random_transform", "text_subspace")
    # A device of another name, and of the same numbers.
    arguments = ("cpu:0", demo_cars().head(200), ("car_color", "car_model"), methods, 8)
    found = ranking(*arguments)
    for row in found.rows:
        best, other = row["on the CPU"].split(" > ")
        assert float(best.split()[-1]) > float(other.split()[-1])
        assert best.startswith("Text subspace")
        assert row["on cpu:0"] == "the same order"
        assert row["largest difference, points"] == "0.000"
    assert found.result.startswith("the same for 2 of 2 notions")

    # Of the device first and then of the CPU, a method each; once in another order.
    scores = iter([[0.2, 0.5, 0.3, 0.4], [0.5, 0.2, 0.3, 0.4]])
    found = ranking(*arguments, each=lambda *_: next(scores))
    assert [row["on cpu:0"] == "the same order" for row in found.rows] == [True, False]
    assert [row["largest difference, points"] for row in found.rows] == ["10.000", "20.000"]
    assert found.result.startswith("the same for 1 of 2 notions")


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


def told(path):
    return Found("what stood there", path.read_text(encoding="utf-8"), [{"a": "1"}])


def left_over(path):
    """Fail, with a process that goes on."""
    path.write_text(str(subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1).pid))
    raise ValueError("as it is told")


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_parts_end_in_time_and_the_file_says_what_is_missing(tmp_path):
    path, pid = tmp_path / "results.md", tmp_path / "pid"
    work = {
        "endless": (0, killed),
        "fails": (600, partial(left_over, pid)),
        "killed": (600, killed),
        "told": (600, partial(told, path)),
    }
    measure_parts(
        {name: Part(name, "", f"to {name}", *given) for name, given in work.items()}, path, "# Head"
    )
    assert {name: load(name).result for name in work} == {
        "endless": "not measured: it was not done after 0 s",
        "fails": "not measured: ValueError: as it is told",
        "killed": "not measured: its process was killed",
        "told": "what stood there",
    }
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Head")
    assert "To be measured: to endless." in text
    assert load("told").text.count(f"{NOT_YET} |") == 1, "in the file when it ran"
    with pytest.raises(ProcessLookupError):  # it ended with its part
        os.kill(int(pid.read_text()), 0)


def test_a_run_that_is_cut_off_leaves_no_older_numbers(tmp_path, monkeypatch):
    part = Part("a", "", "to count", 600, killed)
    part.record(Found("of a machine before", "", [])).save("a")
    monkeypatch.setattr(parts, "_measured", lambda part: sys.exit("cut off"))
    with pytest.raises(SystemExit):
        measure_parts({"a": part}, tmp_path / "results.md", "# Head")
    assert load("a").result == NOT_YET
    assert NOT_YET in (tmp_path / "results.md").read_text(encoding="utf-8")
