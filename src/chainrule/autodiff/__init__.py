"""Reverse-mode differentiation over a graph of array operations.

    >>> from chainrule.autodiff import gradient, sin, variable
    >>> gradient(lambda x: sin(x) * x, 0.0)
    array(0.)

A graph is made by computing with `variable`s; `backpropagate` goes back through it, and
`gradient`, `jacobian`, `hessian`, `vjp` and `jvp` are derivatives of functions, of any order.
"""

# These put their operations into the table, and NumPy's functions on nodes beside them.
from chainrule.autodiff import convolution, distributions, elementwise, numpy_names, shapes  # noqa: F401
from chainrule.autodiff.activations import activate
from chainrule.autodiff.adapters import activation_from, loss_from
from chainrule.autodiff.convolution import conv2d
from chainrule.autodiff.differentiate import gradient, hessian, jacobian, jvp, vjp
from chainrule.autodiff.formulas import formula
from chainrule.autodiff.functions import (
    absolute,
    arctan,
    broadcast_to,
    concatenate,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    identity,
    log,
    log1p,
    log_softmax,
    maximum,
    mean,
    minimum,
    normal_cdf,
    relu,
    reshape,
    sigmoid,
    sign,
    sin,
    sinh,
    softmax,
    softplus,
    sqrt,
    square,
    sum,
    tan,
    tanh,
    transpose,
    where,
)
from chainrule.autodiff.images import (
    average_pool2d,
    local2d,
    max_pool2d,
    pad2d,
    windows2d,
)
from chainrule.autodiff.losses import loss_of
from chainrule.autodiff.node import OPERATIONS, Node, Operation, apply, constant, variable
from chainrule.autodiff.report import graph_table, print_graph
from chainrule.autodiff.steps import Step, Term, steps
from chainrule.autodiff.walk import backpropagate, topological

__all__ = [
    "OPERATIONS",
    "Node",
    "Operation",
    "Step",
    "Term",
    "absolute",
    "activate",
    "activation_from",
    "apply",
    "arctan",
    "average_pool2d",
    "backpropagate",
    "broadcast_to",
    "concatenate",
    "constant",
    "conv2d",
    "cos",
    "cosh",
    "erf",
    "exp",
    "expm1",
    "formula",
    "gradient",
    "graph_table",
    "hessian",
    "identity",
    "jacobian",
    "jvp",
    "local2d",
    "log",
    "log1p",
    "log_softmax",
    "loss_from",
    "loss_of",
    "max_pool2d",
    "maximum",
    "mean",
    "minimum",
    "normal_cdf",
    "pad2d",
    "print_graph",
    "relu",
    "reshape",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "steps",
    "sum",
    "tan",
    "tanh",
    "topological",
    "transpose",
    "variable",
    "vjp",
    "where",
    "windows2d",
]
