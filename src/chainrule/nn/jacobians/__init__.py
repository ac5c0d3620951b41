"""Jacobians that know their structure; what a layer's are composed of."""

from chainrule.nn.jacobians.base import (
    DENSE_LIMIT,
    Composed,
    Explicit,
    Jacobian,
    RowsOf,
    Sum,
    explicit,
)
from chainrule.nn.jacobians.elementary import (
    BiasJacobian,
    Diagonal,
    InputJacobian,
    LogSoftmaxJacobian,
    SoftmaxJacobian,
    WeightJacobian,
)

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
