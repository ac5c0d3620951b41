"""Harmless stand-ins for what a submission imports and does not need here, such as plots."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PLOTTING = ("matplotlib", "mpl_toolkits", "pylab", "seaborn", "plotly", "IPython", "tqdm")
"""Packages that show something; stood in for where a submission imports them."""


class Anything:
    """May be called, indexed and asked for any attribute; nothing comes of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _SPECIAL.get(name, self)

    def __call__(self, *arguments: object, **options: object) -> Anything:
        """Do nothing."""
        return self

    def __getitem__(self, index: object) -> Anything:
        return self

    def __setitem__(self, index: object, value: object) -> None:
        """Nothing is kept."""

    def __iter__(self) -> Iterator[Anything]:
        return iter(())

    def __enter__(self) -> Anything:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing is to be closed."""


def _subplots(rows: int = 1, columns: int = 1, *_: object, **options: Any) -> tuple[Any, Any]:
    rows, columns = options.get("nrows", rows), options.get("ncols", columns)
    row = tuple(Anything() for _ in range(columns))
    if rows == 1:
        return Anything(), row[0] if columns == 1 else row
    return Anything(), row * rows if columns == 1 else (row,) * rows


def _progress(iterable: Iterable[Any] | None = None, *_: object, **options: object) -> Any:
    return Anything() if iterable is None else iterable


_SPECIAL: dict[str, Any] = {
    "subplots": _subplots,
    "plot": lambda *_, **__: [Anything()],
    "hist": lambda *_, **__: (Anything(), Anything(), Anything()),
    "tqdm": _progress,
    "trange": lambda *n, **__: range(*n),
}


class _Module(ModuleType):
    __path__: list[str] = []  # noqa: RUF012 - what makes it a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(Anything(), name)


class StandIns(MetaPathFinder, Loader):
    """Gives a stand-in for some packages and all of their modules.

    Args:
        packages: their names.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = frozenset(packages)

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """A stand-in's place, for the packages that have one."""
        if name.partition(".")[0] not in self.packages:
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with any attribute."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run."""


class Absent:
    """Stands for a module that is not here; to use it is an error, to import it is none.

    Args:
        name: of the module.
    """

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        raise ImportError(f"{self.__dict__['_name']} cannot be used here", name=self._name)

    def __call__(self, *arguments: object, **options: object) -> Any:
        """Tell that it is not here."""
        return self.used


def install(packages: Sequence[str] = PLOTTING) -> None:
    """Stand in for packages from now on."""
    sys.meta_path.append(StandIns(packages))
