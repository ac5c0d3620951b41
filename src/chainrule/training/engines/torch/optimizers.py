"""The update rules of `torch.optim`, on the memory of chainrule's own optimiser.

PyTorch's ``momentum_buffer``, ``exp_avg`` and ``exp_avg_sq`` are tensors on the optimiser's
state vectors, so that a checkpoint contains them and another engine can continue from them. A part
of θ with one learning rate is a parameter group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.core.errors import ConfigError
from chainrule.core.registry import name_in
from chainrule.nn.parameters import Segment
from chainrule.training import optimizers
from chainrule.training.engines.other_libraries import rate_of
from chainrule.training.engines.torch.modules import tensor_view
from chainrule.training.optimizers import Optimizer

Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Rule:
    """PyTorch's counterpart of one of our optimisers.

    Attributes:
        make: makes it from parameter groups and our optimiser, whose options it takes.
        state: PyTorch's name of each of our state vectors.
        counts: whether PyTorch counts the steps of every parameter.
    """

    make: Callable[[Groups, Any], torch.optim.Optimizer]
    state: Mapping[str, str] = field(default_factory=dict)
    counts: bool = False


def _sgd(groups: Groups, rule: optimizers.SGD) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=0.0, foreach=False)


def _momentum(groups: Groups, rule: optimizers.Momentum) -> torch.optim.Optimizer:
    """Without momentum Nesterov's rule changes nothing, and PyTorch refuses it."""
    ahead = rule.nesterov and rule.momentum > 0
    return torch.optim.SGD(groups, lr=0.0, momentum=rule.momentum, nesterov=ahead, foreach=False)


def _adam(groups: Groups, rule: optimizers.Adam) -> torch.optim.Optimizer:
    betas = (rule.beta1, rule.beta2)
    return torch.optim.Adam(groups, lr=0.0, betas=betas, eps=rule.epsilon, foreach=False)


RULES: Mapping[type[Optimizer], Rule] = {
    optimizers.SGD: Rule(_sgd),
    optimizers.Momentum: Rule(_momentum, {"velocity": "momentum_buffer"}),
    optimizers.Adam: Rule(_adam, {"m": "exp_avg", "v": "exp_avg_sq"}, counts=True),
}
"""PyTorch's rule for each optimiser that has one."""


class TorchUpdate:
    """The steps of a bound optimiser, made by PyTorch's.

    Args:
        optimizer: its rates are read; its state and step count are changed.
        parameters: the network's parameters, each with its segment of θ, and with ``grad`` set to
            a view of the gradient vector.

    Raises:
        ConfigError: the optimiser is not in the table, or an array has several rates.
    """

    def __init__(
        self, optimizer: Optimizer, parameters: Sequence[tuple[Segment, nn.Parameter]]
    ) -> None:
        if type(optimizer) not in RULES:
            name = name_in(optimizers.OPTIMIZERS, optimizer)
            raise ConfigError(
                f"the torch engine cannot run the optimizer {name}; the numpy engine can"
            )
        self.optimizer = optimizer
        self._rule = RULES[type(optimizer)]
        self._rates = optimizer.rates
        self._vectors = tuple(optimizer.state.values())
        if any(rate_of(segment, optimizer) is None for segment, _ in parameters):
            raise ConfigError("the torch engine takes one learning rate for each array")
        groups: Groups = [{"params": _within(part, parameters)} for part, _ in optimizer.rates]
        self._torch = self._rule.make(groups, optimizer)
        self._counters: list[Tensor] = []
        for segment, parameter in parameters:
            self._torch.state[parameter] = self._state_of(segment)
        self.refresh()

    def _state_of(self, segment: Segment) -> dict[str, Tensor]:
        vectors = self.optimizer.state
        state = {
            theirs: tensor_view(vectors[ours], segment)
            for ours, theirs in self._rule.state.items()
        }
        if self._rule.counts:
            state["step"] = torch.tensor(0.0, dtype=torch.float64)
            self._counters.append(state["step"])
        return state

    @property
    def is_current(self) -> bool:
        """Whether the optimiser still has the state vectors and rates it had at the start."""
        vectors = tuple(self.optimizer.state.values())
        same = len(vectors) == len(self._vectors) and all(
            now is then for now, then in zip(vectors, self._vectors, strict=True)
        )
        return same and self.optimizer.rates is self._rates

    def refresh(self) -> None:
        """Take the rates of the epoch and the count of steps from the optimiser."""
        for group, (_, rate) in zip(self._torch.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.optimizer.scale
        for counter in self._counters:
            counter.fill_(self.optimizer.steps)

    def step(self) -> None:
        """Change θ and the state once, by the gradients of the parameters."""
        self.optimizer.steps += 1
        self._torch.step()
        if isinstance(self.optimizer, optimizers.Momentum) and self.optimizer.momentum == 0:
            self._keep_gradients()

    def _keep_gradients(self) -> None:
        """Without momentum our velocity is the gradient; PyTorch keeps none."""
        for group in self._torch.param_groups:
            for parameter in group["params"]:
                self._torch.state[parameter]["momentum_buffer"].copy_(parameter.grad)


def _within(part: slice, parameters: Sequence[tuple[Segment, nn.Parameter]]) -> list[nn.Parameter]:
    """The parameters that lie wholly in one part of θ."""
    return [p for s, p in parameters if part.start <= s.start and s.stop <= part.stop]
