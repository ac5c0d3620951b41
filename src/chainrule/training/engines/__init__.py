"""The engines: how a stretch of minibatches is run. `ENGINES` is the table of their names.

``auto`` stands for the one that the configuration is best run by; the run records which.
"""

from chainrule.training.engines.base import Engine, NotFiniteError, Stretch
from chainrule.training.engines.numpy_engine import NumpyEngine
from chainrule.training.engines.table import EngineTable

ENGINES = EngineTable(
    {
        "auto": "chainrule.training.engines.numpy_engine:NumpyEngine",
        "numpy": "chainrule.training.engines.numpy_engine:NumpyEngine",
        "compiled": "chainrule.training.engines.compiled.engine:CompiledEngine",
        "torch": "chainrule.training.engines.torch.engine:TorchEngine",
    },
    extras={"torch": "torch"},
)
"""The engines by the name a configuration gives; one is imported when it is looked up."""

__all__ = ["ENGINES", "Engine", "EngineTable", "NotFiniteError", "NumpyEngine", "Stretch"]
