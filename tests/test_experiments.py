"""A new experiment is one file and one line: that of docs/architecture.md, done as it says."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from tests.test_workflow import SMALL, copy_code, edit, plan, snakemake, working_folder

ROOT = Path(__file__).parents[1]
CONFIG = SMALL | {"methods": ["clip", "indirect"], "figures": {}}


def blocks(language):
    text = (ROOT / "docs" / "architecture.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


(MODULE,), (LINE,), (SECTION,) = map(blocks, ("python", "text", "yaml"))


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = copy_code(tmp_path_factory.mktemp("code"))
    (folder / "lanzdml/experiments/spread.py").write_text(MODULE)
    last = '    prompt_count="prompt_count:PromptCountExperiment",\n'
    edit(folder / "lanzdml/experiments/__init__.py", last, last + LINE)
    return folder


@pytest.fixture(scope="module")
def finished(code, tmp_path_factory):
    """A folder in which the small configuration has run with the new experiment."""
    experiments = {"main": {"models": ["demo-S"]}, **yaml.safe_load(SECTION)["experiments"]}
    experiments["spread"]["dims"] = [8]
    config = yaml.safe_load(yaml.safe_dump(CONFIG | {"experiments": experiments}))
    root = config["datasets"]["demo_cars"]["root"]
    config["datasets"]["demo_cars"]["root"] = "few.parquet"
    folder = working_folder(tmp_path_factory.mktemp("run"), config)
    pq.write_table(pq.read_table(ROOT / root)[:100], folder / "few.parquet")
    snakemake(folder, "--cores", "2", code=code)
    return folder


def test_its_runs_are_made(finished, code):
    runs = pd.read_parquet(finished / "results/metrics.parquet")
    added = runs[runs["dim"] == 8]
    assert set(map(tuple, added[["notion", "method", "seed"]].to_numpy())) == {
        (notion, "indirect", seed) for notion in ("car_model", "car_color") for seed in (0, 1)
    }
    assert plan(finished, code) == {}


def test_its_figure_and_caption_are_there(finished):
    figures = finished / "results/figures"
    assert (figures / "spread.pdf").read_bytes().startswith(b"%PDF")
    assert (figures / "spread.png").stat().st_size > 5_000
    caption = (figures / "spread.rst").read_text()
    assert caption.startswith("MAP@R of each fit. Where the dots of two methods mix, another seed")


def test_both_reports_show_it(finished, code, tmp_path):
    page = unescape((finished / "results/report.html").read_text())
    assert '<a href="#figure-spread">Single fits</a>' in page
    assert 'alt="Dots: MAP@R of each seed, a row a method."' in page
    assert "Where the dots of two methods mix, another seed can turn their order." in page
    snakemake(finished, "--report", str(tmp_path / "report.html"), code=code)
    assert "Where the dots of two methods mix" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dims": [8, 4096]}, "Error: experiments.spread.dims[1]: 4096 is larger than the 512"),
        ({"dims": [0]}, "Error: experiments.spread.dims[0]: should be greater than or equal to 1"),
        ({"dimz": [8]}, "Error: experiments.spread.dimz: unknown key; did you mean 'dims'?"),
        ({"notions": ["mood"]}, "Error: experiments.spread.notions: 'mood' is no scored notion"),
    ],
)
def test_its_section_is_checked(code, tmp_path, change, said):
    section = {"dataset": "demo_cars", "dims": [8]} | change
    config = CONFIG | {"experiments": {"spread": section}}
    status, output = snakemake(working_folder(tmp_path, config), "-n", code=code, check=False)
    assert status != 0
    assert said in output
    assert "Traceback" not in output


def test_its_own_check_is_asked(code, tmp_path):
    config = CONFIG | {
        "seeds": [0],
        "experiments": {"spread": {"dataset": "demo_cars", "dims": [8]}},
    }
    status, output = snakemake(working_folder(tmp_path, config), "-n", code=code, check=False)
    assert status != 0
    assert "Error: experiments.spread: needs two seeds or more, and there is one" in output


def test_editors_know_its_keys(code):
    schema = subprocess.run(
        [sys.executable, "-m", "lanzdml.config"],
        cwd=code,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "SpreadExperiment" in schema
    assert "sizes r' of the embeddings" in schema
