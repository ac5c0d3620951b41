"""Independent derivations of a network's gradients, and the check of the network against them.

`check` compares a network's backward pass with the central difference, the complex step, random
projections and the automatic differentiation of PyTorch and JAX, and each layer's Jacobians one by
one.
"""

from chainrule.gradients.checking import METHODS, check, errors
from chainrule.gradients.custom_functions import check_activation, check_loss
from chainrule.gradients.findings import TOLERANCES, Finding, Report, Verdict
from chainrule.gradients.numeric import (
    COMPLEX_STEP,
    along,
    central_difference,
    complex_step,
    relative_error,
)

__all__ = [
    "COMPLEX_STEP",
    "METHODS",
    "TOLERANCES",
    "Finding",
    "Report",
    "Verdict",
    "along",
    "central_difference",
    "check",
    "check_activation",
    "check_loss",
    "complex_step",
    "errors",
    "relative_error",
]
