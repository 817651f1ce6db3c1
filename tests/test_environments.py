"""The conda environments hold the versions of the compiled requirements."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
COMPILED = (ROOT / "requirements" / "lanzdml.txt").read_text()


def compiled_versions(package):
    """Versions by lower-case name; a package can have one version for each Python."""
    return re.findall(rf"^{re.escape(package)}==(\S+)", COMPILED, re.MULTILINE)


def pip_packages(path):
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    return next(item["pip"] for item in dependencies if isinstance(item, dict))


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environment_is_in_step(path):
    for requirement in pip_packages(path):
        package, version = requirement.split("==")
        assert version in compiled_versions(package), f"{path.name}: {requirement}"


def test_every_rule_has_an_existing_environment():
    used = set()
    for rules in (ROOT / "rules").glob("*.smk"):
        used.update(re.findall(r'"\.\./envs/(\w+)\.yaml"', rules.read_text()))
    assert used == {path.stem for path in (ROOT / "envs").glob("*.yaml")}


def test_compiled_requirements_are_pinned_hashed_and_free_of_urls():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        entries = re.split(r"\n(?=\S)", text.strip())
        for entry in entries:
            assert re.match(r"[A-Za-z0-9._-]+==", entry), entry.splitlines()[0]
            assert "--hash=sha256:" in entry, entry.splitlines()[0]
