"""Source fingerprints: they change with the code behind a result and with nothing else."""

import os

import pytest

from lanzdml import sources
from lanzdml.files import sample_of


@pytest.fixture
def library(tmp_path, monkeypatch):
    package = tmp_path / "lanzdml"
    (package / "methods").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "methods" / "__init__.py").write_text("METHODS = {}\n")
    (package / "base.py").write_text("A = 1\n")
    (package / "other.py").write_text("B = 1\n")
    (package / "methods" / "one.py").write_text("def f():\n    from lanzdml import base\n")
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return package


def test_follows_imports_inside_functions(library):
    before = sources.source_fingerprint("lanzdml.methods.one")
    (library / "base.py").write_text("A = 2\n")
    assert sources.source_fingerprint("lanzdml.methods.one") != before


def test_ignores_unrelated_modules(library):
    before = sources.source_fingerprint("lanzdml.methods.one")
    (library / "other.py").write_text("C = 3\n")
    assert sources.source_fingerprint("lanzdml.methods.one") == before


@pytest.mark.parametrize("imports", [
    "from . import base", "from .base import A", "from .. import other", "from ..other import B",
    "import lanzdml.other", "from lanzdml import other", "from lanzdml.other import B",
    "import_module('lanzdml.other')", "importlib.import_module('..other', __package__)",
    "__import__('lanzdml.other')",
])  # fmt: skip
def test_follows_every_kind_of_import(library, imports):
    (library / "methods" / "base.py").write_text("A = 1\n")
    (library / "methods" / "one.py").write_text(f"def f():\n    {imports}\n")
    before = sources.source_fingerprint("lanzdml.methods.one")
    imported = "methods/base.py" if "base" in imports else "other.py"
    (library / imported).write_text("B = 2\n")
    assert sources.source_fingerprint("lanzdml.methods.one") != before


def test_a_package_counts_for_what_is_in_it_but_not_what_it_lists(library):
    package = library / "methods" / "__init__.py"
    package.write_text("def get(name):\n    return name\n\n\nMETHODS = {}\n__all__ = []\n")
    before = sources.source_fingerprint("lanzdml.methods.one")
    outside = sources.source_fingerprint("lanzdml.base")
    text = package.read_text().replace("METHODS = {}", "METHODS: dict[str, int] = {'one': 1}")
    package.write_text(text.replace("__all__ = []", "__all__ = ['get', 'METHODS']"))
    assert sources.source_fingerprint("lanzdml.methods.one") == before
    package.write_text(package.read_text().replace("return name", "return name.lower()"))
    assert sources.source_fingerprint("lanzdml.methods.one") != before
    assert sources.source_fingerprint("lanzdml.base") == outside
    (library / "__init__.py").write_text("import lanzdml.other\n")
    assert sources.source_fingerprint("lanzdml.base") != outside, "Python runs it, too"


def test_ignores_comments_docstrings_and_layout(library):
    before = sources.source_fingerprint("lanzdml.base")
    (library / "base.py").write_text('"""Text."""\n\n# why\nA = (1)\n')
    assert sources.source_fingerprint("lanzdml.base") == before


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
