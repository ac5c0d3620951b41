"""PyTorch's counterparts of activations, losses and penalties: one table each.

An entry has up to three forms of the same function (`Forms`). `to_torch` and the comparison use
the plain form, the engine the precise one, and the check of gradients the formula. A precise form
is needed where PyTorch computes the derivative from the result. For the sigmoid this is a (1 − a),
which keeps no digits where a is close to 1; the precise form computes it from z, as
`chainrule.nn.activations` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import log, sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chainrule.core.arrays import Array
from chainrule.core.sequences import are_sequences, has_target, target_rows, weights_of_targets
from chainrule.nn import activations, losses
from chainrule.nn.activations import Activation
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.training.engines.other_libraries import (
    Forms,
    log_cosh,
    sigmoid,
    softmax,
    softplus,
    softsign,
    tanh,
)

Function = Callable[[Tensor], Tensor]

SOFTPLUS_THRESHOLD = 40.0
"""From here on ln(1 + eᶻ) is z in float64. PyTorch's own 20 would lose digits after the 10th."""


# Activations


class _Elementwise(torch.autograd.Function):
    """A function with a derivative of its own, elementwise."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, value: Function, derivative: Function) -> Tensor:
        """φ(z), of the shape of z; z is saved for the backward pass."""
        ctx.save_for_backward(z)
        ctx.derivative = derivative
        return value(z)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        """The gradient with respect to z, g ⊙ φ'(z)."""
        (z,) = ctx.saved_tensors
        return g * ctx.derivative(z), None, None


class _Softmax(torch.autograd.Function):
    """Softmax whose vjp keeps its digits where one output nears 1.

    The rows of its Jacobian sum to 0, so g may be shifted: it is 0 where s is largest.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        """The softmax along the last axis, which is saved for the backward pass."""
        s = torch.softmax(z, dim=-1)
        ctx.save_for_backward(s)
        return s

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """The product g (diag(s) − s sᵀ) of each row, with g shifted."""
        (s,) = ctx.saved_tensors
        g = g - g.gather(-1, s.argmax(dim=-1, keepdim=True))
        result: Tensor = s * (g - (g * s).sum(dim=-1, keepdim=True))
        return result


class FunctionModule(nn.Module):
    """A function φ as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        """φ(z), of the shape of z."""
        return self.function(z)


def _elementwise(value: Function, derivative: Function) -> FunctionModule:
    """φ as a module, with its derivative φ'(z) as it is written."""
    return FunctionModule(lambda z: _Elementwise.apply(z, value, derivative))


def _gelu(z: Tensor) -> Tensor:
    """½ z erfc(−z / √2); PyTorch's own 1 + erf cancels for negative z."""
    return z * (0.5 * torch.erfc(z / -sqrt(2)))


ACTIVATIONS: Mapping[type[Activation], Forms] = {
    activations.Linear: Forms(lambda phi: nn.Identity()),
    activations.Sigmoid: Forms(
        lambda phi: nn.Sigmoid(),
        lambda phi: _elementwise(torch.sigmoid, lambda z: torch.sigmoid(z) * torch.sigmoid(-z)),
        lambda phi: FunctionModule(partial(sigmoid, torch)),
    ),
    activations.Tanh: Forms(
        lambda phi: nn.Tanh(),
        lambda phi: _elementwise(torch.tanh, lambda z: torch.cosh(z).square().reciprocal()),
        lambda phi: FunctionModule(partial(tanh, torch)),
    ),
    activations.ReLU: Forms(lambda phi: nn.ReLU()),
    activations.LeakyReLU: Forms(lambda phi: nn.LeakyReLU(phi.slope)),
    activations.ELU: Forms(lambda phi: nn.ELU(phi.alpha)),
    activations.SELU: Forms(lambda phi: nn.SELU()),
    activations.GELU: Forms(lambda phi: nn.GELU(), lambda phi: FunctionModule(_gelu)),
    activations.SiLU: Forms(
        lambda phi: nn.SiLU(), formula=lambda phi: FunctionModule(lambda z: z * sigmoid(torch, z))
    ),
    activations.Mish: Forms(
        lambda phi: nn.Mish(),
        formula=lambda phi: FunctionModule(lambda z: z * tanh(torch, softplus(torch, z))),
    ),
    activations.Softplus: Forms(
        lambda phi: nn.Softplus(threshold=SOFTPLUS_THRESHOLD),
        formula=lambda phi: FunctionModule(partial(softplus, torch)),
    ),
    activations.Softsign: Forms(
        lambda phi: nn.Softsign(),
        lambda phi: _elementwise(F.softsign, lambda z: (z.abs() + 1).reciprocal().square()),
        lambda phi: FunctionModule(partial(softsign, torch)),
    ),
}
"""The activations, as modules."""

SOFTMAX = Forms(
    lambda phi: nn.Softmax(dim=-1),
    lambda phi: FunctionModule(_Softmax.apply),
    lambda phi: FunctionModule(partial(softmax, torch, torch.logsumexp)),
)
"""Softmax along the last axis, as a module."""


# Losses, as functions of outputs (or logits) and targets


def _reduced(values: Tensor, reduction: str) -> Tensor:
    """The mean of all values, or the values, by the word that PyTorch has for it."""
    return values.mean() if reduction == "mean" else values


def softmax_cross_entropy(z: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """The mean of ln(1 + Σ_{j≠m} e^(z_j − z_m)) + z_m − z_t, with z_m the largest logit.

    The entry of the largest logit is set to 0, not computed as z_m − z_m: then neither value
    nor gradient cancels, and δ of the true class is −Σ of the other probabilities.
    `torch.nn.functional.cross_entropy` has p_t − 1 there.

    Args:
        z: logits, (cases, classes).
        t: class numbers (cases,), or distributions (cases, classes).
        reduction: ``mean``, or ``none`` for the loss of each case.
    """
    top = z.argmax(dim=1, keepdim=True)
    below = z - z.gather(1, top)
    log_sum = below.exp().scatter(1, top, 0.0).sum(dim=1).log1p()
    below = below.scatter(1, top, 0.0)
    if t.ndim == 1:
        by_case = log_sum - below.gather(1, t[:, None])[:, 0]
    else:
        weighted = t * below.masked_fill(t == 0, 0.0)
        by_case = log_sum * t.sum(dim=1) - weighted.sum(dim=1)
    return by_case.sum() / len(z) if reduction == "mean" else by_case


def sigmoid_cross_entropy(z: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """The mean of (1 − t) softplus(z) + t softplus(−z), whose two terms never cancel.

    Args:
        z: logits, (cases, outputs).
        t: from 0 to 1, of the same shape.
        reduction: ``mean``, or ``none`` for the loss of each output.
    """
    wrong = F.softplus(z, threshold=SOFTPLUS_THRESHOLD)
    right = F.softplus(-z, threshold=SOFTPLUS_THRESHOLD)
    return _reduced((1 - t) * wrong + t * right, reduction)


def _softmax_loss(loss: losses.CrossEntropy) -> Callable[..., Tensor]:
    """`softmax_cross_entropy` of targets that are smoothed where ``loss`` says so."""
    if not loss.label_smoothing:
        return softmax_cross_entropy

    def smoothed(z: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
        known = F.one_hot(t, z.shape[1]).to(z.dtype) if t.ndim == 1 else t
        uniform = torch.full_like(z, 1 / z.shape[1])
        return softmax_cross_entropy(
            z, torch.lerp(known, uniform, loss.label_smoothing), reduction
        )

    return smoothed


def _sigmoid_loss(form: Callable[..., Tensor], loss: losses.BinaryCrossEntropy) -> Any:
    """``form`` of targets that are smoothed where ``loss`` says so: PyTorch's own cannot do it."""
    if not loss.label_smoothing:
        return form
    half = torch.tensor(0.5)

    def smoothed(z: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
        return form(z, torch.lerp(t, half.to(t.dtype), loss.label_smoothing), reduction=reduction)

    return smoothed


def plain_hinge(y: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """PyTorch's own, which divides by the number of classes as well as by that of the cases."""
    return F.multi_margin_loss(y, t, reduction=reduction) * y.shape[1]


def hinge(y: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """(1/N) Σ_n Σ_{j≠t} max(0, 1 + y_j − y_t)."""
    margins = F.relu(1 + y - y.gather(1, t[:, None]))
    margins = margins.scatter(1, t[:, None], 0.0)
    return margins.sum() / len(y) if reduction == "mean" else margins.sum(dim=1)


def plain_log_cosh(y: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """PyTorch has no such loss: |d| + ln(1 + e^(−2|d|)) − ln 2, as it is usually written."""
    d = (y - t).abs()
    return _reduced(d + F.softplus(-2 * d) - log(2), reduction)


def precise_log_cosh(y: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """The mean of ln cosh(y − t), with tanh for its derivative."""
    return _reduced(_Elementwise.apply(y - t, partial(log_cosh, torch), torch.tanh), reduction)


def formula_of_log_cosh(y: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    """The mean of ln cosh(y − t), with the derivative of its formula."""
    return _reduced(log_cosh(torch, y - t), reduction)


LOSSES: Mapping[type[Loss], Forms] = {
    losses.CrossEntropy: Forms(
        lambda loss: nn.CrossEntropyLoss(label_smoothing=loss.label_smoothing), _softmax_loss
    ),
    losses.BinaryCrossEntropy: Forms(
        lambda loss: (
            _sigmoid_loss(F.binary_cross_entropy_with_logits, loss)
            if loss.label_smoothing
            else nn.BCEWithLogitsLoss()
        ),
        partial(_sigmoid_loss, sigmoid_cross_entropy),
    ),
    losses.MeanSquaredError: Forms(lambda loss: nn.MSELoss()),
    losses.MeanAbsoluteError: Forms(lambda loss: nn.L1Loss()),
    losses.Huber: Forms(lambda loss: nn.HuberLoss(delta=loss.delta)),
    losses.LogCosh: Forms(
        lambda loss: plain_log_cosh,
        lambda loss: precise_log_cosh,
        lambda loss: formula_of_log_cosh,
    ),
    losses.Hinge: Forms(lambda loss: plain_hinge, lambda loss: hinge),
}
"""The losses, each the mean; with the ``reduction`` of ``none``, as PyTorch has it, the value of
each case or of each output. Both cross-entropies take logits: no network has them in any other
way."""

PENALTIES: Mapping[str, Function] = {
    "L2": lambda w: 0.5 * w.square().sum(),
    "L1": lambda w: w.abs().sum(),
}
"""The sum of Ω(w) over an array; PyTorch's derivative of |w| at 0 is 0, as ours."""


def loss_of(network: Network, form: str) -> Callable[[Tensor, Array, Array | None], Tensor]:
    """The network's loss without its penalty, of logits where `Network` computes it from them.

    Of sequences it is the mean over the cases of the sum over the steps that have a target.

    Args:
        network: whose loss is one of the table.
        form: one of `Forms`.

    Returns:
        A function of rows (cases, outputs), of prepared targets, and of prepared weights or None.
    """
    ours = loss_of_a_step(network.loss_function)
    of_rows: Any = LOSSES[type(ours)].made(form, ours)
    of_each_row = _unreduced(LOSSES[type(ours)].made(form, ours))

    def of_cases(y: Tensor, t: Array, weights: Array | None) -> Tensor:
        rows, targets = y, as_tensor(t)
        if are_sequences(t):
            rows = y.reshape((*t.shape[:2], -1))[torch.from_numpy(has_target(t))]
            targets = as_tensor(target_rows(t))
        if not len(rows):
            return rows.sum()  # 0, with a gradient of 0
        if weights is not None:
            by_row = of_each_row(rows, targets).reshape(len(rows), -1).mean(dim=1)
            return (as_tensor(weights_of_targets(weights, t)) * by_row).sum() / len(t)
        mean: Tensor = of_rows(rows, targets)
        return mean * (len(rows) / len(t)) if are_sequences(t) else mean

    return of_cases


def _unreduced(loss: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss of the table that gives the value of each case or of each output."""
    if isinstance(loss, nn.Module):
        loss.reduction = "none"
        return loss
    return partial(loss, reduction="none")


def penalty_terms(network: Network, name: str, w: Tensor) -> Iterator[Tensor]:
    """The penalties on one array: rate · Σ Ω(w) for each type.

    Args:
        network: whose penalties are of the table.
        name: of the parameter, such as ``dense_1.W``.
        w: the parameter.
    """
    for kind, rate in network.penalty_rates(name).items():
        yield rate * PENALTIES[kind](w)


def as_tensor(array: Array) -> Tensor:
    """A tensor on the array's memory; on a copy where that may not be written to."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
