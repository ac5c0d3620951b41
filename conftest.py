"""Which modules pytest looks for examples in: those that need a peer only where it is there."""

from importlib.util import find_spec

MODULES_OF = {
    "torch": (
        "src/chainrule/training/engines/torch/*.py",
        "src/chainrule/peers/torch_peer.py",
        "src/chainrule/peers/torch_gradient.py",
    ),
    "jax": ("src/chainrule/peers/jax_peer.py", "src/chainrule/peers/jax_gradient.py"),
    "sklearn": ("src/chainrule/peers/sklearn_peer.py",),
}

collect_ignore_glob = [
    pattern
    for package, patterns in MODULES_OF.items()
    if find_spec(package) is None
    for pattern in patterns
]
