"""A table of peers that imports a library when its peer is looked up, and not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from chainrule.errors import MissingExtraError
from chainrule.peers.base import Peer


class PeerTable(Mapping[str, type[Peer]]):
    """The peers by name; a name is also that of the library's module and of the extra.

    Args:
        places: where each class stands, as ``"module:Class"``.
        packages: what the library is called where it is installed from.
    """

    def __init__(self, places: Mapping[str, str], packages: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._packages = dict(packages)

    def __getitem__(self, name: str) -> type[Peer]:
        """The class.

        Raises:
            KeyError: there is no such peer.
            MissingExtraError: its library is not installed, or cannot be imported.
        """
        module, _, peer = self._places[name].partition(":")
        if not self.is_installed(name):
            raise self.missing(name)
        try:
            found: type[Peer] = getattr(import_module(module), peer)
        except ImportError as error:
            package = self._packages[name]
            raise MissingExtraError(f"the package {package} cannot be imported: {error}") from None
        return found

    def is_installed(self, name: str) -> bool:
        """Whether the library is there; this does not import it."""
        return find_spec(name) is not None

    def missing(self, name: str) -> MissingExtraError:
        """The error for a library that is not there."""
        return MissingExtraError(
            f"the peer {name} needs the package {self._packages[name]}, which is not installed; "
            f"install it with: pip install 'chainrule[{name}]'"
        )

    def version(self, name: str) -> str:
        """The version of the installed library."""
        return version(self._packages[name])

    def __contains__(self, name: object) -> bool:
        """Whether there is such a peer; unlike a look-up, this imports nothing."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"PeerTable({', '.join(self._places)})"
