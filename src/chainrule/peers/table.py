"""A table of peers that imports a library when its peer is looked up, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec

from chainrule.core.errors import MissingExtraError
from chainrule.core.registry import LazyTable
from chainrule.peers.base import Peer


class PeerTable(LazyTable[Peer]):
    """The peers by name; a name is also that of the library's module and of the extra.

    Args:
        places: where each class stands, as ``"module:Class"``.
        packages: what the library is called where it is installed from.
    """

    def __init__(self, places: Mapping[str, str], packages: Mapping[str, str]) -> None:
        super().__init__(places)
        self._packages = dict(packages)

    def __getitem__(self, name: str) -> type[Peer]:
        """The class.

        Raises:
            KeyError: there is no such peer.
            MissingExtraError: its library is not installed, or cannot be imported.
        """
        if name in self and not self.is_installed(name):
            raise self.missing(name)
        try:
            return super().__getitem__(name)
        except ImportError as error:
            package = self._packages[name]
            raise MissingExtraError(f"the package {package} cannot be imported: {error}") from None

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
