"""Problem 1a: softmax regression, θ = (W, b)."""

from common import (
    computeCost,
    computeGrad,
    computeNumGrad,
    create_mini_batch,
    predict,
)

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "predict"]
