"""The table of all operations: to add one, write its line."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.autodiff.convolution import CONVOLUTION
from chainrule.autodiff.distributions import SOFTMAX
from chainrule.autodiff.elementwise import ELEMENTWISE
from chainrule.autodiff.node import Operation
from chainrule.autodiff.shapes import SHAPES

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation for operation in (*ELEMENTWISE, *SHAPES, *SOFTMAX, *CONVOLUTION)
}
"""The operations by name."""
