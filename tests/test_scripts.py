"""The scripts' common frame: log, one-line errors."""

import errno
import logging
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from lanzdml.errors import VERBOSE, LanzdmlError
from lanzdml.files import replacing

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))
from job import CACHE_VARIABLE, THREAD_VARIABLES, run, run_as_script

SCRIPTS = Path(__file__).parents[1] / "workflow_scripts"


@pytest.fixture
def snakemake(tmp_path, monkeypatch):
    for variable in THREAD_VARIABLES:  # so that the test's own process gets them back
        monkeypatch.setenv(variable, os.environ.get(variable, "1"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return SimpleNamespace(log=[str(tmp_path / "job.log")], threads=3, output=[])


def test_output_goes_to_the_log_and_the_terminal(snakemake, capsys):
    run(lambda _: print("hello"), snakemake)
    assert Path(snakemake.log[0]).read_text() == "hello\n"
    assert capsys.readouterr().err == "hello\n"


def test_a_script_runs_where_snakemake_put_a_job_among_its_names(snakemake):
    seen = []
    run_as_script(seen.append, {})
    assert seen == []
    run_as_script(lambda job: seen.append((job, os.environ["OMP_NUM_THREADS"])),
                  {"snakemake": snakemake}, least_threads=4)  # fmt: skip
    assert seen == [(snakemake, "4")]


@pytest.mark.parametrize(
    "path", sorted(set(SCRIPTS.glob("*.py")) - {SCRIPTS / "job.py"}), ids=lambda path: path.stem
)
def test_each_script_can_be_imported_and_ends_with_what_runs_it(path):
    assert callable(import_module(path.stem).main)
    last = path.read_text().splitlines()[-1]
    assert last.startswith("run_as_script(main, globals()"), "or its rule would do nothing"


def test_a_mistake_of_the_user_is_one_line(snakemake, capsys):
    def main(_):
        raise LanzdmlError("image 7 cannot be read")

    with pytest.raises(SystemExit) as caught:
        run(main, snakemake)
    assert caught.value.code == 1
    assert Path(snakemake.log[0]).read_text() == "Error: image 7 cannot be read\n"
    assert capsys.readouterr().err == "Error: image 7 cannot be read\n"


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x1b[31m"], ids=ascii)
def test_a_mistake_is_one_line_whatever_label_it_names(breaks, snakemake, capsys):
    def main(_):
        raise LanzdmlError(f"label 'red{breaks}(warm)' is not known")

    with pytest.raises(SystemExit):
        run(main, snakemake)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: label 'red")
    assert line.endswith("(warm)' is not known")
    assert "\x1b" not in line


def printed_lines():
    """The formatter of what a run prints."""
    settings = SimpleNamespace(verbose=True, dryrun=False)
    names = {"workflow": SimpleNamespace(output_settings=settings)}
    exec((SCRIPTS.parent / "rules/printed.smk").read_text(), names)
    return names["OneLineAJob"](logging.Formatter())


def test_what_a_run_prints_is_a_line_a_job():
    lines = printed_lines()
    for record in (
        SimpleNamespace(msg="", event=LogEvent.JOB_INFO, jobid=1, rule_msg="Drawing a\nb"),
        SimpleNamespace(msg="", event=LogEvent.JOB_FINISHED, job_id=1),
    ):
        lines.filter(record)
    assert lines.format(SimpleNamespace(event=LogEvent.PROGRESS, done=1, total=2)) == (
        "1 of 2: Drawing a b"
    )
    failed = SimpleNamespace(
        event=LogEvent.JOB_ERROR, jobid=2, rule_name="plot_trimap", log=["a\rb/x.log"]
    )
    assert lines.format(failed) == "Error in rule plot_trimap: plot_trimap (a b/x.log)"


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


def test_embeddings_do_not_take_fewer_threads_on_fewer_cores(snakemake):
    seen = {}
    for least in (2, 5):
        run(lambda _: seen.update(os.environ), snakemake, least_threads=least)
        assert {seen[variable] for variable in THREAD_VARIABLES} == {str(max(least, 3))}


def test_verbose_shows_the_traceback_of_a_mistake(snakemake, capsys, monkeypatch):
    def main(_):
        raise LanzdmlError("image 7 cannot be read")

    monkeypatch.setenv(VERBOSE, "1")
    with pytest.raises(SystemExit):
        run(main, snakemake)
    error = capsys.readouterr().err
    assert error.startswith("Traceback")
    assert error.endswith("\nError: image 7 cannot be read\n")


def test_a_full_disk_is_one_line_even_where_the_log_is_on_it(snakemake, capsys):
    def main(_):
        raise OSError(errno.ENOSPC, "No space left on device", "results/a.parquet")

    snakemake.log = ["/dev/full"]  # takes nothing
    with pytest.raises(SystemExit) as caught:
        run(main, snakemake)
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: no space is left: make some and run again; ")
    assert "results/a.parquet" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_may_not_be_written_is_one_line(snakemake, capsys, number):
    def main(_):
        raise OSError(number, os.strerror(number), "results/a.parquet")

    with pytest.raises(SystemExit):
        run(main, snakemake)
    error = capsys.readouterr().err
    assert error.startswith("Error: this may not be read or written; see whose it is and run again")
    assert "results/a.parquet" in error
    assert error.count("\n") == 1


def test_what_a_killed_job_was_writing_is_deleted(snakemake, tmp_path):
    output = tmp_path / "a[1].parquet"
    with replacing(output) as temporary:
        temporary.write_text("whole")
        leftover = shutil.copy(temporary, f"{temporary}.copy")
        others = [tmp_path / temporary.name.replace("a[1]", "a"), tmp_path / f".mine.{output.name}"]
        for other in others:
            shutil.copy(temporary, other)
    os.rename(leftover, temporary)
    snakemake.output = [str(output)]
    run(lambda _: None, snakemake)
    there = {path for path in tmp_path.iterdir() if path.suffix == ".parquet"}
    assert there == {output, *others}
