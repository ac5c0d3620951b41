"""Problem 2b: two hidden layers, θ = (W, b, W2, b2, W3, b3)."""

from common import (
    computeCost,
    computeGrad,
    computeNumGrad,
    create_mini_batch,
    predict,
)

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "predict"]
