"""Source fingerprints: they change with the code behind a result and with nothing else."""

import os

import pytest

from lanzdml import sources
from lanzdml.files import sample_of

BASE = """
import os

LIMIT = 3
UNUSED = 5


class Fault(Exception):
    pass


def area(width):
    return width * LIMIT


def other(width):
    return width + UNUSED
"""
ONE = """
def compute():
    from lanzdml import base
    return base.area(2)
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    package = tmp_path / "lanzdml"
    (package / "methods").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "methods" / "__init__.py").write_text("METHODS = {}\n")
    (package / "base.py").write_text(BASE)
    (package / "methods" / "one.py").write_text(ONE)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return package


def changes(library, file, old, new, source="lanzdml.methods.one"):
    """Whether an edit changes the fingerprint of what a module computes."""
    before = sources.source_fingerprint(source)
    path = library / file
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new) if old else text + new)
    return sources.source_fingerprint(source) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width * LIMIT", "width / LIMIT"),  # what is used
        ("LIMIT = 3", "LIMIT = 4"),  # what that uses
        ("import os", "print = None\nprint()"),  # what runs when the module is imported
        ("def area(width)", "@staticmethod\ndef area(width)"),
    ],
)
def test_what_is_used_counts_and_what_that_uses(library, old, new):
    assert changes(library, "base.py", old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width + UNUSED", "width - UNUSED"),
        ("UNUSED = 5", "UNUSED = 6"),
        ("", "\n\ndef more():\n    return 1\n"),
        ("import os", "import os, sys"),
        ("    return width * LIMIT", "    # why\n    return (width  *  LIMIT)"),
        ("def area(width):", 'def area(width):\n    """Text."""'),
    ],
)
def test_code_beside_it_comments_docstrings_and_layout_do_not_count(library, old, new):
    assert not changes(library, "base.py", old, new)


def test_what_errors_and_prints_say_does_not_count(library):
    text = (
        "    if width < 0:\n        print('oh')\n        raise Fault(f'{width} is low')\n    return"
    )
    assert changes(library, "base.py", "    return width *", f"{text} width *")
    assert not changes(library, "base.py", "is low", "is too low")
    assert not changes(library, "base.py", "'oh'", "'dear'")
    assert changes(library, "base.py", "width < 0", "width < 1")
    assert changes(library, "base.py", "raise Fault", "raise ValueError")


def test_what_is_stored_of_an_error_counts(library):
    stored = "    if width < 0:\n        raise CannotFitError('too few')\n    return"
    assert changes(library, "base.py", "    return width *", f"{stored} width *")
    assert changes(library, "base.py", "too few", "too few prompts")


@pytest.mark.parametrize("imports", [
    "from . import shape; shape.draw()", "from .shape import draw; draw()",
    "from lanzdml.methods import shape; shape.draw()", "from ..methods.shape import draw as d; d()",
    "import lanzdml.methods.shape; lanzdml.methods.shape.draw()",
    "import lanzdml.methods.shape as s; s.draw()",
    "from lanzdml.methods.shape import draw; draw()", "from lanzdml import methods; methods.draw()",
    "import_module('lanzdml.methods.shape')", "importlib.import_module('.shape', __package__)",
    "__import__('lanzdml.methods.shape')",
])  # fmt: skip
def test_follows_every_kind_of_import(library, imports):
    (library / "methods/__init__.py").write_text("from lanzdml.methods.shape import draw\n")
    (library / "methods/shape.py").write_text("def draw():\n    return 1\n")
    (library / "methods/one.py").write_text(f"def f():\n    {imports}\n")
    assert changes(library, "methods/shape.py", "return 1", "return 2")


def test_a_module_that_is_handed_on_counts_as_a_whole(library):
    (library / "methods/one.py").write_text("from lanzdml import base\n\n\nf(base)\n")
    assert changes(library, "base.py", "width + UNUSED", "width - UNUSED")


def test_bases_decorators_and_what_methods_use_count(library):
    (library / "methods/one.py").write_text(
        "from lanzdml.base import Fault\n\n\nclass Mine(Fault):\n    pass\n"
    )
    assert changes(
        library, "base.py", "class Fault(Exception):\n    pass", "class Fault(OSError):\n    pass"
    )
    (library / "methods/one.py").write_text(
        "from lanzdml.base import other\n\n\nclass Mine:\n    def f(self):\n        other(1)\n"
    )
    assert changes(library, "base.py", "UNUSED = 5", "UNUSED = 6")


def test_what_only_type_checkers_see_does_not_count(library):
    (library / "methods/one.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from lanzdml.base import area\n"
        "\n\ndef f(a: 'area'):\n    return a\n"
    )
    assert not changes(library, "base.py", "LIMIT = 3", "LIMIT = 4")


def test_a_package_counts_for_what_runs_in_it_but_not_what_it_lists(library):
    (library / "methods/one.py").write_text(
        "from lanzdml.methods import METHODS, get\n\nget(METHODS)\n"
    )
    (library / "methods/__init__.py").write_text(
        "def get(name):\n    return name\n\n\nMETHODS = {}\n__all__ = []\n"
    )
    assert not changes(
        library, "methods/__init__.py", "METHODS = {}", "METHODS: dict[str, int] = {'one': 1}"
    )
    assert not changes(library, "methods/__init__.py", "__all__ = []", "__all__ = ['get']")
    assert changes(library, "methods/__init__.py", "return name", "return name.lower()")
    assert changes(library, "__init__.py", "", "print('loading', end='')\nx()\n")


def test_data_files_count_byte_by_byte(library):
    table = library / "table.csv"
    table.write_text("a\n1\n")
    before = sources.source_fingerprint("lanzdml.base", table)
    assert before != sources.source_fingerprint("lanzdml.base")
    table.write_text("a\n2\n")
    assert sources.source_fingerprint("lanzdml.base", table) != before


def test_unknown_module(library):
    with pytest.raises(FileNotFoundError, match=r"lanzdml\.gone"):
        sources.source_fingerprint("lanzdml.gone")


def test_every_method_has_a_fingerprint_of_its_own():
    from lanzdml.methods import METHODS

    fingerprints = {sources.source_fingerprint(METHODS.module(name)) for name in METHODS}
    assert len(fingerprints) == len(METHODS)


@pytest.mark.parametrize("size", [0, 5, 3_000_000])
def test_a_sample_tells_a_file_from_one_in_its_place(tmp_path, size):
    path = tmp_path / "weights"
    path.write_bytes(bytes(size))
    before = sample_of(path)
    os.utime(path, (1, 1))
    assert sample_of(path) == before, "the date does not count"
    others = [bytes(size + 1)]
    if size:
        # The first and last byte, and what an exchange of weights changes of all of a file.
        others += [b"1" + bytes(size - 1), bytes(size - 1) + b"1", b"1" * size]
    for other in others:
        path.write_bytes(other)
        assert sample_of(path) != before
