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

from chainrule import losses, optimizers
from chainrule.losses import Loss
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.parameters import Array
from chainrule.peers.base import Peer
from chainrule.peers.parts import decay_of, rate_of, unknown_part
from chainrule.torch_bridge import ACTIVATION_MODULES, to_torch

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
        self._penalised: list[nn.Parameter] = []
        self._rate, self._is_l1 = 0.0, False
        setting = self.network.penalty
        if setting is not None:
            self._rate, self._is_l1 = setting.rate, setting.type == "L1"
        layout = self.network.parameters.layout
        for segment, parameter in zip(layout, self.model.parameters(), strict=True):
            decay = decay_of(segment, self.network)
            if decay:
                self._penalised.append(parameter)
            key = rate_of(segment, self.optimizer), 0.0 if self._is_l1 else decay
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
        if not self._penalised:
            loss.backward()
        elif self._is_l1:
            loss = loss + self._rate * sum(w.abs().sum() for w in self._penalised)
            loss.backward()
        else:
            loss.backward()
            with torch.no_grad():  # the optimiser differentiates it
                squares = sum(w.square().sum() for w in self._penalised)
                loss = loss + 0.5 * self._rate * squares
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
