"""Which modules pytest looks for examples in: those that need a peer only where it is there."""

from importlib.util import find_spec

MODULES_OF = {
    "torch": (
        "src/chainrule/training/engines/torch/*.py",
        "src/chainrule/peers/torch.py",
        "src/chainrule/runs/export/as_torch.py",
    ),
    "jax": ("src/chainrule/peers/jax.py",),
    "sklearn": ("src/chainrule/peers/sklearn.py", "src/chainrule/estimators/*.py"),
}

collect_ignore_glob = [
    pattern
    for package, patterns in MODULES_OF.items()
    if find_spec(package) is None
    for pattern in patterns
]
