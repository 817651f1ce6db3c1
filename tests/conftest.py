"""Slow tests run only when they are asked for."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run those that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; pytest --slow runs it"))
