"""A folder of results belongs to one configuration."""

import errno
import os
from pathlib import Path

import pytest

from lanzdml.config import owner
from lanzdml.config.owner import check_writable, record_owner
from lanzdml.errors import LanzdmlError


def test_a_folder_belongs_to_who_was_there_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "out" / "mine"
    record_owner(folder, ["a.yaml"])
    record_owner(folder, [str(tmp_path / "a.yaml")])
    with pytest.raises(LanzdmlError, match=r"out/mine holds results of a\.yaml; name another .* b"):
        record_owner(folder, ["b.yaml"])
    with pytest.raises(LanzdmlError, match=r"folder in a\.yaml and b\.yaml, or delete .*\.txt"):
        record_owner(folder, ["a.yaml", "b.yaml"])
    (folder / "configuration.txt").unlink()
    record_owner(folder, ["b.yaml"])


def test_values_of_the_command_line_are_part_of_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record_owner(Path("out"), ["a.yaml"])
    # Neither changes a result.
    record_owner(Path("out"), ["a.yaml"], {"results": "out", "embeddings": {"device": "cpu"}})
    with pytest.raises(LanzdmlError, match=r'folder in a\.yaml and --config {"dims": \[4\]}, or'):
        record_owner(Path("out"), ["a.yaml"], {"dims": [4]})
    record_owner(Path("more"), ["a.yaml"], {"seeds": [0], "dims": [4]})
    record_owner(Path("more"), ["a.yaml"], {"dims": [4], "seeds": [0]})
    with pytest.raises(LanzdmlError, match=r"holds results of a\.yaml and --config .*; name anot"):
        record_owner(Path("more"), ["a.yaml"])


def test_two_working_directories_do_not_share_a_folder(tmp_path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    record_owner(tmp_path / "out", ["config.yaml"])
    record_owner(Path("../out"), ["config.yaml"])
    monkeypatch.chdir(tmp_path / "other")
    with pytest.raises(LanzdmlError, match=r"holds results of \.\./one/config\.yaml; name another"):
        record_owner(tmp_path / "out", ["config.yaml"])


@pytest.mark.parametrize("write", [check_writable, lambda folder: record_owner(folder, ["a.yaml"])])
class TestAFolderThatCannotBeWritten:
    @pytest.mark.parametrize("name", ["results", "results/mine"])
    def test_a_file_in_the_way_is_named(self, tmp_path, write, name):
        (tmp_path / "results").write_text("in the way")
        with pytest.raises(LanzdmlError, match=rf"^results: .*{name} cannot be written: .*; name"):
            write(tmp_path / name)

    def test_a_disk_that_takes_nothing_is_named(self, tmp_path, write, monkeypatch):
        def refuse(*_):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything but this
        monkeypatch.setattr(owner, "write_text", refuse)
        with pytest.raises(LanzdmlError, match=r"results cannot be written: .*[Rr]ead-only"):
            write(tmp_path / "results")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_read_only_folder_is_named(self, tmp_path, write):
        tmp_path.chmod(0o500)
        with pytest.raises(LanzdmlError, match=r"results cannot be written: .*; name another"):
            write(tmp_path / "results")


@pytest.mark.parametrize("name", ["results", "results/mine"])
def test_a_link_to_nowhere_is_named(tmp_path, name):
    (tmp_path / "results").symlink_to(tmp_path / "scratch")
    with pytest.raises(LanzdmlError, match=r"results is a link to .*/scratch, which is not there;"):
        check_writable(tmp_path / name)
    (tmp_path / "scratch").mkdir()
    check_writable(tmp_path / name)


def test_a_working_directory_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").write_text("in the way")
    expected = r"^Snakemake cannot write its records to \.snakemake: \.snakemake is a file; run in"
    with pytest.raises(LanzdmlError, match=expected):
        check_writable(tmp_path / "results")


def test_a_folder_that_can_be_made_is_left_unmade(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable(Path("results/mine"))
    assert not list(tmp_path.iterdir())
