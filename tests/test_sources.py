"""Source fingerprints: they change with the code behind a result and with nothing else."""

import pytest

from lanzdml import sources


@pytest.fixture
def library(tmp_path, monkeypatch):
    package = tmp_path / "lanzdml"
    (package / "methods").mkdir(parents=True)
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


@pytest.mark.parametrize("file", ["other.py", "methods/__init__.py"])
def test_ignores_unrelated_modules_and_registries(library, file):
    before = sources.source_fingerprint("lanzdml.methods.one")
    (library / file).write_text("C = 3\n")
    assert sources.source_fingerprint("lanzdml.methods.one") == before


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
