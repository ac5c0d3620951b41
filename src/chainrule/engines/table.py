"""A table of engines that imports an engine when it is looked up, and not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from chainrule.engines.base import Engine
from chainrule.errors import MissingExtraError


class EngineTable(Mapping[str, type[Engine]]):
    """The engines by name: to list the names imports nothing that the engines are built on.

    Args:
        places: where each class stands, as ``"module:Class"``.
        extras: the extra of this package that an engine needs, where it needs one.

    Example:
        >>> table = EngineTable({"numpy": "chainrule.engines.numpy_engine:NumpyEngine"})
        >>> list(table)
        ['numpy']
        >>> table["numpy"].name
        'numpy'
    """

    def __init__(self, places: Mapping[str, str], extras: Mapping[str, str] | None = None) -> None:
        self._places = dict(places)
        self._extras = dict(extras or {})

    def __getitem__(self, name: str) -> type[Engine]:
        """The class.

        Raises:
            KeyError: there is no such engine.
            MissingExtraError: it needs an extra that is not installed.
        """
        module, _, engine = self._places[name].partition(":")
        try:
            found: type[Engine] = getattr(import_module(module), engine)
        except ModuleNotFoundError as error:
            if name not in self._extras:
                raise
            raise MissingExtraError(
                f"engine {name} needs the package {error.name}, which is not installed; "
                f"install it with: pip install 'chainrule[{self._extras[name]}]'"
            ) from None
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is such an engine; unlike a look-up, this imports nothing."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"EngineTable({', '.join(self._places)})"
