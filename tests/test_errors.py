"""Errors that a user can act on are a line each."""

import pickle

import pytest

from lanzdml.config.messages import ConfigError
from lanzdml.errors import VERBOSE, CannotFitError, LanzdmlError, error_lines, plain_errors
from lanzdml.metrics.relevance import MetricsInputError


@pytest.mark.parametrize("kind", [LanzdmlError, CannotFitError, MetricsInputError, ConfigError])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n  ", "\u2028", "\v"])
def test_a_message_of_several_lines_is_made_one(kind, end):
    cause = ValueError(f"  cannot read  a b.png{end}at line 3{end}")
    error = kind(f"weights: {cause}")
    assert str(error) == "weights:   cannot read  a b.png at line 3"
    assert error_lines(error) == f"Error: {error}"
    assert error_lines(cause) == "Error: cannot read  a b.png at line 3"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_package_that_lacks_is_named_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.delenv(VERBOSE, raising=False)
    with pytest.raises(SystemExit) as ended, plain_errors():
        raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")
    assert str(ended.value.code).startswith("Error: this needs pydantic, which is not installed")
    assert "'lanzdml[workflow]'" in str(ended.value.code)
    with pytest.raises(ModuleNotFoundError), plain_errors():
        raise ModuleNotFoundError("No module named 'mine'", name="mine")


def test_several_faults_are_a_line_each(capsys):
    with pytest.raises(SystemExit) as ended, plain_errors():
        raise ConfigError("seeds: is missing", "a\nb: unknown key")
    assert ended.value.code == "Error: seeds: is missing\nError: a b: unknown key"
