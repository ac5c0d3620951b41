"""Where z, a and δ of a layer lie in the array of the units, for the cases of a minibatch.

The units of a layer lie case after case in one block, so that an activation is one loop over
all of them, and a block is a matrix to gemm.
"""

from __future__ import annotations

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import part
from chainrule.training.engines.compiled.plan import FUNCTION, RELU, START, A, Index, Z

ONE = Index(1)


@part
def outputs_of(k: int, layers: Array) -> int:
    """The row of units that has a of a layer: a hidden layer's relu stands in place of z."""
    hidden = k + ONE < Index(len(layers))
    return Index(Z) if hidden and layers[k, FUNCTION] == RELU else Index(A)


@part
def place(of: int, k: int, batch_size: int, layers: Array, units: Array) -> int:
    """Where z, a or δ of a layer begins in the array of the units."""
    return Index(of) * Index(units.shape[1]) + layers[k, START] * batch_size


@part
def place_of_outputs(k: int, batch_size: int, layers: Array, units: Array) -> int:
    """Where a of a layer begins."""
    return place(outputs_of(k, layers), k, batch_size, layers, units)
