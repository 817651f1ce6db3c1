"""What a folder of results says of itself (lanzdml/sharing/record.py)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from lanzdml.config.config import parse_config
from lanzdml.errors import LanzdmlError
from lanzdml.plan import Plan
from lanzdml.sharing.record import RECORD, read_record, write_record

ROOT = Path(__file__).parents[1]


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def test_a_record_tells_the_configuration_and_what_ran(tmp_path, config):
    write_record(tmp_path / RECORD, config)
    record = read_record(tmp_path)
    assert record.config == config
    assert {"Python", "numpy", "torch"} <= record.versions.keys()
    assert record.date.utcoffset() == timedelta()


def test_a_recorded_configuration_asks_for_the_same_runs(tmp_path, config, monkeypatch):
    monkeypatch.chdir(ROOT)
    plan = Plan(parse_config(config))
    machine = {"embeddings": True, "limits": True}
    told = plan.config.model_dump(mode="json", exclude=machine, exclude_none=True)
    write_record(tmp_path / RECORD, told)
    again = Plan(parse_config(dict(read_record(tmp_path).config)))
    assert (again.runs == plan.runs, again.fits == plan.fits) == (True, True)


def test_results_without_a_record_say_what_to_do(tmp_path):
    with pytest.raises(LanzdmlError, match=r"has no record\.json: .* run its workflow"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda record: record | {"config": []}, "config: Input should be"),
        (lambda record: record | {"dirty": "no"}, "dirty: Input should be"),
        (lambda record: record | {"date": "yesterday"}, "date: Input should be"),
        (lambda record: record | {"date": "2026-05-04T03:02:01"}, "date: .* timezone"),
        (lambda record: [record], "cannot be read: Input should be an object"),
        (
            lambda record: {key: record[key] for key in record if key != "versions"},
            "versions: Field required",
        ),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, config, change, told):
    write_record(tmp_path / RECORD, config)
    forged = change(json.loads((tmp_path / RECORD).read_text()))
    (tmp_path / RECORD).write_text(json.dumps(forged))
    with pytest.raises(LanzdmlError, match=told):
        read_record(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 10_000])
def test_what_cannot_be_read_is_refused(tmp_path, content):
    (tmp_path / RECORD).write_bytes(content)
    with pytest.raises(LanzdmlError, match=r"record\.json cannot be read"):
        read_record(tmp_path)
