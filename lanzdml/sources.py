"""Fingerprints of our code and data: a result is made anew when what is behind it changes.

What is behind it are the definitions (functions, classes, constants) that its script uses, and all
that these use, in whichever modules they are: code beside them does not count. Nor do comments,
docstrings, layout and what errors say, nor the entries of :data:`REGISTRIES`.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = Path(__file__).parent.name
# What packages list: a new entry changes no result. A job's own entry is among its parameters.
REGISTRIES = {"METHODS", "DATASETS", "EXPERIMENTS", "PICTURES", "PARTS", "__all__"}
WORDS_ONLY = {"errors.py"}  # modules of which nothing counts
STORED_ERRORS = {"CannotFitError"}  # whose words are results
ALL = "*"

Definition = tuple[Path, str]
"""A file, and a name that it defines at its top; or "" for what runs when it is imported."""


def source_fingerprint(*sources: str | Path) -> str:
    """Digest of modules (dotted names) or files and of all definitions that they use.

    A file that is none of this library's counts byte by byte, and a Python file with the
    definitions that it uses. An import by a computed name (``import_module(name)``) is not seen:
    its module has to be among the sources.

    Raises:
        FileNotFoundError: a source is not there.
    """
    library = _library()
    digest = hashlib.sha256()
    for path, name in sorted(library.behind(sources)):
        if path not in library.files:
            counts = hashlib.sha256(path.read_bytes()).hexdigest()
        elif not (counts := library.module(path).text(name)):
            continue
        place = path.relative_to(ROOT) if path in library.files else path.name
        digest.update(f"{place}\0{name}\0{counts}\0".encode())
    return digest.hexdigest()[:16]


def definitions_behind(*sources: str | Path) -> set[Definition]:
    """The definitions behind a fingerprint."""
    return _library().behind(sources)


def files_of(dotted: str) -> list[Path]:
    """The files of this library that are run to import what a dotted name stands for."""
    return _library().files_of(dotted)


def lines_of(definitions: Iterable[Definition]) -> Iterator[tuple[Path, int]]:
    """The lines that definitions take, each with its file; none of files that are no modules."""
    library = _library()
    for path, name in definitions:
        for node in library.module(path).statements[name] if path.suffix == ".py" else ():
            decorators = getattr(node, "decorator_list", [])
            first = min(each.lineno for each in (node, *decorators))
            yield from ((path, line) for line in range(first, (node.end_lineno or node.lineno) + 1))


def _library() -> "_Library":
    """All code as it is now."""
    return _library_of(
        ROOT,
        *(
            (path, path.read_bytes())
            for folder in (PACKAGE, "workflow_scripts")
            for path in sorted((ROOT / folder).rglob("*.py"))
        ),
    )


@lru_cache(maxsize=1)  # many jobs run the same modules
def _library_of(root: Path, *contents: tuple[Path, bytes]) -> "_Library":
    return _Library(dict(contents))


class _Library:
    """Modules, and what each of their definitions uses, as far as somebody has asked."""

    def __init__(self, contents: dict[Path, bytes]) -> None:
        self.files = contents
        self._modules: dict[Path, _Module] = {}
        self._files: dict[str, list[Path]] = {}
        self._used: dict[Definition, list[Definition]] = {}

    def module(self, path: Path) -> "_Module":
        if path not in self._modules:
            self._modules[path] = _parsed(path, self.files.get(path) or path.read_bytes())
        return self._modules[path]

    def behind(self, sources: Iterable[str | Path]) -> set[Definition]:
        pending: list[Definition] = []
        for source in sources:
            path = source if isinstance(source, Path) else self._module_file(source)
            if path is None:
                raise FileNotFoundError(f"no module {source} below {ROOT}")
            pending.append((path, ALL))
        behind: set[Definition] = set()
        while pending:
            path, name = pending.pop()
            if path.parent.name == PACKAGE and path.name in WORDS_ONLY:
                continue
            if path in self.files and name == ALL:
                pending.extend((path, each) for each in self.module(path).statements)
            elif (path, name) not in behind:
                behind.add((path, name))
                if path in self.files:
                    pending.extend(self._uses(path, name))
                elif path.suffix == ".py":
                    uses = (self._uses(path, each) for each in self.module(path).statements)
                    pending.extend(use for use in chain(*uses) if use[0] in self.files)
        return behind

    def files_of(self, dotted: str) -> list[Path]:
        if dotted not in self._files:
            parts = dotted.split(".") if dotted.partition(".")[0] == PACKAGE else []
            modules = (".".join(parts[: end + 1]) for end in range(len(parts)))
            self._files[dotted] = [file for each in modules if (file := self._module_file(each))]
        return self._files[dotted]

    def _module_file(self, dotted: str) -> Path | None:
        """File of a module or package; None for names inside modules."""
        path = ROOT.joinpath(*dotted.split("."))
        files = (path.with_suffix(".py"), path / "__init__.py")
        return next((file for file in files if file in self.files), None)

    def _uses(self, path: Path, name: str) -> list[Definition]:
        """The definitions that one uses, here and in other modules."""
        if (path, name) not in self._used:
            self._used[path, name] = list(self._find_uses(self.module(path), name))
        return self._used[path, name]

    def _find_uses(self, module: "_Module", name: str) -> Iterator[Definition]:
        yield module.path, ""
        if name == "":  # importing a module imports others, and the packages around it
            around = [_module_name(module.path.parent)] if module.path in self.files else []
            imported = [*module.imported.values(), *around]
            yield from ((file, "") for each in imported for file in self.files_of(each))
        for node in module.statements[name]:
            names, local, computed = _used_by(module.path, node)
            yield from ((file, "") for each in local.values() for file in self.files_of(each))
            for used in names:
                head, _, rest = used.partition(".")
                if dotted := (module.imported | local).get(head):
                    yield from self._definitions(f"{dotted}.{rest}" if rest else dotted)
                elif head in module.statements:
                    yield module.path, head
            for each in computed:
                yield from self._definitions(each)

    def _definitions(self, dotted: str) -> Iterator[Definition]:
        """What a dotted name stands for: a definition of a module of this library, or all of it."""
        *_, path = (None, *self.files_of(dotted))
        if path is None:
            return
        rest = dotted.removeprefix(_module_name(path)).strip(".")
        name, _, further = rest.partition(".")
        module = self.module(path)
        if name in module.statements and name:
            yield path, name
        elif name in module.imported:
            yield path, ""
            imported = module.imported[name]
            yield from self._definitions(f"{imported}.{further}" if further else imported)
        else:  # the module itself, or what it makes when it is asked for
            yield path, ALL


@dataclass
class _Module:
    """What a file defines at its top, "" for what only runs, and what its imported names are."""

    path: Path
    statements: dict[str, list[ast.stmt]] = field(default_factory=lambda: {"": []})
    imported: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What counts of a definition."""
        if name not in self.texts:
            nodes = [] if name in REGISTRIES else self.statements[name]
            self.texts[name] = "\n".join(map(ast.unparse, nodes))
        return self.texts[name]


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts and parts[-1] == "__init__" else parts)


def _parsed(path: Path, content: bytes) -> _Module:
    module = _Module(path)
    for node in _WithoutWords().visit(ast.parse(content)).body:
        module.imported.update(_imports(path, node, top=True))
        names = set(_defined(node))
        if not names and not isinstance(node, ast.Import | ast.ImportFrom):
            module.statements[""].append(node)
        for name in names:
            module.statements.setdefault(name, []).append(node)
    return module


class _WithoutWords(ast.NodeTransformer):
    """Takes out what is said and not done: docstrings, and the words of errors and prints."""

    def visit(self, node: ast.AST) -> Any:
        documented = ast.Module | ast.ClassDef | ast.FunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
        return super().visit(node)

    def visit_If(self, node: ast.If) -> Any:
        """What is only for type checkers does not run."""
        self.generic_visit(node)
        if _dotted(node.test) == "TYPE_CHECKING":
            return node.orelse or ast.copy_location(ast.Pass(), node)
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        if not isinstance(node.exc, ast.Call) or _dotted(node.exc.func) in STORED_ERRORS:
            return self.generic_visit(node)
        return ast.copy_location(ast.Raise(ast.Constant(_dotted(node.exc.func))), node)

    def visit_Call(self, node: ast.Call) -> Any:
        if _dotted(node.func) in ("print", "sys.exit", "warnings.warn"):
            return ast.Call(node.func, [], [])
        return self.generic_visit(node)


def _defined(node: ast.AST) -> Iterator[str]:
    """The names that a statement at the top of a module defines, also within ``if`` and ``try``."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
        return
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
        elif isinstance(each, ast.FunctionDef | ast.ClassDef):
            yield each.name


def _used_by(path: Path, node: ast.AST) -> tuple[set[str], dict[str, str], set[str]]:
    """What code uses, in one walk: this is done at each start.

    Names, with the attributes that follow them; what imports bind, as :func:`_imports` says; and
    the dotted names in calls of ``import_module`` and ``__import__``.
    """
    names: set[str] = set()
    imported: dict[str, str] = {}
    computed: set[str] = set()
    pending = [node]
    while pending:
        node = pending.pop()
        if dotted := _dotted(node):
            names.add(dotted)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported.update(_imports(path, node))
        elif (
            isinstance(node, ast.Call)
            and _dotted(node.func).endswith(("import_module", "__import__"))
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            computed.add(_absolute(path, node.args[0].value))
        pending.extend(reversed([*ast.iter_child_nodes(node)]))  # in the order of the code
    return names, imported, computed


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name and its attributes; empty for all else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (value := _dotted(node.value)):
        return f"{value}.{node.attr}"
    return ""


def _imports(path: Path, node: ast.AST, *, top: bool = False) -> Iterator[tuple[str, str]]:
    """Names that imports bind, and the dotted names that they stand for.

    Args:
        top: those of a module, and not of the functions and classes in it.
    """
    if top and isinstance(node, ast.FunctionDef | ast.ClassDef):
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (
                alias.asname or alias.name.partition(".")[0],
                (alias.name if alias.asname else alias.name.partition(".")[0]),
            )
            yield alias.name, alias.name  # no name, but it is imported
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(path, "." * node.level + (node.module or ""))
        for alias in node.names:
            yield alias.asname or alias.name, f"{module}.{alias.name}"
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(path, child, top=top)


def _absolute(path: Path, name: str) -> str:
    """A module's dotted name, which may begin with dots for the packages that a file is in."""
    module = name.lstrip(".")
    if not path.is_relative_to(ROOT):  # of somebody else
        return name
    package = path.relative_to(ROOT).parent.parts
    above = package[: len(package) + 1 - (len(name) - len(module))] if module != name else ()
    return ".".join([*above, *filter(None, [module])])
