"""Which modules pytest looks for examples in: those that need PyTorch only where it is there."""

from importlib.util import find_spec

collect_ignore_glob = (
    []
    if find_spec("torch")
    else ["src/chainrule/torch_bridge.py", "src/chainrule/engines/torch_*.py"]
)
