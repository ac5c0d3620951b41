"""The same gradient by another library's automatic differentiation."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from chainrule.core.arrays import Array
from chainrule.core.errors import MissingExtraError
from chainrule.nn.network import Network

_MODULES = {"torch": "chainrule.peers.torch_gradient", "jax": "chainrule.peers.jax_gradient"}


def autograd(network: Network, library: str, x: Array, t: Array) -> Array:
    """∂L/∂θ as the library differentiates the same loss, in the layout of θ.

    Args:
        network: in float64, of parts the library's program knows, see `obstacle`.
        library: ``torch`` or ``jax``.
        x: prepared inputs, (cases, input).
        t: prepared targets.

    Raises:
        MissingExtraError: the library is not installed.
    """
    gradient: Array = import_module(_MODULES[library]).gradient(network, x, t)
    return gradient


def obstacle(network: Network, library: str) -> str | None:
    """Why the library's program cannot be that network; None where it can.

    Raises:
        MissingExtraError: the library is not installed.
    """
    if find_spec(library) is None:
        raise MissingExtraError(
            f"a comparison with {library} needs the package {library}, which is not installed; "
            f"install it with: pip install 'chainrule[{library}]'"
        )
    reason: str | None = import_module(_MODULES[library]).obstacle(network)
    return reason
