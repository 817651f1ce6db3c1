"""Slow tests run only when they are asked for, and what one test makes known no other knows."""

import os

import pytest

from lanzdml.methods.elsewhere import VARIABLE


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run those that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; pytest --slow runs it"))


@pytest.fixture(autouse=True)
def _no_methods_of_others():
    yield
    os.environ.pop(VARIABLE, None)
