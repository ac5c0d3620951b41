"""Other libraries: the same network trained by them, and its loss differentiated by them.

`PEERS` is the table of their names; a library is imported when its entry is looked up. Each has a
module of the same name. PyTorch's counterparts of activations, losses, layers and update rules are
in `chainrule.training.engines.torch`, because the engine, which lies below this folder, uses them
as well; those of JAX are in `chainrule.peers.jax`.
"""

from chainrule.core.registry import LibraryTable
from chainrule.peers.base import Peer

PEERS: LibraryTable[Peer] = LibraryTable(
    "peer",
    {
        "torch": "chainrule.peers.torch:TorchPeer",
        "jax": "chainrule.peers.jax:JaxPeer",
        "sklearn": "chainrule.peers.sklearn:SklearnPeer",
    },
    packages={"torch": "torch", "jax": "jax", "sklearn": "scikit-learn"},
)
"""The libraries that train a network, by name."""

__all__ = ["PEERS", "Peer"]
