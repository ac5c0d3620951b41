"""The engines: how a chunk of minibatches is run. `ENGINES` is the table of their names.

``auto`` stands for the one that the configuration is best run by; the run records which.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.core.errors import MissingExtraError
from chainrule.core.registry import LazyTable
from chainrule.training.engines.base import Chunk, Engine, NotFiniteError
from chainrule.training.engines.numpy_engine import NumpyEngine

# The table of engines: an engine is imported when it is looked up, and not before.


class EngineTable(LazyTable[Engine]):
    """The engines by name.

    Args:
        places: where each class stands, as ``"module:Class"``.
        extras: the extra of this package that an engine needs, where it needs one.
    """

    def __init__(self, places: Mapping[str, str], extras: Mapping[str, str] | None = None) -> None:
        super().__init__(places)
        self._extras = dict(extras or {})

    def __getitem__(self, name: str) -> type[Engine]:
        """The class.

        Raises:
            KeyError: there is no such engine.
            MissingExtraError: it needs an extra that is not installed.
        """
        try:
            return super().__getitem__(name)
        except ModuleNotFoundError as error:
            if name not in self._extras:
                raise
            raise MissingExtraError(
                f"engine {name} needs the package {error.name}, which is not installed; "
                f"install it with: pip install 'chainrule[{self._extras[name]}]'"
            ) from None


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

__all__ = ["ENGINES", "Chunk", "Engine", "EngineTable", "NotFiniteError", "NumpyEngine"]
