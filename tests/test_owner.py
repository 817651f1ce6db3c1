"""A folder of results belongs to one configuration."""

import os

import pytest

from lanzdml.errors import LanzdmlError
from lanzdml.owner import claim


def test_a_folder_belongs_to_who_was_there_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "out" / "mine"
    claim(folder, ["a.yaml"])
    claim(folder, [str(tmp_path / "a.yaml")])
    with pytest.raises(LanzdmlError, match=r"out/mine holds results of a\.yaml; name another .* b"):
        claim(folder, ["b.yaml"])
    with pytest.raises(LanzdmlError, match=r"folder in a\.yaml and b\.yaml, or delete .*\.txt"):
        claim(folder, ["a.yaml", "b.yaml"])
    (folder / "configuration.txt").unlink()
    claim(folder, ["b.yaml"])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "results").write_text("in the way")
    with pytest.raises(
        LanzdmlError, match=r"^results: .*results cannot be written: .*; name anoth"
    ):
        claim(tmp_path / "results", ["a.yaml"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LanzdmlError, match="cannot be written: Permission denied"):
        claim(tmp_path / "results", ["a.yaml"])
