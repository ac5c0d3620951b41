"""Jacobians that know their structure; what a layer's are composed of."""

from chainrule.jacobians.activations import Diagonal, SoftmaxJacobian
from chainrule.jacobians.base import DENSE_LIMIT, Explicit, Jacobian, explicit
from chainrule.jacobians.combined import Composed, Sum
from chainrule.jacobians.linear import BiasJacobian, InputJacobian, WeightJacobian

__all__ = [
    "DENSE_LIMIT",
    "BiasJacobian",
    "Composed",
    "Diagonal",
    "Explicit",
    "InputJacobian",
    "Jacobian",
    "SoftmaxJacobian",
    "Sum",
    "WeightJacobian",
    "explicit",
]
