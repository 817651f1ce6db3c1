"""``make release``: builds what would be uploaded, and says what keeps it from being released.

It tags nothing and uploads nothing.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")


def version_of(root: Path) -> str:
    """The version that pyproject.toml has, which is the one that counts."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def of_documents(root: Path) -> Iterator[str]:
    """Where pyproject.toml, CHANGELOG.md and CITATION.cff disagree on version or date."""
    version = version_of(root)
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    top = re.search(r"^## (.*)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    section = re.fullmatch(r"(\S+) \((\d{4}-\d\d-\d\d)\)", top[1] if top else "")
    if section is None:
        found = f"'## {top[1]}'" if top else "missing"
        yield f"CHANGELOG.md: its top section is {found}, not '## {version} (YYYY-MM-DD)'"
    elif section[1] != version:
        yield f"CHANGELOG.md: its top section is of {section[1]}, not {version}"
    elif str(citation["date-released"]) != section[2]:
        yield f"CITATION.cff: date-released is {citation['date-released']}, not {section[2]}"
    if str(citation["version"]) != version:
        yield f"CITATION.cff: version is {citation['version']}, not {version}"


def of_repository(root: Path) -> Iterator[str]:
    """What is not committed, or was released before."""
    if changed := git(root, "status", "--porcelain").splitlines():
        yield f"git: {len(changed)} files are not as committed, such as {changed[0][3:]}"
    tag = f"v{version_of(root)}"
    if git(root, "tag", "--list", tag):
        yield f"git: there is a tag {tag} already"


def of_distributions(root: Path, wheel: Path, sdist: Path) -> Iterator[str]:
    """What wheel and sdist hold otherwise than the repository, or each other."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    files = {name: (root / name).read_bytes() for name in listed if (root / name).is_file()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(sdist) as archive:
        in_sdist = {
            member.name.partition("/")[2]: archive.extractfile(member).read()
            for member in archive
            if member.isfile()
        }
    about = in_sdist.pop("PKG-INFO", b"")
    yield from of_files(sdist.name, in_sdist, files)

    info = f"lanzdml-{version_of(root)}.dist-info/"
    library = {name: data for name, data in in_wheel.items() if not name.startswith(info)}
    yield from of_files(
        wheel.name, library, {n: data for n, data in files.items() if n.startswith("lanzdml/")}
    )
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        if info + name not in in_wheel:
            yield f"{wheel.name}: lacks {info}{name}"
    if in_wheel.get(info + "METADATA") != about:
        yield f"{sdist.name}: its PKG-INFO is not the wheel's METADATA"
    if (said := message_from_bytes(about)["Version"]) != version_of(root):
        yield f"{sdist.name}: is of version {said}, not {version_of(root)}"


def of_files(name: str, held: Mapping[str, bytes], meant: Mapping[str, bytes]) -> Iterator[str]:
    """Which files are missing, too many, or other ones."""
    other = {file for file in held.keys() & meant.keys() if held[file] != meant[file]}
    for what, found in (
        ("lacks", meant.keys() - held.keys()),
        ("holds what the repository does not:", held.keys() - meant.keys()),
        ("holds another", other),
    ):
        if found:
            more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
            yield f"{name}: {what} {min(found)}{more}"


def git(root: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=root, text=True)


def build(root: Path, folder: Path) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made of it."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([UV, "build", "--quiet", "--out-dir", folder], cwd=root, check=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def main(folder: Path) -> None:
    faults = [
        *of_documents(ROOT), *of_repository(ROOT), *of_distributions(ROOT, *build(ROOT, folder))
    ]  # fmt: skip
    if faults:
        sys.exit("\n".join(faults))
    version = version_of(ROOT)
    print(
        f"{version} agrees with itself. What is left:\n"
        f"  git tag -a v{version} -m 'lanzdml {version}' && git push origin v{version}\n"
        f"  {UV} publish {folder}/lanzdml-{version}*"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
