"""Problem 1c: one hidden layer, θ = (W, b, W2, b2)."""

from common import (
    computeCost,
    computeGrad,
    computeNumGrad,
    create_mini_batch,
    predict,
)

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "predict"]
