"""Reverse-mode differentiation over a graph of array operations.

    >>> from chainrule.autodiff import gradient, sin, variable
    >>> gradient(lambda x: sin(x) * x, 0.0)
    array(0.)

A graph is made by computing with `variable`s; `backpropagate` goes back through it, and
`gradient`, `jacobian`, `hessian`, `vjp` and `jvp` are derivatives of functions, of any order.
"""

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
from chainrule.autodiff.node import Node, Operation, apply, constant, variable
from chainrule.autodiff.table import OPERATIONS
from chainrule.autodiff.walk import backpropagate, topological
