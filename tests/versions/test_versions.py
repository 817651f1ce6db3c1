"""Most tests again, with the lowest versions that pyproject.toml allows and with later Pythons.

Each run has a virtual environment of its own: with the oldest Python the versions of
requirements/lowest.txt, with later ones those of requirements/lanzdml.txt, as .venv has.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packages import ROOT, uv

FILES = ROOT / "tests"

LEFT_OUT = {
    "test_bad_inputs.py": "runs the workflow, which takes longest",
    "test_benchmarks.py": "of scripts for this repository's own machine",
    "test_demo_cars.py": "of the renderer, which is no dependency",
    "test_documentation.py": "of the site, which is the same",
    "test_paper.py": "runs the workflow",
    "test_report_browser.py": "of the page, which is the same",
    "test_train_clip.py": "of a script for this repository's own models",
    "test_workflow.py": "runs the workflow; these tests of one run are not left out",
    "test_your_own.py": "runs the workflow",
}
ONE_RUN = (
    "test_there_is_a_row_for_every_run",
    "test_every_figure_is_there",
    "test_the_report_holds_all_of_it",
    "test_tables_are_written",
    "test_significance_is_that_of_the_runs",
    "test_nothing_is_left_to_do",
)

pytestmark = pytest.mark.slow


def find_python(version: str) -> Path | None:
    """A Python of this minor version, on the PATH or of pyenv, whose shims can lead nowhere."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{version}")
    found = [*filter(None, [on_path]), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    ask = "import sys; print('{}.{}'.format(*sys.version_info), end='')"
    for python in [*found, sys.executable]:
        answer = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
        if answer.stdout == version:
            return Path(python)
    return None


@pytest.fixture
def environment(tmp_path):
    """Makes a virtual environment, and deletes it: one takes gigabytes."""
    folder = tmp_path / "venv"

    def make(python: Path, requirements: Path) -> Path:
        uv("venv", "--python", python, folder)
        into = ("--python", folder / "bin" / "python")
        uv("pip", "install", *into, "--require-hashes", "-r", requirements)
        return folder / "bin"

    yield make
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("version", "requirements"),
    [("3.11", "lowest.txt"), ("3.12", "lanzdml.txt"), ("3.13", "lanzdml.txt")],
)
def test_most_tests_pass(version, requirements, environment, capsys):
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version}, on the PATH or of pyenv")
    programs = environment(python, ROOT / "requirements" / requirements)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    files = [path for path in sorted(FILES.glob("test_*.py")) if path.name not in LEFT_OUT]
    run = [f"{FILES / 'test_workflow.py'}::{name}" for name in ONE_RUN]
    result = subprocess.run(
        [programs / "python", "-m", "pytest", "-n", "2", "--dist", "loadscope", "-rs", "--tb=short",
         "-p", "no:cacheprovider", *files, *run],
        cwd=ROOT, env=own | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    with capsys.disabled():
        print(f"\nPython {version}, {requirements}: {result.stdout.splitlines()[-1]}")


def test_what_is_named_is_there():
    assert all((FILES / name).is_file() for name in LEFT_OUT)
    text = (FILES / "test_workflow.py").read_text()
    assert all(f"def {name}(" in text for name in ONE_RUN)
