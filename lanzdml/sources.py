"""Fingerprints of our code and data: a result is made anew when what is behind it changes."""

import ast
import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = Path(__file__).parent.name


def _imported_files(tree: ast.AST) -> set[Path]:
    """Files of this library that a module imports anywhere, also inside functions.

    Not what is only for type checkers: it does not run.
    """
    names, pending = set(), [tree]
    while pending:
        node = pending.pop()
        checking = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        pending.extend(node.orelse if checking else ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {path for name in names if name.startswith(PACKAGE) and (path := module_file(name))}


def module_file(name: str) -> Path | None:
    """File of a module of this library; None for packages and names inside modules.

    Packages are left out on purpose: their ``__init__`` files are registries, and a new entry there
    changes no existing result.
    """
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def source_fingerprint(*sources: str | Path) -> str:
    """Digest of modules (dotted names) or files and of all of this library that they import.

    Comments, docstrings and layout of code do not count. Any other file counts byte by byte.

    Raises:
        FileNotFoundError: a source is not there.
    """
    pending = [source if isinstance(source, Path) else module_file(source) for source in sources]
    if None in pending:
        raise FileNotFoundError(f"no module {sources[pending.index(None)]} below {ROOT}")
    seen: dict[Path, str] = {}
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        if path.suffix != ".py":
            seen[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            continue
        tree = ast.parse(path.read_bytes())
        pending.extend(_imported_files(tree))
        seen[path] = ast.unparse(_without_docstrings(tree))
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(f"{path.relative_to(ROOT)}\0{seen[path]}\0".encode())
    return digest.hexdigest()[:16]
