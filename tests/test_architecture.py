"""The house: which module may import which, and how large one may be (docs/architecture.md)."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from lanzdml import sources

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "lanzdml"
STAGES = (
    "datasets", "embeddings", "methods", "transforms", "metrics", "collections", "tables",
    "significance", "figures", "report", "explorer", "sharing",
)  # fmt: skip
ACROSS = ("arithmetic", "commands", "config", "estimate", "experiments", "plan")
ABOVE = ("commands", "estimate", "plan")
LOOSE = (
    "errors", "files", "limits", "names", "progress", "registry", "signatures", "sources",
    "spreadsheet", "tensors",
)  # fmt: skip
LONGEST = 350


def modules():
    return sorted(LIBRARY.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path):
    """Modules that a module names in its imports, also within functions; none for types only."""
    tree, names = ast.parse(path.read_text()), set()
    pending = [tree]
    while pending:
        node = pending.pop()
        for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        pending.extend(node.orelse if for_types else ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name_of(files[-1]) for name in names if (files := sources.files_of(name))}


ARROWS = {name_of(path): imports_of(path) for path in modules()}


def folder_of(module):
    """Of a module of the library; empty for the library itself."""
    _, _, rest = module.partition(".")
    return rest.partition(".")[0]


def test_no_module_imports_itself_by_way_of_others():
    try:
        TopologicalSorter(ARROWS).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_later_one(stage):
    later = STAGES[STAGES.index(stage) + 1 :]
    wrong = [
        f"{module} -> {imported}"
        for module, imports in ARROWS.items()
        if folder_of(module) == stage
        for imported in imports
        if folder_of(imported) in later
    ]
    assert not wrong


def test_what_lies_across_is_below_or_above_all_stages():
    """Numbers are computed below the stages; above all are plan, estimate and commands.

    But what is shared reads finished results by their plan.
    """
    wrong = [
        f"{module} -> {imported}"
        for module, imports in ARROWS.items()
        for imported in imports
        if (folder_of(module) in ("arithmetic", *LOOSE) and folder_of(imported) in STAGES)
        or (
            folder_of(imported) in ABOVE
            and folder_of(module) != "__main__"
            and folder_of(module) not in ABOVE[: ABOVE.index(folder_of(imported)) + 1]
            and (folder_of(module), folder_of(imported)) != ("sharing", "plan")
        )
    ]
    assert not wrong


def test_every_module_has_its_place():
    folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {*STAGES, *ACROSS}
    loose = {path.stem for path in LIBRARY.glob("*.py")} - {"__init__", "__main__"}
    assert loose == {*LOOSE}
    rules = {path.stem for path in (ROOT / "rules").glob("*.smk")} - {"common", "printed"}
    assert rules == {*STAGES, "experiments"} - {"methods"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_no_module_is_long(path):
    assert len(path.read_text().splitlines()) <= LONGEST


def test_the_library_knows_nothing_of_snakemake():
    for path in modules():
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.partition(".")[0] == "snakemake" for name in names), path


def test_common_rules_hold_what_is_snakemakes():
    assert len((ROOT / "rules/common.smk").read_text().splitlines()) <= 150
