"""Fingerprints of our code and data: a result is made anew when what is behind it changes."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = Path(__file__).parent.name
# What packages list: a new entry changes no result. A job's own entry is among its parameters.
REGISTRIES = {"METHODS", "DATASETS", "EXPERIMENTS", "PICTURES", "__all__"}


def source_fingerprint(*sources: str | Path) -> str:
    """Digest of modules (dotted names) or files and of all of this library that they import.

    Comments, docstrings and layout of code do not count, nor do entries of :data:`REGISTRIES`. Any
    other file counts byte by byte. An import by a computed name (``import_module(name)``) is not
    seen: its module has to be among the sources.

    Raises:
        FileNotFoundError: a source is not there.
    """
    digest = hashlib.sha256()
    for path in sorted(source_files(*sources)):
        counts, _ = _read(path, path.read_bytes())
        digest.update(f"{path.relative_to(ROOT)}\0{counts}\0".encode())
    return digest.hexdigest()[:16]


def source_files(*sources: str | Path) -> set[Path]:
    """The files behind a fingerprint: those of its sources and all that they import."""
    pending: list[Path] = []
    for source in sources:
        if isinstance(source, Path):
            pending.append(source)
        elif _module_file(source):
            pending.extend(_files_of(source))
        else:
            raise FileNotFoundError(f"no module {source} below {ROOT}")
    files: set[Path] = set()
    while pending:
        path = pending.pop()
        if path not in files:
            files.add(path)
            _, imported = _read(path, path.read_bytes())
            pending.extend(imported)
    return files


def _files_of(name: str) -> set[Path]:
    """What Python runs of this library to import a name: its module and the packages around it."""
    parts = name.split(".") if name.partition(".")[0] == PACKAGE else []
    modules = (".".join(parts[: end + 1]) for end in range(len(parts)))
    return {file for module in modules if (file := _module_file(module))}


def _module_file(name: str) -> Path | None:
    """File of a module or package; None for names inside modules."""
    path = ROOT.joinpath(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@cache  # many jobs run the same modules
def _read(path: Path, content: bytes) -> tuple[str, set[Path]]:
    """What counts of a file, and the files of this library that it imports."""
    if path.suffix != ".py":
        return hashlib.sha256(content).hexdigest(), set()
    tree = ast.parse(content)
    imported = _imported_files(path, tree)
    return ast.unparse(_what_counts(path, tree)), imported


def _imported_files(path: Path, tree: ast.AST) -> set[Path]:
    """Files of this library that run when a module's imports do, also those inside functions.

    Not what is only for type checkers: it does not run.
    """
    names, pending = set(), [tree]
    while pending:
        node = pending.pop()
        checking = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        pending.extend(node.orelse if checking else ast.iter_child_nodes(node))
        names.update(_imported_names(path, node))
    return {file for name in names for file in _files_of(name)}


def _imported_names(path: Path, node: ast.AST) -> Iterator[str]:
    """Dotted names that a statement or call imports, or may: of modules and of what is in them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(path, "." * node.level + (node.module or ""))
        yield from (f"{module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
        ("import_module", "__import__")
    ):
        for argument in node.args[:1]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield _absolute(path, argument.value)


def _absolute(path: Path, name: str) -> str:
    """A module's dotted name, which may begin with dots for the packages that a file is in."""
    module = name.lstrip(".")
    package = path.relative_to(ROOT).parent.parts
    above = package[: len(package) + 1 - (len(name) - len(module))] if module != name else ()
    return ".".join([*above, *filter(None, [module])])


def _what_counts(path: Path, tree: ast.Module) -> ast.Module:
    """A module without docstrings; a package also without what it lists."""
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    if path.name == "__init__.py":
        tree.body = [node for node in tree.body if not _is_registry(node)]
    return tree


def _is_registry(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return isinstance(node, ast.Assign | ast.AnnAssign) and bool(names) and names <= REGISTRIES
