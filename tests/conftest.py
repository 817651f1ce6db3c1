"""What all tests have in common.

Slow ones run only when they are asked for, and the longest modules of the others first; methods of
others that one test makes known no other knows.
"""

import os

import pytest

from lanzdml.methods.elsewhere import VARIABLE

pytest_plugins = ("browser_pages",)

# They run the workflow. One that began at the end would run alone while the other cores are idle;
# with `--dist loadscope` this takes `--no-loadscope-reorder`, which else goes by numbers of tests.
LONGEST = (
    "test_workflow.py", "test_reruns.py", "test_your_own.py", "test_paper.py", "test_bad_inputs.py",
    "test_experiments.py", "test_your_vectors.py", "test_saliency.py",
)  # fmt: skip


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run those that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; pytest --slow runs it"))
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(autouse=True)
def _no_methods_of_others():
    yield
    os.environ.pop(VARIABLE, None)
