"""Parts of a benchmark end in time, and the file of results says what is missing."""

import fcntl
import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from benchmarks import parts
from benchmarks.parts import Found, Part, measure_parts
from benchmarks.record import load

NOT_YET = "not measured: the run ended before"


@pytest.fixture(autouse=True)
def _records_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.record.FOLDER", tmp_path / "records")


def told(path):
    return Found("what stood there", path.read_text(encoding="utf-8"), [{"a": "1"}])


def left_over(path):
    """Fail, with a process that goes on and holds a lock."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        subprocess.Popen(["sleep", "infinity"], pass_fds=[file.fileno()])
    raise ValueError("as it is told")


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_parts_end_in_time_and_the_file_says_what_is_missing(tmp_path):
    path, lock = tmp_path / "results.md", tmp_path / "lock"
    work = {
        "endless": (0, killed),
        "fails": (600, partial(left_over, lock)),
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
    with open(lock) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits for what was left over, which ends with its part


def test_a_run_that_is_cut_off_leaves_no_older_numbers(tmp_path, monkeypatch):
    part = Part("a", "", "to count", 600, killed)
    part.record(Found("of a machine before", "", [])).save("a")
    monkeypatch.setattr(parts, "_measured", lambda part: sys.exit("cut off"))
    with pytest.raises(SystemExit):
        measure_parts({"a": part}, tmp_path / "results.md", "# Head")
    assert load("a").result == NOT_YET
    assert NOT_YET in (tmp_path / "results.md").read_text(encoding="utf-8")
