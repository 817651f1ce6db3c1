"""Registries: names, and the classes that they stand for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


class Registry(Mapping[str, type[T]]):
    """Read-only mapping from a name to its class, which is imported when it is asked for.

    Listing the names, or using one of them, runs no other's file.

    Args:
        package: that the modules are in, a dotted name.
        entries: ``name="module:Class"``, the module's name as seen from the package.
    """

    def __init__(self, package: str, **entries: str) -> None:
        self._package = package
        self._entries = entries

    def __getitem__(self, name: str) -> type[T]:
        _, class_name = self._entry(name)
        found: type[T] = getattr(import_module(self.module(name)), class_name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def module(self, name: str) -> str:
        """Dotted name of the module of an entry."""
        module, _ = self._entry(name)
        return f"{self._package}.{module}"

    def _entry(self, name: str) -> tuple[str, str]:
        """The module, as seen from the package, and the class in it."""
        module, _, class_name = self._entries[name].partition(":")
        return module, class_name
