"""PyTorch: its counterpart of each part of a network, a network as modules, and the engine.

The tables of counterparts lie beside the engine, which lies below `chainrule.peers`; the training
program and the derivative of PyTorch there use the same tables.
"""

from chainrule.core.registry import missing_extra

try:
    import torch  # noqa: F401
except ModuleNotFoundError:
    raise missing_extra("a network as PyTorch modules", "torch", "torch") from None
