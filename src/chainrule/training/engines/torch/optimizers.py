"""The update rules of `torch.optim`, on the memory of chainrule's own optimiser.

PyTorch's ``momentum_buffer``, ``exp_avg``, ``exp_avg_sq`` and so on are tensors on the optimiser's
state vectors, so that a checkpoint contains them and another engine can continue from them. A part
of θ with one learning rate is a parameter group, or two where AdamW spares the biases in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.core.errors import ConfigError
from chainrule.core.registry import name_in
from chainrule.nn.parameters import Segment
from chainrule.training import optimizers
from chainrule.training.engines.other_libraries import decay_of, rate_of
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
        scalars: what else PyTorch keeps for every parameter, by its name there: a number that
            follows from our optimiser.
    """

    make: Callable[[Groups, Any], torch.optim.Optimizer]
    state: Mapping[str, str] = field(default_factory=dict)
    counts: bool = False
    scalars: Mapping[str, Callable[[Any], float]] = field(default_factory=dict)


def _sgd(groups: Groups, rule: optimizers.SGD) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=0.0, foreach=False)


def _momentum(groups: Groups, rule: optimizers.Momentum) -> torch.optim.Optimizer:
    """Without momentum Nesterov's rule changes nothing, and PyTorch refuses it."""
    ahead = rule.nesterov and rule.momentum > 0
    return torch.optim.SGD(groups, lr=0.0, momentum=rule.momentum, nesterov=ahead, foreach=False)


def _adam(groups: Groups, rule: optimizers.Adam) -> torch.optim.Optimizer:
    betas = (rule.beta1, rule.beta2)
    return torch.optim.Adam(groups, lr=0.0, betas=betas, eps=rule.epsilon, foreach=False)


def _adamw(groups: Groups, rule: optimizers.AdamW) -> torch.optim.Optimizer:
    """The decay stands in the groups, each of which decays as a whole or not at all."""
    betas = (rule.beta1, rule.beta2)
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=rule.epsilon, foreach=False)


def _nadam(groups: Groups, rule: optimizers.Nadam) -> torch.optim.Optimizer:
    return torch.optim.NAdam(
        groups,
        lr=0.0,
        betas=(rule.beta1, rule.beta2),
        eps=rule.epsilon,
        momentum_decay=rule.momentum_decay,
        foreach=False,
    )


def _product(rule: optimizers.Nadam) -> float:
    return rule.product(rule.steps)


def _adagrad(groups: Groups, rule: optimizers.AdaGrad) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(
        groups,
        lr=0.0,
        eps=rule.epsilon,
        initial_accumulator_value=rule.initial,
        foreach=False,
    )


def _rmsprop(groups: Groups, rule: optimizers.RMSProp) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        groups,
        lr=0.0,
        alpha=rule.alpha,
        eps=rule.epsilon,
        momentum=rule.momentum,
        centered=rule.centered,
        foreach=False,
    )


_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
_OF_RMSPROP = {"square": "square_avg", "mean": "grad_avg", "velocity": "momentum_buffer"}

RULES: Mapping[type[Optimizer], Rule] = {
    optimizers.SGD: Rule(_sgd),
    optimizers.Momentum: Rule(_momentum, {"velocity": "momentum_buffer"}),
    optimizers.AdaGrad: Rule(_adagrad, {"square": "sum"}, counts=True),
    optimizers.RMSProp: Rule(_rmsprop, _OF_RMSPROP, counts=True),
    optimizers.Adam: Rule(_adam, _MOMENTS, counts=True),
    optimizers.AdamW: Rule(_adamw, _MOMENTS, counts=True),
    optimizers.Nadam: Rule(_nadam, _MOMENTS, counts=True, scalars={"mu_product": _product}),
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
        groups = list(_groups(optimizer, parameters))
        self._rates_of_groups = [rate for rate, _ in groups]
        self._torch = self._rule.make([group for _, group in groups], optimizer)
        self._counters: list[Tensor] = []
        self._scalars: list[tuple[Tensor, Callable[[Any], float]]] = []
        for segment, parameter in parameters:
            self._torch.state[parameter] = self._state_of(segment)
        self.refresh()

    def _state_of(self, segment: Segment) -> dict[str, Tensor]:
        vectors = self.optimizer.state
        state = {
            theirs: tensor_view(vectors[ours], segment)
            for ours, theirs in self._rule.state.items()
            if ours in vectors
        }
        if self._rule.counts:
            state["step"] = torch.tensor(0.0, dtype=torch.float64)
            self._counters.append(state["step"])
        for name, number in self._rule.scalars.items():
            state[name] = torch.tensor(1.0, dtype=torch.float64)
            self._scalars.append((state[name], number))
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
        for group, rate in zip(self._torch.param_groups, self._rates_of_groups, strict=True):
            group["lr"] = rate * self.optimizer.scale
        for counter in self._counters:
            counter.fill_(self.optimizer.steps)
        for scalar, number in self._scalars:
            scalar.fill_(number(self.optimizer))

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


def _groups(
    optimizer: Optimizer, parameters: Sequence[tuple[Segment, nn.Parameter]]
) -> Iterator[tuple[float, dict[str, Any]]]:
    """The parameters that lie wholly in one part of θ and decay alike, with their rate."""
    for part, rate in optimizer.rates:
        by_decay: dict[float, list[nn.Parameter]] = {}
        for segment, parameter in parameters:
            if part.start <= segment.start and segment.stop <= part.stop:
                by_decay.setdefault(decay_of(segment, optimizer), []).append(parameter)
        for decay, own in by_decay.items():
            yield rate, {"params": own, "weight_decay": decay}
