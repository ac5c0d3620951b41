"""Jacobians of the layers on images, each case a row of numbers before and behind.

A row stands for (channels, height, width), or (filters, down, across) behind a layer. Explicit
matrices are built as `chainrule.jacobians` says; ``vjp`` and ``jvp`` go through the windows.
"""

from chainrule.image_jacobians.convolution import (
    ConvolutionBiases,
    ConvolutionInput,
    ConvolutionWeights,
)
from chainrule.image_jacobians.local import LocalBiases, LocalInput, LocalWeights
from chainrule.image_jacobians.pooling import AveragePooling, MaxPooling

__all__ = [
    "AveragePooling",
    "ConvolutionBiases",
    "ConvolutionInput",
    "ConvolutionWeights",
    "LocalBiases",
    "LocalInput",
    "LocalWeights",
    "MaxPooling",
]
