"""Which versions are allowed, installed and in the conda environments: they belong together."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
COMPILED, LOWEST = (
    (ROOT / "requirements" / name).read_text() for name in ("lanzdml.txt", "lowest.txt")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]


def compiled_versions(package, compiled=COMPILED):
    """Versions by lower-case name; a package can have one version for each Python."""
    return re.findall(rf"^{re.escape(package)}==(\S+)", compiled, re.MULTILINE)


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


def test_the_image_installs_what_make_installs():
    made = (ROOT / "Makefile").read_text()
    image = (ROOT / "envs/Containerfile").read_text().replace("\\\n", " ")
    copied = re.search(r"^COPY (requirements/.*) /requirements/$", image, re.MULTILINE)[1].split()
    installed = re.findall(r"--require-hashes +-r /(\S+)", image)
    assert installed == copied == re.findall(r"--require-hashes -r (\S+)", made)
    assert all((ROOT / path).is_file() for path in copied)
    (tag,) = re.findall(r"^ARG BASE=\S+python:(\d+\.\d+)-", image, re.MULTILINE)
    assert f"--python-version {tag} " in made, "requirements are compiled for it"


def test_the_image_holds_what_the_workflow_reads():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    assert all((ROOT / path).exists() for path in let_through)
    assert "*" in lines, "all else stays out"
    workflow = (ROOT / "Snakefile").read_text()
    read = {"Snakefile", *re.findall(r'^include: "(\w+)/', workflow, re.MULTILINE)}
    for rules in (ROOT / "rules").glob("*.smk"):
        read.update(re.findall(r'"\.\./(\w+)/[\w.]+"', rules.read_text()))
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    read.update(dataset["root"].partition("/")[0] for dataset in config["datasets"].values())
    assert {"rules", "workflow_scripts", "envs", "resources"} <= read
    assert read | {"lanzdml", "config.yaml", "profiles", "requirements"} <= let_through


def test_compiled_requirements_are_pinned_hashed_and_free_of_urls():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        entries = re.split(r"\n(?=\S)", text.strip())
        for entry in entries:
            assert re.match(r"[A-Za-z0-9._-]+==", entry), entry.splitlines()[0]
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_what_is_installed_is_allowed_and_the_oldest_is_tested(requirement):
    name = canonicalize_name(requirement.name)
    versions = compiled_versions(name)
    assert versions
    assert all(version in requirement.specifier for version in versions)
    (least,) = (bound.version for bound in requirement.specifier if bound.operator == ">=")
    (tested,) = compiled_versions(name, LOWEST)
    assert Version(tested) == Version(least)


def test_what_the_library_imports_is_declared():
    imported = set()
    for path in (ROOT / "lanzdml").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition(".")[0])
    others = imported - sys.stdlib_module_names - {"lanzdml"}
    providers = packages_distributions()
    used = {canonicalize_name(name) for module in others for name in providers[module]}
    assert used <= {canonicalize_name(requirement.name) for requirement in DECLARED}


def test_the_catalog_is_told_what_holds():
    told = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    rules = "".join(path.read_text() for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")])
    contained = "container:" in rules or "containerized:" in rules
    assert told["usage"]["software-stack-deployment"] == {
        "conda": "conda:" in rules,
        "apptainer": contained,
        "apptainer+conda": contained,
        "report": "report(" in rules,
    }


def test_the_snakefile_asks_for_the_declared_snakemake():
    (declared,) = (bounds for bounds in DECLARED if bounds.name == "snakemake")
    (asked,) = re.findall(r"'snakemake(.+)'", (ROOT / "Snakefile").read_text())
    assert SpecifierSet(asked) == declared.specifier
