"""The same network trained by other libraries, from the same start and on the same cases.

`PEERS` is the table of their names; a library is imported when its peer is looked up.
"""

from chainrule.peers.base import Peer
from chainrule.peers.table import PeerTable

PEERS = PeerTable(
    {
        "torch": "chainrule.peers.torch_peer:TorchPeer",
        "jax": "chainrule.peers.jax_peer:JaxPeer",
        "sklearn": "chainrule.peers.sklearn_peer:SklearnPeer",
    },
    packages={"torch": "torch", "jax": "jax", "sklearn": "scikit-learn"},
)
"""The peers by name."""

__all__ = ["PEERS", "Peer", "PeerTable"]
