"""What `make release` finds: each disagreement is forged once, in a small repository."""

import io
import subprocess
import tarfile
import zipfile

import pytest
from packages import check_release as release

FILES = {
    "pyproject.toml": '[project]\nname = "lanzdml"\nversion = "1.2.0"\n',
    "CHANGELOG.md": "# Changelog\n\n## 1.2.0 (2031-02-03)\n\n- More.\n\n## 1.1.0 (2030-01-01)\n",
    "CITATION.cff": 'version: 1.2.0\ndate-released: "2031-02-03"\n',
    "LICENSE": "MIT\n",
    "lanzdml/__init__.py": "",
    "lanzdml/page.css": "td {}\n",
    "tests/test_it.py": "",
}
METADATA = b"Metadata-Version: 2.4\nName: lanzdml\nVersion: 1.2.0\n"
IN_WHEEL = {
    "lanzdml/__init__.py": b"",
    "lanzdml/page.css": b"td {}\n",
    "lanzdml-1.2.0.dist-info/METADATA": METADATA,
    "lanzdml-1.2.0.dist-info/entry_points.txt": b"[console_scripts]\n",
    "lanzdml-1.2.0.dist-info/licenses/LICENSE": b"MIT\n",
}
IN_SDIST = {**{name: text.encode() for name, text in FILES.items()}, "PKG-INFO": METADATA}
WHEEL, SDIST = "lanzdml-1.2.0-py3-none-any.whl", "lanzdml-1.2.0.tar.gz"


def git(root, *arguments):
    user = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", *user, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "repository"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "all")
    return root


def distributions(root, wheel=IN_WHEEL, sdist=IN_SDIST):
    with zipfile.ZipFile(root.parent / WHEEL, "w") as archive:
        for name, data in wheel.items():
            archive.writestr(name, data)
    with tarfile.open(root.parent / SDIST, "w:gz") as archive:
        for name, data in sdist.items():
            member = tarfile.TarInfo(f"lanzdml-1.2.0/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return list(release.of_distributions(root, root.parent / WHEEL, root.parent / SDIST))


def test_what_agrees_has_no_faults(root):
    assert [*release.of_documents(root), *release.of_repository(root), *distributions(root)] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (
            "CHANGELOG.md", "(2031-02-03)", "(unreleased)",
            "CHANGELOG.md: its top section is '## 1.2.0 (unreleased)', not '## 1.2.0 (YYYY-MM-DD)'",
        ),
        (
            "CHANGELOG.md", "## 1.2.0", "## Next\n\n## 1.2.0",
            "CHANGELOG.md: its top section is '## Next', not '## 1.2.0 (YYYY-MM-DD)'",
        ),
        (
            "CHANGELOG.md", "## 1.", "# 1.",
            "CHANGELOG.md: its top section is missing, not '## 1.2.0 (YYYY-MM-DD)'",
        ),
        (
            "CHANGELOG.md", "1.2.0", "1.2.1",
            "CHANGELOG.md: its top section is of 1.2.1, not 1.2.0",
        ),
        (
            "CITATION.cff", "2031-02-03", "2031-02-02",
            "CITATION.cff: date-released is 2031-02-02, not 2031-02-03",
        ),
        ("CITATION.cff", "1.2.0", "1.1.0", "CITATION.cff: version is 1.1.0, not 1.2.0"),
    ],
)  # fmt: skip
def test_documents_that_disagree(root, file, old, new, fault):
    (root / file).write_text(FILES[file].replace(old, new))
    assert list(release.of_documents(root)) == [fault]


def test_a_version_that_only_pyproject_has(root):
    (root / "pyproject.toml").write_text(FILES["pyproject.toml"].replace("1.2.0", "1.3.0"))
    assert len(list(release.of_documents(root))) == 2
    assert any("is of version 1.2.0, not 1.3.0" in fault for fault in distributions(root))


def test_what_is_not_committed_and_what_is_tagged(root):
    (root / "LICENSE").write_text("another\n")
    git(root, "tag", "v1.1.0")
    git(root, "tag", "v1.2.0")
    assert list(release.of_repository(root)) == [
        "git: 1 files are not as committed, such as LICENSE", "git: there is a tag v1.2.0 already",
    ]  # fmt: skip


def without(files, name):
    return {key: data for key, data in files.items() if key != name}


@pytest.mark.parametrize(
    ("wheel", "fault"),
    [
        (without(IN_WHEEL, "lanzdml/page.css"), "lacks lanzdml/page.css"),
        (
            IN_WHEEL | {"tests/test_it.py": b"", "tests/b.py": b""},
            "holds what the repository does not: tests/b.py and 1 more",
        ),
        (IN_WHEEL | {"lanzdml/page.css": b""}, "holds another lanzdml/page.css"),
        (
            without(IN_WHEEL, "lanzdml-1.2.0.dist-info/licenses/LICENSE"),
            "lacks lanzdml-1.2.0.dist-info/licenses/LICENSE",
        ),
    ],
)
def test_a_wheel_of_something_else(root, wheel, fault):
    assert distributions(root, wheel=wheel) == [f"{WHEEL}: {fault}"]


@pytest.mark.parametrize(
    ("sdist", "fault"),
    [
        (without(IN_SDIST, "tests/test_it.py"), "lacks tests/test_it.py"),
        (IN_SDIST | {"secret.txt": b""}, "holds what the repository does not: secret.txt"),
        (
            IN_SDIST | {"PKG-INFO": METADATA + b"Requires-Dist: other\n"},
            "its PKG-INFO is not the wheel's METADATA",
        ),
    ],
)
def test_an_sdist_of_something_else(root, sdist, fault):
    assert distributions(root, sdist=sdist) == [f"{SDIST}: {fault}"]
