"""The torch engine's functions of z: activations to full precision, and the losses.

PyTorch's own modules are used wherever their derivative keeps its digits. It computes some of
them from the result, as a (1 − a) for the sigmoid, which keeps none where a has come close to
1; those few, `PRECISE`, have their derivative from z here, as `chainrule.nn.activations` has it.
The losses are formulas that `torch.autograd` differentiates without cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log, sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chainrule.core.errors import ConfigError
from chainrule.core.registry import name_in
from chainrule.nn import losses
from chainrule.nn.losses import FromLogits, Loss
from chainrule.nn.network import Network
from chainrule.training.engines.torch.modules import SOFTPLUS_THRESHOLD

Function = Callable[[Tensor], Tensor]
LossFunction = Callable[[Tensor, Tensor], Tensor]


class _Elementwise(torch.autograd.Function):
    """A function with a derivative of its own, elementwise."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, value: Function, derivative: Function) -> Tensor:
        """φ(z), of the shape of z; z is kept."""
        ctx.save_for_backward(z)
        ctx.derivative = derivative
        return value(z)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        """The product g ⊙ φ'(z)."""
        (z,) = ctx.saved_tensors
        return g * ctx.derivative(z), None, None


class Elementwise(nn.Module):
    """φ(z) whose derivative is computed as written here.

    Args:
        value: φ.
        derivative: φ', of z.
    """

    def __init__(self, value: Function, derivative: Function) -> None:
        super().__init__()
        self.value = value
        self.derivative = derivative

    def forward(self, z: Tensor) -> Tensor:
        """φ(z), of the shape of z."""
        result: Tensor = _Elementwise.apply(z, self.value, self.derivative)
        return result


class GELU(nn.Module):
    """φ(z) = ½ z erfc(−z / √2); PyTorch's 1 + erf cancels for negative z."""

    def forward(self, z: Tensor) -> Tensor:
        """φ(z), of the shape of z."""
        return z * (0.5 * torch.erfc(z / -sqrt(2)))


class _Softmax(torch.autograd.Function):
    """Softmax of rows whose vjp keeps its digits where one output nears 1.

    The rows of its Jacobian sum to 0, so g may be shifted: it is 0 where s is largest.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        """The softmax of each row, (cases, classes), which is kept."""
        s = torch.softmax(z, dim=1)
        ctx.save_for_backward(s)
        return s

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """The product g (diag(s) − s sᵀ), with g shifted in each row."""
        (s,) = ctx.saved_tensors
        g = g - g.gather(1, s.argmax(dim=1, keepdim=True))
        result: Tensor = s * (g - (g * s).sum(dim=1, keepdim=True))
        return result


class Softmax(nn.Module):
    """Softmax of rows; see `_Softmax` for what differs from PyTorch's."""

    def forward(self, z: Tensor) -> Tensor:
        """The distributions, of the shape (cases, size) of z."""
        result: Tensor = _Softmax.apply(z)
        return result


PRECISE: Mapping[type[nn.Module], Callable[[], nn.Module]] = {
    nn.Sigmoid: lambda: Elementwise(torch.sigmoid, lambda z: torch.sigmoid(z) * torch.sigmoid(-z)),
    nn.Tanh: lambda: Elementwise(torch.tanh, lambda z: torch.cosh(z).square().reciprocal()),
    nn.Softsign: lambda: Elementwise(F.softsign, lambda z: (z.abs() + 1).reciprocal().square()),
    nn.GELU: GELU,
    nn.Softmax: Softmax,
}
"""What stands in for those modules of PyTorch whose derivative loses digits."""


def make_precise(modules: nn.Sequential) -> nn.Sequential:
    """Put the entries of `PRECISE` in their places; the functions stay the same."""
    for k, module in enumerate(modules):
        if type(module) in PRECISE:
            modules[k] = PRECISE[type(module)]()
    return modules


def softmax_cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    """The mean of ln(1 + Σ_{j≠m} e^(z_j − z_m)) + z_m − z_t, with z_m the largest logit.

    The entry of the largest logit is set to 0, not computed as z_m − z_m: then neither value
    nor gradient cancels, and δ of the true class is −Σ of the other probabilities.
    `torch.nn.functional.cross_entropy` has p_t − 1 there.

    Args:
        z: logits, (cases, classes).
        t: class numbers (cases,), or distributions (cases, classes).
    """
    top = z.argmax(dim=1, keepdim=True)
    below = z - z.gather(1, top)
    log_sum = below.exp().scatter(1, top, 0.0).sum(dim=1).log1p()
    below = below.scatter(1, top, 0.0)
    if t.ndim == 1:
        return (log_sum - below.gather(1, t[:, None])[:, 0]).sum() / len(z)
    weighted = t * below.masked_fill(t == 0, 0.0)
    return (log_sum * t.sum(dim=1) - weighted.sum(dim=1)).sum() / len(z)


def sigmoid_cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    """The mean of (1 − t) softplus(z) + t softplus(−z), whose two terms never cancel.

    Args:
        z: logits, (cases, outputs).
        t: from 0 to 1, of the same shape.
    """
    wrong = F.softplus(z, threshold=SOFTPLUS_THRESHOLD)
    right = F.softplus(-z, threshold=SOFTPLUS_THRESHOLD)
    return ((1 - t) * wrong + t * right).mean()


def hinge(y: Tensor, t: Tensor) -> Tensor:
    """(1/N) Σ_n Σ_{j≠t} max(0, 1 + y_j − y_t), without the division by the classes.

    `torch.nn.functional.multi_margin_loss` divides by their number.
    """
    margins = F.relu(1 + y - y.gather(1, t[:, None]))
    return margins.scatter(1, t[:, None], 0.0).sum() / len(y)


def log_cosh_of(d: Tensor) -> Tensor:
    """ln cosh d: ln(1 + 2 sinh²(d/2)) where |d| < 1, else |d| + ln(1 + e^(−2|d|)) − ln 2."""
    r = d.abs()
    near = (0.5 * d.masked_fill(r >= 1, 0.0)).sinh()
    return torch.where(r < 1, (2 * near * near).log1p(), r + (-2 * r).exp().log1p() - log(2))


def log_cosh(y: Tensor, t: Tensor) -> Tensor:
    """The mean of ln cosh(y − t), whose derivative is tanh; PyTorch has no such loss."""
    rho: Tensor = _Elementwise.apply(y - t, log_cosh_of, torch.tanh)
    return rho.mean()


FROM_LOGITS: Mapping[type[FromLogits], LossFunction] = {
    losses.SoftmaxCrossEntropy: softmax_cross_entropy,
    losses.SigmoidCrossEntropy: sigmoid_cross_entropy,
}
"""Losses of the logits; no network has these two losses in any other way."""

FROM_OUTPUTS: Mapping[type[Loss], Callable[[Any], LossFunction]] = {
    losses.MeanSquaredError: lambda loss: nn.MSELoss(),
    losses.MeanAbsoluteError: lambda loss: nn.L1Loss(),
    losses.Huber: lambda loss: nn.HuberLoss(delta=loss.delta),
    losses.LogCosh: lambda loss: log_cosh,
    losses.Hinge: lambda loss: hinge,
}
"""Losses of the outputs."""


def loss_of(network: Network) -> LossFunction:
    """The network's loss without its penalty, of the logits where `Network` computes it so.

    Raises:
        ConfigError: it is none of the table.
    """
    loss = network.loss_function
    if network.from_logits is not None and type(network.from_logits) in FROM_LOGITS:
        return FROM_LOGITS[type(network.from_logits)]
    if network.from_logits is None and type(loss) in FROM_OUTPUTS:
        return FROM_OUTPUTS[type(loss)](loss)
    name = name_in(losses.LOSSES, loss)
    raise ConfigError(f"the torch engine cannot run the loss {name}; the numpy engine can")


PENALTIES: Mapping[str, Function] = {
    "L2": lambda w: 0.5 * w.square().sum(),
    "L1": lambda w: w.abs().sum(),
}
"""Σ Ω(w) over an array; PyTorch's derivative of |w| at 0 is 0, as ours."""
