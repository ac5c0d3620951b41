"""The engines: how a chunk of minibatches is run. `ENGINES` is the table of their names.

``auto`` stands for the engine that suits the configuration best; the run records its name.
"""

from chainrule.core.registry import LibraryTable
from chainrule.training.engines.base import Chunk, Engine, NotFiniteError, Origin
from chainrule.training.engines.numpy_engine import NumpyEngine

ENGINES: LibraryTable[Engine] = LibraryTable(
    "engine",
    {
        "auto": "chainrule.training.engines.numpy_engine:NumpyEngine",
        "numpy": "chainrule.training.engines.numpy_engine:NumpyEngine",
        "compiled": "chainrule.training.engines.compiled.engine:CompiledEngine",
        "torch": "chainrule.training.engines.torch.engine:TorchEngine",
    },
    packages={"torch": "torch"},
)
"""The engines by the name a configuration gives; one is imported when it is looked up."""

__all__ = ["ENGINES", "Chunk", "Engine", "NotFiniteError", "NumpyEngine", "Origin"]
