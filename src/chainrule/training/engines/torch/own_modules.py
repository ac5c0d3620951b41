"""Modules for layers that PyTorch does not have in our form, with PyTorch's names of parameters.

Only what needs PyTorch imports this module; ``pip install 'chainrule[torch]'``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chainrule.nn import layer_types
from chainrule.nn.layer_types import Layer
from chainrule.nn.sequences.unrolled import Unrolled
from chainrule.training.engines.other_libraries import Step, recurrence

_PARAMETER_NAMES = {
    "W": "weight",
    "E": "weight",
    "b": "bias",
    "U": "recurrent_weight",
    "b_hn": "candidate_bias",
    "h0": "start",
    "c0": "start_cell",
    "gamma": "weight",
    "beta": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}


def torch_name(name: str) -> str:
    """A parameter's name in PyTorch's modules, such as ``weight`` for ``W``."""
    return _PARAMETER_NAMES.get(name, name)


class LinearOfSteps(nn.Linear):
    """``nn.Linear`` at each step of a sequence; a step that is padding, all NaN, stays padding.

    Without the masks NaN would reach the gradient of the weights as 0 · NaN.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(cases, steps, outputs) for (cases, steps, features)."""
        padded = x.isnan().all(-1, keepdim=True)
        return torch.where(padded, torch.nan, super().forward(torch.where(padded, 0.0, x)))


class EmbeddingOfNumbers(nn.Embedding):
    """``nn.Embedding`` of class numbers that are given as floating-point numbers, in rows.

    Their vectors stand one behind the other. −1 becomes zeros, and padding, NaN, stays padding.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(cases, k · size) for (cases, k), and (cases, steps, k · size) for sequences."""
        is_known = x >= 0
        vectors = super().forward(torch.where(is_known, x, 0.0).long())
        rows = torch.where(is_known[..., None], vectors, 0.0).flatten(-2)
        return torch.where(x.isnan().all(-1, keepdim=True), torch.nan, rows)


class LocallyConnected2d(nn.Module):
    """Filters as of a convolution, but each place has its own; images must be padded already.

    Args:
        layer: ours. ``weight`` is (down, across, filters, channels, height, width), ``bias``
            (down, across, filters).
    """

    def __init__(self, layer: layer_types.LocallyConnected2D) -> None:
        super().__init__()
        self.size, self.stride, self.places = layer.filter_size, layer.stride, layer.output_shape
        declare(self, layer)

    def forward(self, x: Tensor) -> Tensor:
        """(cases, filters, down, across) for (cases, channels, height, width)."""
        under = F.unfold(x, self.size, stride=self.stride)
        under = under.reshape(x.shape[0], -1, *self.places[1:])
        z = torch.einsum("nkij,ijfk->nfij", under, self.weight.flatten(3))
        return z if self.bias is None else z + self.bias.permute(2, 0, 1)


class UnrolledOfSteps(nn.Module):
    """A layer with a state, step by step, with padding and truncation as ours.

    Args:
        layer: ours.
        step: makes its step from ``functions``.
        functions: φ, or for a layer with gates the sigmoid and tanh.
    """

    def __init__(self, layer: Unrolled, step: Callable[..., Step], *functions: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.functions = nn.ModuleList(functions)
        self.step = step(*functions)
        declare(self, layer)
        starts = np.split(layer.start.astype(layer.W.dtype), len(layer.state_names))
        for name, start in zip(layer.state_names, starts, strict=True):
            if not layer.learns_start:
                self.register_buffer(torch_name(f"{name}0"), torch.from_numpy(start))

    def forward(self, x: Tensor) -> Tensor:
        """(cases, steps, size), or (cases, size), for (cases, steps, features)."""
        own = {name: getattr(self, torch_name(name), None) for name in ("b", "b_hn", "h0", "c0")}
        own |= {"W": self.weight.t(), "U": self.recurrent_weight.t()}
        return recurrence(torch, torch.detach, self.layer, x, own, self.step)


class GatedOfSteps(UnrolledOfSteps):
    """A layer with gates: PyTorch's own `torch.lstm` or `torch.gru`, unless it is truncated.

    Only the biases that have an effect are parameters; those that PyTorch adds to them are 0.

    Args:
        layer: ours.
        step: its step, for a truncated layer.
        fused: `torch.lstm` or `torch.gru`, which take all steps at once.
        functions: the sigmoid and tanh.
    """

    def __init__(
        self,
        layer: Unrolled,
        step: Callable[..., Step],
        fused: Callable[..., tuple[Tensor, ...]],
        *functions: nn.Module,
    ) -> None:
        super().__init__(layer, step, *functions)
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        """(cases, steps, size), or (cases, size), for (cases, steps, features)."""
        layer = self.layer
        if layer.truncate is not None and layer.truncate < layer.steps:
            return super().forward(x)
        padded = x.isnan().all(2)
        names = [torch_name(f"{name}0") for name in layer.state_names]
        starts = [getattr(self, name).expand(1, len(x), -1).contiguous() for name in names]
        fed = torch.where(padded[:, :, None], 0.0, x)
        state = starts if len(starts) > 1 else starts[0]
        weights = [self.weight, self.recurrent_weight, *self._biases()]
        h = self.fused(fed, state, weights, layer.bias, 1, 0.0, self.training, False, True)[0]
        if layer.only_last:
            return h[torch.arange(len(x)), (~padded).sum(1) - 1]
        return torch.where(padded[:, :, None], torch.nan, h)

    def _biases(self) -> list[Tensor]:
        """Those beside x W and beside h U."""
        if self.bias is None:
            return []
        beside_U = torch.zeros_like(self.bias)
        candidate = getattr(self, torch_name("b_hn"), None)
        if candidate is not None:
            beside_U = torch.cat([beside_U[: -len(candidate)], candidate])
        return [self.bias, beside_U]


class DropoutOfMasks(nn.Dropout):
    """``nn.Dropout``, which multiplies by given masks where there is a source of them.

    Attributes:
        draw: gives the mask for a number of cases, or None in evaluation; None for PyTorch's own
            random numbers.
    """

    draw: Callable[[int], Any] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of x."""
        if self.draw is None:
            return super().forward(x)
        mask = self.draw(len(x))
        return x if mask is None else x * torch.from_numpy(mask).reshape(x.shape)


class LayerNormOfSteps(nn.LayerNorm):
    """``nn.LayerNorm`` at each step of a sequence; a step that is padding, all NaN, stays it."""

    def forward(self, x: Tensor) -> Tensor:
        """(cases, steps, features)."""
        padded = x.isnan().all(-1, keepdim=True)
        return torch.where(padded, torch.nan, super().forward(torch.where(padded, 0.0, x)))


class BatchNormOfAny(nn.BatchNorm1d):
    """``nn.BatchNorm1d``, but of a single number of a channel, and of images and sequences too.

    PyTorch's own refuses a single number in training, counts padding, and wants the steps of a
    sequence last. The running statistics follow PyTorch's rule.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of x: (cases, features), (cases, channels, …) or (cases, steps, features).

        Steps that are padding stay padding, and count nowhere.
        """
        if x.ndim != 3:
            return self._normalized(x)
        padded = x.isnan().all(-1, keepdim=True)
        if not self.training:  # no step counts for another, so that none is left out
            z = self._normalized(torch.where(padded, 0.0, x).flatten(0, 1)).reshape(x.shape)
            return torch.where(padded, torch.nan, z)
        real = ~padded[:, :, 0]
        z = torch.full_like(x, torch.nan)
        z[real] = self._normalized(x[real])
        return z

    def _normalized(self, x: Tensor) -> Tensor:
        """Of (cases, channels, …)."""
        mean, variance = self.running_mean, self.running_var
        assert mean is not None
        assert variance is not None
        options: dict[str, Any] = {"weight": self.weight, "bias": self.bias, "eps": self.eps}
        if not self.training:
            return F.batch_norm(x, mean, variance, **options)
        if x.numel() > len(mean):
            options |= {"training": True, "momentum": self.momentum}
            return F.batch_norm(x, mean, variance, **options)
        mean += self.momentum * (x.detach().flatten() - mean)
        shape = (-1, *(1,) * (x.ndim - 2))
        return 0 * self.weight.reshape(shape) * x + self.bias.reshape(shape)


class Sum(nn.Module):
    """The sum of the outputs of several layers."""

    def forward(self, *sources: Tensor) -> Tensor:
        """Of the shape of each source."""
        return sum(sources[1:], start=sources[0])


class Concatenated(nn.Module):
    """The outputs of several layers, concatenated.

    Args:
        axis: the axis along which, where axis 0 is that of the cases.
    """

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *sources: Tensor) -> Tensor:
        """The sources' tensors as one."""
        return torch.cat(sources, self.axis)


class CaseShape(nn.Module):
    """Rows in the shape of images or sequences; input that has this shape already stays as it is.

    Args:
        shape: the shape of one case.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """The cases, each in its shape."""
        return x.reshape(x.shape[0], *self.shape)


def declare(module: nn.Module, layer: Layer) -> None:
    """Register parameters without values by PyTorch's names; ``bias`` is None without biases."""
    for name, shape in layer.shapes().items():
        parameter = nn.Parameter(torch.empty(shape, device="meta"))
        module.register_parameter(torch_name(name), parameter)
    if "b" not in layer.shapes():
        module.register_parameter("bias", None)
