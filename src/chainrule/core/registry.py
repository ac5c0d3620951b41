"""Tables of the classes that a configuration names: activations, losses, optimisers, engines.

An entry is a dataclass whose fields are its options. A configuration gives the name alone, or a
mapping of ``type`` and options; in Python an object of the class may stand in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeGuard, TypeVar

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.errors import ConfigError, MissingExtraError, shown, unknown
from chainrule.core.vocabulary import instead

T = TypeVar("T")

OMITTED_AS_DEFAULT: Mapping[str, Any] = {"omitted_as_default": True}
"""The metadata of an option that an entry's normal form leaves out where it has its default.

So a table can give all its entries a further option, and a configuration without it stays the
same, also the configuration of a run that was begun before.
"""


class Entry:
    """Base of the classes that such tables hold, of which an object may stand for its name."""


E = TypeVar("E", bound=Entry)


def name_in(table: Mapping[str, type[T]], entry: T) -> str:
    """The table's name for the class of ``entry``; if it has none, the class's own name.

    Example:
        >>> name_in({"whole": int, "real": float}, 0.5)
        'real'
    """
    return next((n for n, kind in table.items() if type(entry) is kind), type(entry).__name__)


def from_table(
    kind: str,
    table: Mapping[str, type[E]],
    value: str | Mapping[str, Any] | Entry,
    *,
    numbers: bool = True,
) -> E:
    """The entry of a table of dataclasses that ``value`` describes.

    Args:
        kind: what the table holds, for messages.
        table: dataclasses by name, whose fields are their options.
        value: a name, a mapping of ``type`` and options, or an entry, which is returned.
        numbers: whether every option is a finite number, but those that are declared as texts or
            truth values; otherwise the entry itself checks them.

    Raises:
        ConfigError: the name or an option is unknown, or an option is not a finite number.
    """
    if is_entry(value, table):
        return value
    options = entry_options(kind, value)
    written: str = options.pop("type", "")
    name = written if written in table else written.lower()  # as a configuration reads it
    if name not in table:
        raise ConfigError(unknown(kind, written, table))
    entry = table[name]
    known = {f.name: f.type for f in fields(entry) if f.init}  # type: ignore[arg-type]
    for key, option in options.items():
        if key not in known:
            sentence = instead(f"key of {kind}", key)
            words = f"{', '.join(known) or 'none'}"
            raise ConfigError(
                f"unknown option of {name} {shown(key)}; {sentence}. Known: {words}"
                if sentence
                else unknown(f"option of {name}", key, known)
            )
        if numbers and known[key] not in _WORDS and not is_finite(option):
            raise ConfigError(f"{key} of {name} must be a finite number, found {option!r}")
    return entry(**{k: _plain(v, known[k]) if numbers else v for k, v in options.items()})


_WORDS = ("str", "bool", str, bool)


def _plain(value: Any, declared: Any) -> Any:
    """A number as Python has it: NumPy's would bring its own type into float32 arithmetic."""
    if declared in _WORDS:
        return value
    return int(value) if declared in ("int", int) and is_whole(value) else float(value)


def is_entry(value: object, table: Mapping[str, type[E]]) -> TypeGuard[E]:
    """Whether a value is an object of the class from which those of the table derive.

    Its own class need not be in the table.
    """
    some = next(iter(table.values()))
    return isinstance(value, next(base for base in some.__mro__ if Entry in base.__bases__))


def add_entry(table: Mapping[str, type[T]], name: str, entry: type[T]) -> None:
    """Put a class into a table under a name; what stood there before is replaced."""
    assert isinstance(table, dict)
    table[name] = entry


def entry_options(kind: str, value: object) -> dict[str, Any]:
    """A mapping of ``type`` and options, from an entry's name or from such a mapping.

    Args:
        kind: what the table holds, for messages.
        value: the name or the mapping.

    Raises:
        ConfigError: ``value`` is neither a name nor such a mapping.
    """
    if isinstance(value, str):
        return {"type": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str | None):
        found = shown(value)
        if isinstance(value, type):
            found += f", a class; {value.__name__}() makes an object of it"
        raise ConfigError(f"{kind} is a name, or a mapping of type and options, found {found}")
    return dict(value)


class LibraryTable(Mapping[str, type[T]]):
    """Classes by name. A class is imported when it is looked up; listing names imports nothing.

    Args:
        kind: what the table holds, for messages.
        places: where each class is defined, as ``"module:Class"``.
        packages: for each class that needs a library, the library's name on PyPI. The name of
            the class in the table is also that of the library's module and of the extra of
            chainrule that installs it.

    Example:
        >>> table = LibraryTable("engine", {"numpy": "chainrule.training.engines:NumpyEngine"}, {})
        >>> list(table), "torch" in table, table["numpy"].name
        (['numpy'], False, 'numpy')
    """

    def __init__(self, kind: str, places: Mapping[str, str], packages: Mapping[str, str]) -> None:
        self._kind = kind
        self._places = dict(places)
        self._packages = dict(packages)

    def __getitem__(self, name: str) -> type[T]:
        """The class.

        Raises:
            KeyError: there is no such class.
            MissingExtraError: its library is not installed, or cannot be imported.
            ImportError: a class without such a library cannot be imported.
        """
        module, _, class_name = self._places[name].partition(":")
        if not self.is_installed(name):
            raise self.missing(name)
        try:
            found: type[T] = getattr(import_module(module), class_name)
        except ImportError as error:
            if name not in self._packages:
                raise
            package = self._packages[name]
            raise MissingExtraError(f"the package {package} cannot be imported: {error}") from None
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

    def is_installed(self, name: str) -> bool:
        """Whether the library that the class needs, if any, is installed; nothing is imported."""
        return name not in self._packages or find_spec(name) is not None

    def missing(self, name: str) -> MissingExtraError:
        """The error that the class's library is not installed."""
        return missing_extra(f"the {self._kind} {name}", name, self._packages[name])

    def version(self, name: str) -> str:
        """The version of the installed library."""
        from importlib.metadata import version

        return version(self._packages[name])


def missing_extra(what: str, extra: str, package: str) -> MissingExtraError:
    """The error for a library that is not installed.

    Args:
        what: the feature that needs it, as the subject of a sentence.
        extra: the extra of chainrule that installs it.
        package: the library's name on PyPI.
    """
    return MissingExtraError(
        f"{what} needs the package {package}, which is not installed; "
        f"install it with: pip install 'chainrule[{extra}]'"
    )
