"""chainrule: a neural-network workbench in which every gradient can be seen.

The names below are found on first use (PEP 562), so that importing the package costs
nothing and ``chainrule --help`` does not import NumPy.
"""

from __future__ import annotations

from chainrule._version import __version__

TYPE_CHECKING = False  # as typing has it, whose import would be most of the time that this takes
if TYPE_CHECKING:
    from typing import Any

    from chainrule.core.errors import ChainruleError
    from chainrule.data.generators.shapes import ImageGenerator
    from chainrule.estimators.classifier import Classifier
    from chainrule.estimators.regressor import Regressor
    from chainrule.gradients.custom_functions import register_activation, register_loss
    from chainrule.inspector.inspecting import inspect
    from chainrule.inspector.inspection import Inspection
    from chainrule.marking.own.functions import FunctionReport, check_function
    from chainrule.nn.layers.dense import Dense
    from chainrule.nn.layers.softmax import Softmax
    from chainrule.nn.network import Network
    from chainrule.runs.comparison.compare import compare
    from chainrule.runs.comparison.result import Comparison
    from chainrule.runs.doctor.diagnosis import Diagnosis
    from chainrule.runs.doctor.examine import examine
    from chainrule.runs.explained import explained
    from chainrule.runs.export.formats import export
    from chainrule.runs.range_test import RangeTest, range_test
    from chainrule.runs.report.page import report
    from chainrule.runs.run import Run, load
    from chainrule.runs.sweeps.sweep import Sweep, sweep
    from chainrule.runs.train import train

_HOME = {
    "ChainruleError": "chainrule.core.errors",
    "Classifier": "chainrule.estimators.classifier",
    "Comparison": "chainrule.runs.comparison.result",
    "Dense": "chainrule.nn.layers.dense",
    "Diagnosis": "chainrule.runs.doctor.diagnosis",
    "FunctionReport": "chainrule.marking.own.functions",
    "ImageGenerator": "chainrule.data.generators.shapes",
    "Inspection": "chainrule.inspector.inspection",
    "Network": "chainrule.nn.network",
    "RangeTest": "chainrule.runs.range_test",
    "Regressor": "chainrule.estimators.regressor",
    "Run": "chainrule.runs.run",
    "Softmax": "chainrule.nn.layers.softmax",
    "Sweep": "chainrule.runs.sweeps.sweep",
    "check_function": "chainrule.marking.own.functions",
    "compare": "chainrule.runs.comparison.compare",
    "examine": "chainrule.runs.doctor.examine",
    "explained": "chainrule.runs.explained",
    "export": "chainrule.runs.export.formats",
    "inspect": "chainrule.inspector.inspecting",
    "load": "chainrule.runs.run",
    "range_test": "chainrule.runs.range_test",
    "report": "chainrule.runs.report.page",
    "register_activation": "chainrule.gradients.custom_functions",
    "register_loss": "chainrule.gradients.custom_functions",
    "sweep": "chainrule.runs.sweeps.sweep",
    "train": "chainrule.runs.train",
}

# Modules that a user may name without importing them, as in chainrule.gradients.errors.
_MODULES = (
    "autodiff",
    "config",
    "core",
    "data",
    "estimators",
    "explain",
    "gradients",
    "inspector",
    "marking",
    "nn",
    "peers",
    "plots",
    "runs",
    "training",
)

__all__ = [
    "ChainruleError",
    "Classifier",
    "Comparison",
    "Dense",
    "Diagnosis",
    "FunctionReport",
    "ImageGenerator",
    "Inspection",
    "Network",
    "RangeTest",
    "Regressor",
    "Run",
    "Softmax",
    "Sweep",
    "__version__",
    "check_function",
    "compare",
    "examine",
    "explained",
    "export",
    "inspect",
    "load",
    "range_test",
    "register_activation",
    "register_loss",
    "report",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import ``name`` from its home module the first time it is asked for."""
    if name not in _HOME and name not in _MODULES:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}{_hint(name)}")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"chainrule.{name}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def _hint(name: str) -> str:
    """Where a name is that this module does not have; empty if no name is like it."""
    from importlib import import_module

    if name.startswith("_"):  # probed by tools, for which it should be quick
        return ""
    from chainrule.core.errors import nearest

    places = dict.fromkeys(__all__, "chainrule")
    for module in ("chainrule.training", "chainrule.nn"):
        places |= dict.fromkeys(import_module(module).__all__, module)
    guess = nearest(name, places)
    return f"; did you mean {places[guess]}.{guess}?" if guess else ""


def __dir__() -> list[str]:
    """The public names, for completion at a prompt."""
    return sorted(__all__)
