"""Methods from elsewhere: the class that a name of ours, or a path with a class, stands for."""

import importlib.util
import inspect
import os
import sys
import traceback

from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.methods.base import Method


def load_class(spec: str) -> type[Method]:
    """The class of a method.

    Args:
        spec: a name of ``METHODS``, or ``file.py:Class``, seen from the working folder.

    Raises:
        LanzdmlError: there is no such method, file or class, the file cannot be imported, or the
            class is none of a method.
    """
    path, colon, class_name = spec.rpartition(":")
    if not colon:
        return METHODS[spec]
    if not os.path.isfile(path):
        raise LanzdmlError(f"{spec}: there is no file {path}")
    folder, stem = os.path.dirname(os.path.abspath(path)), os.path.basename(path).partition(".")[0]
    if folder not in sys.path:
        sys.path.append(folder)
    description = importlib.util.spec_from_file_location(f"{stem} of {folder}", path)
    if description is None or description.loader is None:
        raise LanzdmlError(f"{spec}: {path} is no Python file")
    module = importlib.util.module_from_spec(description)
    sys.modules[module.__name__] = module
    try:
        description.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if os.path.abspath(frame.filename) == os.path.abspath(path)
        ]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        raise LanzdmlError(
            f"{path}, line {line}: importing it raises {type(error).__name__}: {error}"
        ) from error
    cls = getattr(module, class_name, None)
    if cls is None:
        raise LanzdmlError(f"{spec}: {path} has no class {class_name}")
    if not (inspect.isclass(cls) and issubclass(cls, Method)):
        raise LanzdmlError(f"{spec}: {class_name} is no subclass of lanzdml.methods.base.Method")
    return cls
