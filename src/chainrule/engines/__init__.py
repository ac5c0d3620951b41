"""The engines: how a stretch of minibatches is run. `ENGINES` is the table of their names.

``auto`` stands for the one that the configuration is best run by; the run records which.
"""

from collections.abc import Mapping

from chainrule.engines.base import Engine, NotFiniteError, Stretch
from chainrule.engines.numpy_engine import NumpyEngine

ENGINES: Mapping[str, type[Engine]] = {"auto": NumpyEngine, "numpy": NumpyEngine}
"""The engines by the name a configuration gives."""

__all__ = ["ENGINES", "Engine", "NotFiniteError", "NumpyEngine", "Stretch"]
