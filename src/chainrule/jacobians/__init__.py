"""Jacobians that know their structure; what a layer's are composed of."""

from chainrule.jacobians.activations import Diagonal, LogSoftmaxJacobian, SoftmaxJacobian
from chainrule.jacobians.base import DENSE_LIMIT, Explicit, Jacobian, explicit
from chainrule.jacobians.combined import Composed, RowsOf, Sum
from chainrule.jacobians.linear import BiasJacobian, InputJacobian, WeightJacobian

__all__ = [
    "DENSE_LIMIT",
    "BiasJacobian",
    "Composed",
    "Diagonal",
    "Explicit",
    "InputJacobian",
    "Jacobian",
    "LogSoftmaxJacobian",
    "RowsOf",
    "SoftmaxJacobian",
    "Sum",
    "WeightJacobian",
    "explicit",
]
