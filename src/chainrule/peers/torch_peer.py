"""The network as a PyTorch program: `nn.Sequential`, `torch.optim`, one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import log
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chainrule.core.arrays import Array
from chainrule.nn import losses
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.peers.base import Peer
from chainrule.peers.parts import rate_of, unknown_part
from chainrule.training import optimizers
from chainrule.training.engines.torch.modules import ACTIVATION_MODULES, to_torch
from chainrule.training.optimizers import Optimizer

Criterion = Callable[[Tensor, Tensor], Tensor]
Groups = list[dict[str, Any]]


def _hinge(y: Tensor, t: Tensor) -> Tensor:
    """PyTorch divides by the number of classes as well as by that of the cases."""
    return F.multi_margin_loss(y, t) * y.shape[1]


def _log_cosh(y: Tensor, t: Tensor) -> Tensor:
    """PyTorch has no such loss: |d| + ln(1 + e^(−2|d|)) − ln 2, as it is usually written."""
    d = (y - t).abs()
    return (d + F.softplus(-2 * d) - log(2)).mean()


CRITERIA: Mapping[type[Loss], Callable[[Any], Criterion]] = {
    losses.CrossEntropy: lambda loss: nn.CrossEntropyLoss(),
    losses.BinaryCrossEntropy: lambda loss: nn.BCEWithLogitsLoss(),
    losses.MeanSquaredError: lambda loss: nn.MSELoss(),
    losses.MeanAbsoluteError: lambda loss: nn.L1Loss(),
    losses.Huber: lambda loss: nn.HuberLoss(delta=loss.delta),
    losses.LogCosh: lambda loss: _log_cosh,
    losses.Hinge: lambda loss: _hinge,
}
"""The losses; those of the first two lines take logits."""


def _momentum(groups: Groups, rule: optimizers.Momentum) -> torch.optim.Optimizer:
    """PyTorch refuses to look ahead without momentum, where there is nothing to see."""
    ahead = rule.nesterov and rule.momentum > 0
    return torch.optim.SGD(groups, momentum=rule.momentum, nesterov=ahead)


def _adam(groups: Groups, rule: optimizers.Adam) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, betas=(rule.beta1, rule.beta2), eps=rule.epsilon)


RULES: Mapping[type[Optimizer], Callable[[Groups, Any], torch.optim.Optimizer]] = {
    optimizers.SGD: lambda groups, rule: torch.optim.SGD(groups),
    optimizers.Momentum: _momentum,
    optimizers.Adam: _adam,
}


class TorchPeer(Peer):
    """PyTorch as its tutorials write it, without compilation. See `Peer` for the arguments.

    An L2 penalty is ``weight_decay``; its value is added to the loss that is told. An L1 penalty
    is part of the loss that is differentiated. Learning rates that differ are parameter groups.
    """

    name: ClassVar[str] = "torch"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.model = to_torch(self.network, logits=True)
        self.criterion = CRITERIA[type(self.network.loss_function)](self.network.loss_function)
        self.steps = self._optimizer()
        self._x, self._t = torch.tensor(self.x), torch.tensor(self.t)

    @classmethod
    def obstacle(cls, network: Network, optimizer: Optimizer) -> str | None:
        """See `Peer.obstacle`."""
        return unknown_part(
            network, optimizer, activations=ACTIVATION_MODULES, losses=CRITERIA, rules=RULES
        )

    def _optimizer(self) -> torch.optim.Optimizer:
        """PyTorch's rule, with a parameter group for every rate and every decay."""
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        self._penalised: dict[str, list[tuple[float, nn.Parameter]]] = {"L1": [], "L2": []}
        layout = self.network.parameters.layout
        for segment, parameter in zip(layout, self.model.parameters(), strict=True):
            decays = self.network.penalty_rates(segment.full_name)
            for kind, decay in decays.items():
                self._penalised[kind].append((decay, parameter))
            key = rate_of(segment, self.optimizer), decays.get("L2", 0.0)
            groups.setdefault(key, []).append(parameter)
        self._rates = [rate for rate, _ in groups]
        made = [
            {"params": parameters, "lr": rate, "weight_decay": decay}
            for (rate, decay), parameters in groups.items()
        ]
        return RULES[type(self.optimizer)](made, self.optimizer)

    def run(self, order: Array | None) -> Array:
        """See `Peer.run`."""
        for group, rate in zip(self.steps.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.optimizer.scale
        x: Any = self._x
        t: Any = self._t
        with _threads(self.threads):
            if order is not None:
                chosen = torch.from_numpy(order)
                x, t = x[chosen], t[chosen]
            batches = zip(x.split(self.batch_size), t.split(self.batch_size), strict=True)
            return np.array([self._step(*batch) for batch in batches])

    def _step(self, x: Tensor, t: Tensor) -> float:
        """One minibatch: its loss as it ran."""
        self.steps.zero_grad()
        loss: Any = self.criterion(self.model(x), t)
        for rate, w in self._penalised["L1"]:
            loss = loss + rate * w.abs().sum()
        loss.backward()
        with torch.no_grad():  # the optimiser differentiates it
            for rate, w in self._penalised["L2"]:
                loss = loss + 0.5 * rate * w.square().sum()
        self.steps.step()
        return float(loss.item())

    def theta(self) -> Array:
        """See `Peer.theta`."""
        with torch.no_grad():
            return np.concatenate([p.t().numpy().ravel() for p in self.model.parameters()])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """While this lasts, PyTorch uses so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
