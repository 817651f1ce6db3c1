"""What lies between the parts: folders of results that others made, and texts that are read late."""

import json
import os
import signal
from pathlib import Path

import pytest

from lanzdml.datasets import summary
from lanzdml.files import Kept
from tests.attacks.bounded import attack

# Folders of results


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    (folder / "kept" / "aa").mkdir(parents=True)
    (folder / "report.html").write_text("of mine")
    return folder


def test_a_link_among_what_is_kept_deletes_no_results(results):
    (results / "kept" / "bb").symlink_to("..")
    Kept(results / "kept").forget()
    assert (results / "report.html").read_text() == "of mine"


def test_what_is_no_file_among_what_is_kept_ends_no_run(results):
    (results / "kept" / "aa" / "gone").symlink_to("nowhere")
    (results / "kept" / "aa" / ".folder").mkdir()
    (results / "kept" / "aa" / f"aa.0.{16 * 'a'}").mkdir()
    os.mkfifo(results / "kept" / "aa" / f"aa.1.{16 * 'a'}")
    (results / "kept" / "aa" / "old").write_text("")
    kept = Kept(results / "kept")
    kept.forget()
    signal.alarm(10)
    assert not kept.take("aa", [results / "one", results / "two"])
    signal.alarm(0)
    assert not (results / "kept" / "aa" / "old").exists()


def recalled(file):
    """What is known then; ended after some seconds, if it only waits."""
    signal.alarm(10)
    summary.recall(file)
    return len(summary._known)


@pytest.mark.parametrize("kind", ["pipe", "device", "large"])
def test_what_is_kept_of_tables_is_a_small_file(kind, results):
    file = results / "kept" / "tables.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        with file.open("w") as opened:
            opened.truncate(2**32)
    assert attack(recalled, file, cpu_seconds=5, gib=0.2).value == 0


@pytest.mark.parametrize("values", [([[1]], ["a"], 1), (["a"], [{}], 1), (["a"], ["a"], "many")])
def test_what_is_kept_of_tables_is_text_and_numbers(values, results, monkeypatch):
    monkeypatch.setattr(summary, "_known", {})
    file = results / "kept" / "tables.json"
    file.write_text(json.dumps({"version": 1, "tables": [["/table.csv", 1, 2, *values]]}))
    summary.recall(file)
    assert not summary._known
