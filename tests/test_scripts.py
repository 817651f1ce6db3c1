"""The scripts' common frame: log, one-line errors."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lanzdml.errors import LanzdmlError

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))
from job import THREAD_VARIABLES, run


@pytest.fixture
def snakemake(tmp_path, monkeypatch):
    for variable in THREAD_VARIABLES:  # so that the test's own process gets them back
        monkeypatch.setenv(variable, os.environ.get(variable, "1"))
    return SimpleNamespace(log=[str(tmp_path / "job.log")], threads=3)


def test_output_goes_to_the_log_and_the_terminal(snakemake, capsys):
    run(lambda _: print("hello"), snakemake)
    assert Path(snakemake.log[0]).read_text() == "hello\n"
    assert capsys.readouterr().err == "hello\n"


def test_a_mistake_of_the_user_is_one_line(snakemake, capsys):
    def main(_):
        raise LanzdmlError("image 7 cannot be read")

    with pytest.raises(SystemExit) as caught:
        run(main, snakemake)
    assert caught.value.code == 1
    assert Path(snakemake.log[0]).read_text() == "Error: image 7 cannot be read\n"
    assert capsys.readouterr().err == "Error: image 7 cannot be read\n"


def test_a_fault_of_ours_leaves_its_traceback_in_the_log(snakemake):
    def main(_):
        raise ZeroDivisionError

    with pytest.raises(SystemExit) as caught:
        run(main, snakemake)
    assert caught.value.code == 1
    log = Path(snakemake.log[0]).read_text()
    assert log.startswith("Traceback")
    assert log.endswith("ZeroDivisionError\n")


def test_libraries_use_the_threads_of_the_rule(snakemake):
    seen = {}
    run(lambda _: seen.update(os.environ), snakemake)
    assert {seen[variable] for variable in THREAD_VARIABLES} == {"3"}
