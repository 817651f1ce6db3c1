"""Methods of others: a class in a file of theirs, or one that an installed package registers.

Those that a configuration names are known by their names in this process and in those that start
from it: what is said of each is in the environment, and its code runs where it is fitted or used.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import cleandoc
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from lanzdml.errors import CannotFitError, LanzdmlError, in_one_line
from lanzdml.files import digest
from lanzdml.names import one_line, shortened

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from lanzdml.methods.base import Method

VARIABLE = "LANZDML_METHODS"  # also seen by the processes of jobs
GROUP = "lanzdml.methods"
"""The group of entry points by which a package registers methods, ``name = "module:Class"``."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")  # of a folder of results
_COLOR = re.compile("#[0-9A-Fa-f]{6}")
_LONGEST = 300  # letters of an explanation
_OURS = __name__.partition(".")[0]
# What code of others may raise; not an interruption of the run.
RAISED = (Exception, SystemExit)


@dataclass(frozen=True)
class Guest:
    """A method that is not of this package, as a configuration names it.

    Attributes:
        source: ``file.py:Class``, or the name of an entry point.
        title: its name on paper; empty for the name that it has everywhere else.
        explanation: in a sentence; may be empty.
        color: of its curves, ``#rrggbb``; empty for one that is free.
    """

    source: str
    title: str
    explanation: str
    color: str

    @property
    def told(self) -> str:
        """The source in results that are passed on: it tells no place on this machine."""
        if not os.path.isabs(self.source):
            return self.source
        below = os.path.relpath(self.source)
        return f"…/{Path(self.source).name}" if below.startswith("..") else below


def guests() -> Mapping[str, Guest]:
    """The methods of others that this process knows, by name."""
    return _read(os.environ.get(VARIABLE, "{}"))


def forget() -> None:
    """Know no methods of others any more, as those of an earlier configuration."""
    os.environ.pop(VARIABLE, None)


@cache
def _read(text: str) -> dict[str, Guest]:
    return {name: Guest(**told) for name, told in json.loads(text).items()}


def welcome(source: str) -> str:
    """Know a method of others, in this process and in those that start from here on.

    Args:
        source: ``file.py:Class``, as seen from the working folder, or the name of an entry point.

    Returns:
        The method's name.

    Raises:
        LanzdmlError: it cannot be loaded, is no method, says what none can say, or has the name of
            another.
    """
    cls = load_class(source)
    for word in ("name", "title", "explanation", "color"):
        if not isinstance(value := getattr(cls, word), str):
            raise LanzdmlError(f"{source}: its {word} is {value!r}, and should be a text")
    if not _NAME.fullmatch(cls.name):
        raise LanzdmlError(
            f"{source}: its name is {cls.name!r}, and should be letters, digits, _, . and -"
        )
    if cls.color and not _COLOR.fullmatch(cls.color):
        raise LanzdmlError(f"{source}: its color is {cls.color!r}, and should be like #117733")
    if not isinstance(cls.cost, int):
        raise LanzdmlError(f"{source}: its cost is {cls.cost!r}, and should be a whole number")
    other = guests().get(cls.name)
    if other is not None and other.source != source:
        raise LanzdmlError(
            f"{source}: calls itself {cls.name!r}, as {other.source} does: give one of them "
            "another `name`"
        )
    first_line, *_ = cleandoc(cls.__doc__ or "").partition("\n")
    guest = Guest(
        source,
        title=one_line(cls.title),
        explanation=shortened(one_line(cls.explanation or first_line), _LONGEST),
        color=cls.color,
    )
    known = {name: asdict(told) for name, told in {**guests(), cls.name: guest}.items()}
    os.environ[VARIABLE] = json.dumps(known)
    return cls.name


def is_file(source: str) -> bool:
    """Whether a source names a class in a file, and no entry point."""
    return source.endswith(".py") or ".py:" in source


def is_source(value: str) -> bool:
    """Whether it names a method of others: a class in a file, or what a package registers."""
    return is_file(value) or value in registered()


def registered() -> list[str]:
    """The names under which installed packages register methods."""
    from importlib.metadata import entry_points

    return sorted(point.name for point in entry_points(group=GROUP))


def code_of(source: str) -> list[Path]:
    """The Python files behind a method: its own, and those that it imports of its package or, where
    it is a file, of what lies beside it.

    Raises:
        LanzdmlError: there is no such file or entry point.
    """
    if is_file(source):
        file, _ = _file(source)
        return _code_behind(file, file.parent)
    point = _entry_point(source)
    file = _module_file(point)
    package, *inside = point.module.split(".")
    root = file.parents[len(inside) + (file.name == "__init__.py")]
    return _code_behind(file, root, package)


def _code_behind(file: Path, root: Path, package: str | None = None) -> list[Path]:
    """A file and those below a folder that it imports: of a package, or of all but ours."""
    found: dict[Path, None] = {}
    pending = [file]
    while pending:
        if (file := pending.pop()) not in found:
            found[file] = None
            for parts in _imported(file, root):
                if parts[0] == package or (package is None and parts[0] != _OURS):
                    pending += _files_of(root, parts)
    return list(found)


def _imported(file: Path, root: Path) -> Iterator[list[str]]:
    """What a file imports, as the parts of dotted names."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # what imports it says so; or it is compiled
        return
    around = file.relative_to(root).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = around[: len(around) + 1 - node.level] if node.level else ()
            module = node.module.split(".") if node.module else []
            yield from ([*above, *module, alias.name] for alias in node.names)


def _files_of(root: Path, parts: Sequence[str]) -> Iterator[Path]:
    """The files that are run to import a dotted name, of those below a folder."""
    for end in range(len(parts)):
        path = root.joinpath(*parts[: end + 1])
        files = path.with_name(f"{path.name}.py"), path / "__init__.py"
        yield from (file for file in files if file.is_file())


def _module_file(point: "EntryPoint") -> Path:
    try:
        spec = find_spec(point.module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise LanzdmlError(
            f"{point.name}: there is no module {point.module}, which {_of(point)} names"
        )
    return Path(spec.origin)


def load_class(source: str) -> type["Method"]:
    """The class of a method of others, whose code runs.

    Args:
        source: as of :func:`welcome`.

    Raises:
        LanzdmlError: there is no such file, entry point or class, its code raises something, or it
            is no subclass of :class:`lanzdml.methods.base.Method`.
    """
    from lanzdml.methods.base import Method

    try:
        found = _class_in(*_file(source)) if is_file(source) else _entry_point(source).load()
    except LanzdmlError:
        raise
    except RAISED as error:
        raise LanzdmlError(f"{source} cannot be loaded: {what_raised(error)}") from error
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise LanzdmlError(
            f"{source}: is no subclass of lanzdml.methods.base.Method, see docs/your-own.md"
        )
    if not is_file(source) and found.name != source:
        raise LanzdmlError(
            f"{source}: the class calls itself {found.name!r}: that and the entry point's name "
            "should be the same"
        )
    return found


@contextmanager
def reasons_of(method: str) -> Iterator[None]:
    """Within a block, what code of others raises is a reason why there is no result.

    Not that memory is exhausted: the job is tried again with more. The working folder is what it
    was when the block ends.

    Args:
        method: its name; nothing happens for one of ours, whose errors are mistakes of ours.

    Raises:
        CannotFitError: in place of what was raised.
    """
    try:
        with chdir("."):
            yield
    except RAISED as error:
        out_of_memory = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
        if method not in guests() or isinstance(error, CannotFitError) or out_of_memory:
            raise
        raise CannotFitError(f"it raised {what_raised(error)}") from error


def what_raised(error: BaseException) -> str:
    """An error of somebody's code in one line: its kind, its words, and where it was raised."""
    words = in_one_line(error)
    kind = type(error).__name__
    frames = extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{kind}{'' if words == kind else f': {words}'}{where}"


def _file(source: str) -> tuple[Path, str]:
    file, _, name = source.rpartition(":")
    path = Path(file or source)
    if not path.is_file():
        raise LanzdmlError(f"{source}: there is no file {path}")
    if not file:
        raise LanzdmlError(f"{source}: name the class, too, as {source}:MyMethod")
    return path, name


def _class_in(path: Path, name: str) -> object:
    module = _module(path.resolve(), path.stat().st_mtime_ns)
    if not hasattr(module, name):
        raise LanzdmlError(f"{path} has no class {name}")
    return getattr(module, name)


@cache
def _module(path: Path, changed: int) -> object:
    """A file as a module, which finds what lies beside it as a script does, but after all else."""
    name = f"{__name__}.{path.stem}_{digest(path, changed)}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    _check_neighbours(path)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _check_neighbours(path: Path) -> None:
    """Check that what lies beside a file, and it imports, is what is imported by these names."""
    files = (file.relative_to(path.parent) for file in _code_behind(path, path.parent))
    for name in sorted({file.parts[0].removesuffix(".py") for file in files} - {path.stem}):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin).parent  # of a module, or of a package the folder itself
            if path.parent not in (found.resolve(), found.parent.resolve()):
                raise LanzdmlError(
                    f"{path} imports {name}, which lies beside it, but is also the name of another "
                    "module: rename it"
                )


def _entry_point(name: str) -> "EntryPoint":
    from importlib.metadata import entry_points

    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise LanzdmlError(f"{name}: no installed package registers a method of this name")
    if len(found) > 1:
        packages = " and ".join(_of(point) for point in found)
        raise LanzdmlError(f"{name}: {packages} each register a method of this name")
    return found[0]


def _of(point: "EntryPoint") -> str:
    return point.dist.name if point.dist else "a package"
