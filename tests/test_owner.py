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
    with pytest.raises(LanzdmlError, match=r"folder in a\.yaml and b\.yaml, or empty .*\.txt"):
        record_owner(folder, ["a.yaml", "b.yaml"])
    (folder / "configuration.txt").write_text("")
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


@pytest.fixture
def two_users(tmp_path):
    """Projects with links of one name to the same results; the first has one to its file, too."""
    (tmp_path / "shared/results").mkdir(parents=True)
    for user in ("one", "other"):
        (tmp_path / user).mkdir()
        (tmp_path / user / "results").symlink_to(tmp_path / "shared/results")
        (tmp_path / user / "config.yaml").touch()
    (tmp_path / "one/link.yaml").symlink_to("config.yaml")
    return tmp_path / "one", tmp_path / "other"


class TestLinks:
    def test_two_users_of_one_folder(self, two_users, monkeypatch):
        one, other = two_users
        monkeypatch.chdir(one)
        record_owner(Path("results"), ["config.yaml"])
        monkeypatch.chdir(other)
        with pytest.raises(LanzdmlError, match=r"holds results of \.\./one/config\.yaml; name an"):
            record_owner(Path("results"), ["config.yaml"])

    def test_the_owner_however_it_comes_there(self, two_users, monkeypatch):
        one, other = two_users
        monkeypatch.chdir(one)
        record_owner(Path("results"), ["link.yaml"])
        for folder in ("results", "../other/results", "../shared/results"):
            record_owner(Path(folder), ["config.yaml"])
            record_owner(Path(folder), [one / "link.yaml"])
        monkeypatch.chdir(other)
        record_owner(Path("results"), ["../one/link.yaml"])

    @pytest.mark.parametrize("files", [["config.yaml"], ["config.yaml", "link.yaml"]])
    def test_a_record_of_an_earlier_version(self, files, two_users, monkeypatch):
        one, other = two_users
        monkeypatch.chdir(one)
        (one / "results/configuration.txt").write_text("".join(f"../{file}\n" for file in files))
        with pytest.raises(LanzdmlError, match=r"holds results of config\.yaml.*; name another"):
            record_owner(Path("results"), ["another.yaml"])
        record_owner(Path("results"), files)
        monkeypatch.chdir(other)  # where the same words would have meant another file
        with pytest.raises(LanzdmlError, match=r"holds results of \.\./one/config\.yaml"):
            record_owner(Path("results"), files)

    def test_a_project_that_is_moved_with_its_results(self, tmp_path, monkeypatch):
        (tmp_path / "before").mkdir()
        monkeypatch.chdir(tmp_path / "before")
        record_owner(Path("results"), ["config.yaml"])
        (tmp_path / "before").rename(tmp_path / "after")
        monkeypatch.chdir(tmp_path / "after")
        record_owner(Path("results"), ["config.yaml"])


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
