"""The network's loss in PyTorch, differentiated by `torch.autograd`.

The functions are written so that what autograd makes of them cancels nowhere. PyTorch computes
some derivatives from the result instead, such as 1 − a² for tanh, which at z = 10 is wrong in the
eighth digit; a comparison with those would measure PyTorch's rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.core.arrays import Array
from chainrule.core.registry import name_in
from chainrule.nn.layer_types import (
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.losses import LOSSES, LogCosh
from chainrule.nn.network import Network
from chainrule.peers.forward import (
    JOINS,
    Layers,
    at_each_step,
    dropout,
    logits_and_outputs,
    obstacle_of_layers,
    of_a_step,
    recurrent,
    summed,
)
from chainrule.training.engines.torch.functions import (
    FROM_LOGITS,
    FROM_OUTPUTS,
    PENALTIES,
    LossFunction,
    log_cosh_of,
)
from chainrule.training.engines.torch.modules import ACTIVATION_MODULES

Function = Callable[[Tensor], Tensor]


def softplus(z: Tensor) -> Tensor:
    """ln(1 + eᶻ) without a threshold behind which it is z."""
    return torch.logaddexp(z, torch.zeros_like(z))


def sigmoid(z: Tensor) -> Tensor:
    """e^(−softplus(−z)), whose derivative is a product."""
    return torch.exp(-softplus(-z))


def tanh(z: Tensor) -> Tensor:
    """(1 − t) / (1 + t) with t = e^(−2|z|), and −m / (2 + m) with m = t − 1 where |z| < ½.

    The derivatives have terms of one sign. That of expm1 is m + 1, which far out has no digit;
    1 − t has none near 0.
    """
    r = torch.where(z < 0, -z, z)
    m = torch.expm1(-2 * torch.where(r < 0.5, r, 0.0))
    t = torch.exp(-2 * r)
    a = torch.where(r < 0.5, -m / (2 + m), (1 - t) / (1 + t))
    return torch.where(z < 0, -a, a)


def softsign(z: Tensor) -> Tensor:
    """sign(z) (1 − 1 / (1 + |z|)), whose derivative is 1 / (1 + |z|)²; near 0 the quotient."""
    r = torch.where(z < 0, -z, z)
    far = 1 - 1 / (1 + r)
    return torch.where(r < 1, z / (1 + r), torch.where(z < 0, -far, far))


FUNCTIONS: Mapping[type[nn.Module], Function] = {
    nn.Sigmoid: sigmoid,
    nn.Tanh: tanh,
    nn.Softsign: softsign,
    nn.Softplus: softplus,
    nn.GELU: lambda z: z * (0.5 * torch.special.erfc(z / -sqrt(2))),
    nn.SiLU: lambda z: z * sigmoid(z),
    nn.Mish: lambda z: z * tanh(softplus(z)),
    nn.Softmax: lambda z: softmax(z),
}
"""What stands in for PyTorch's own modules; the others keep their digits."""


def softmax(z: Tensor) -> Tensor:
    """e^(−ln Σ_k e^(z_k − z_j)), one for each j: no derivative has two terms, nothing overflows.

    The term of j itself is 1 and no difference, whose two derivatives would cancel.
    """
    d = z[:, None, :] - z[:, :, None]
    own = torch.eye(z.shape[1], dtype=torch.bool)
    return torch.exp(-torch.logsumexp(torch.where(own, 0.0, d), dim=2))


def _dense(layer: Any, x: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    z = x @ own["W"]
    if layer.bias:
        z = z + own["b"]
    return z, activate(layer.activation, z)


def _padded(layer: Any, x: Tensor, value: float = 0.0) -> Tensor:
    """Images with the layer's padding; PyTorch names the columns first."""
    top, bottom, left, right = layer.windows.padding
    images = x.reshape(len(x), *layer.input_shape)
    return nn.functional.pad(images, (left, right, top, bottom), value=value)


def _conv2d(layer: Any, x: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    padded = _padded(layer, x)
    z = nn.functional.conv2d(padded, own["W"], own.get("b"), stride=layer.stride).flatten(1)
    return z, activate(layer.activation, z)


def _locally_connected2d(
    layer: Any, x: Tensor, own: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    columns = nn.functional.unfold(_padded(layer, x), layer.filter_size, stride=layer.stride)
    under = columns.reshape(len(x), -1, *layer.output_shape[1:])
    z = torch.einsum("nkij,ijfk->nfij", under, own["W"].flatten(3))
    if layer.bias:
        z = z + own["b"].permute(2, 0, 1)
    z = z.flatten(1)
    return z, activate(layer.activation, z)


def _max_pool2d(layer: Any, x: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    padded = _padded(layer, x, -torch.inf)
    y = nn.functional.max_pool2d(padded, layer.window_size, layer.stride).flatten(1)
    return y, y


def _average_pool2d(layer: Any, x: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    y = nn.functional.avg_pool2d(_padded(layer, x), layer.window_size, layer.stride).flatten(1)
    return y, y


def activate(phi: Any, z: Tensor) -> Tensor:
    """φ(z) by the functions here, or by PyTorch's module."""
    module = ACTIVATION_MODULES[type(phi)](phi)
    value: Tensor = FUNCTIONS.get(type(module), module)(z)
    return value


LAYERS: Layers = {
    **JOINS,
    Dense: at_each_step(torch, _dense),
    Softmax: at_each_step(torch, lambda layer, x, own: (x, softmax(x))),
    Recurrent: recurrent(torch, activate),
    Conv2D: _conv2d,
    LocallyConnected2D: _locally_connected2d,
    MaxPool2D: _max_pool2d,
    AveragePool2D: _average_pool2d,
    Flatten: lambda layer, x, own: (x, x),
    Dropout: dropout(torch),
}
"""What each layer computes, in PyTorch."""


def obstacle(network: Network) -> str | None:
    """Why the program cannot be that network; None where it can."""
    found = obstacle_of_layers(network, LAYERS, ACTIVATION_MODULES)
    if found is None and _loss(network) is None:
        return f"it has no loss {name_in(LOSSES, of_a_step(network.loss_function))}"
    return found


def _loss(network: Network) -> LossFunction | None:
    loss, pair = of_a_step(network.loss_function), of_a_step(network.from_logits)
    if type(pair) in FROM_LOGITS:
        return FROM_LOGITS[type(pair)]
    if network.from_logits is not None or type(loss) not in FROM_OUTPUTS:
        return None
    if isinstance(loss, LogCosh):
        return lambda y, t: log_cosh_of(y - t).mean()
    return FROM_OUTPUTS[type(loss)](loss)


def gradient(network: Network, x: Array, t: Array) -> Array:
    """∂L/∂θ, penalty included, the shape of θ.

    Args:
        network: one that `obstacle` has nothing against.
        x: prepared inputs.
        t: prepared targets.
    """
    theta = {n: torch.from_numpy(w.copy()).requires_grad_() for n, w in network.parameters.items()}
    z, y = logits_and_outputs(
        network, torch.from_numpy(x), theta, LAYERS, partial(torch.cat, dim=1)
    )
    loss = _loss(network)
    assert loss is not None
    start = y if network.from_logits is None else z
    value: Any = summed(loss, start, t, torch.from_numpy) + _penalty(network, theta)
    found = torch.autograd.grad(value, list(theta.values()))
    return torch.cat([g.flatten() for g in found]).numpy()


def _penalty(network: Network, theta: Mapping[str, Tensor]) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for name, w in theta.items():
        for kind, rate in network.penalty_rates(name).items():
            total = total + rate * PENALTIES[kind](w)
    return total
