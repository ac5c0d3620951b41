"""A table of classes that imports one when it is looked up, and not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


class LazyTable(Mapping[str, type[T]]):
    """Classes by name: to list the names imports nothing that the classes are built on.

    Args:
        places: where each class stands, as ``"module:Class"``.

    Example:
        >>> table = LazyTable({"numpy": "chainrule.training.engines.numpy_engine:NumpyEngine"})
        >>> list(table), "torch" in table
        (['numpy'], False)
        >>> table["numpy"].name
        'numpy'
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)

    def __getitem__(self, name: str) -> type[T]:
        """The class.

        Raises:
            KeyError: there is no such class.
            ImportError: its module cannot be imported.
        """
        module, _, name_of_class = self._places[name].partition(":")
        found: type[T] = getattr(import_module(module), name_of_class)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is such a class; unlike a look-up, this imports nothing."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._places)})"
