"""The network as a PyTorch program, and its loss differentiated by `torch.autograd`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.peers.base import Peer
from chainrule.training.engines.other_libraries import Library, decay_of, rate_of
from chainrule.training.engines.torch.engine import torch_threads
from chainrule.training.engines.torch.functions import as_tensor, loss_of, penalty_terms
from chainrule.training.engines.torch.modules import TORCH, Modules, is_transposed
from chainrule.training.engines.torch.optimizers import RULES
from chainrule.training.optimizers import AdamW

LIBRARY = TORCH._replace(rules=RULES)


class TorchPeer(Peer):
    """A training program in the style of PyTorch's tutorials. See `Peer` for the arguments.

    An L2 penalty is ``weight_decay``; its value is added to the loss that is reported. An L1
    penalty is part of the loss that is differentiated, and so is L2 where the gradient is clipped
    or ``weight_decay`` is that of AdamW. Arrays of different learning rates are in different
    parameter groups.
    """

    name: ClassVar[str] = "torch"
    library: ClassVar[Library] = LIBRARY

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._require_minibatches_for_batch_norm()
        self._modules = Modules(self.network, "plain")
        self.model = self._modules.up_to_logits()
        self._loss = loss_of(self.network, "plain")
        self.update = self._optimizer()
        self._x = torch.tensor(self.x)

    def _require_minibatches_for_batch_norm(self) -> None:
        """Refuse what PyTorch would refuse in the middle of an epoch."""
        last = len(self.x) % self.batch_size or self.batch_size
        for layer in self.network.layers:
            if last < layer.least_cases:
                raise ConfigError(
                    f"PyTorch's batch normalisation ({layer.name}) refuses the last minibatch of "
                    "an epoch, which is a single case; with another batch_size it takes part"
                )

    def _optimizer(self) -> torch.optim.Optimizer:
        """PyTorch's rule, with a parameter group for every rate and every decay."""
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        self._penalised: dict[str, list[tuple[float, nn.Parameter]]] = {"L1": [], "L2": []}
        is_adamw = isinstance(self.optimizer, AdamW)
        self._by_decay = self.clip_gradient_norm is None and not is_adamw
        layout = self.network.parameters.layout
        for segment in layout.trained:
            parameter = self._modules.tensor(segment)
            decays = self.network.penalty_rates(segment.full_name)
            for kind, factor in decays.items():
                self._penalised[kind].append((factor, parameter))
            rate = rate_of(segment, self.optimizer)
            assert rate is not None, "an array has one rate"
            decay = decays.get("L2", 0.0) if self._by_decay else decay_of(segment, self.optimizer)
            groups.setdefault((rate, decay), []).append(parameter)
        self._rates = [rate for rate, _ in groups]
        made = [
            {"params": parameters, "weight_decay": decay}
            for (_, decay), parameters in groups.items()
        ]
        return RULES[type(self.optimizer)].make(made, self.optimizer)

    def run(self, order: Array | None, scales: Array | None = None) -> Array:
        """See `Peer.run`."""
        self._set_rates(self.optimizer.scale)
        x: Any = self._x
        t, w = self.t, self.weights
        with torch_threads(self.threads), self.network.training_mode(self.seed):
            if order is not None:
                x, t = x[torch.from_numpy(order)], t[order]
                w = None if w is None else w[order]
            starts = range(0, len(t), self.batch_size)
            chosen = [slice(start, start + self.batch_size) for start in starts]
            targets = [(t[own], None if w is None else w[own]) for own in chosen]
            batches = zip(x.split(self.batch_size), targets, strict=True)
            if scales is None:
                return np.array([self._step(x, *of) for x, of in batches])
            losses = []
            for (x, of), scale in zip(batches, scales, strict=True):
                self._set_rates(float(scale))
                losses.append(self._step(x, *of))
            return np.array(losses)

    def _set_rates(self, scale: float) -> None:
        for group, rate in zip(self.update.param_groups, self._rates, strict=True):
            group["lr"] = rate * scale

    def _step(self, x: Tensor, t: Array, weights: Array | None) -> float:
        """Train on one minibatch, and return its loss before the update."""
        self.network.context.step = self.steps
        self.update.zero_grad()
        loss: Any = self._loss(self.model(x), t, weights)
        for rate, w in self._penalised["L1"]:
            loss = loss + rate * w.abs().sum()
        with torch.set_grad_enabled(not self._by_decay):
            decay: Any = sum(0.5 * rate * w.square().sum() for rate, w in self._penalised["L2"])
        loss = loss + decay  # has no gradient here where weight_decay adds it
        loss.backward()
        self._clip()
        with _default_dtype(self._x.dtype):  # in which Nadam keeps its product of momenta
            self.update.step()
        self.steps += 1
        return float(loss.item())

    def _clip(self) -> None:
        """Clip the gradient. `torch.nn.utils.clip_grad_norm_` would add 1e-6 to its norm."""
        most = self.clip_gradient_norm
        if most is None:
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))
        if norm > most:
            for g in gradients:
                g.mul_(most / norm)

    def theta(self) -> Array:
        """See `Peer.theta`."""
        layout = self.network.parameters.layout
        return _as_theta(layout, (self._modules.tensor(segment).detach() for segment in layout))


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Within this context PyTorch makes numbers of this type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


# The derivative of the loss, for the check of gradients


def gradient(network: Network, x: Array, t: Array, weights: Array | None = None) -> Array:
    """∂L/∂θ, penalty included, the shape of θ.

    Args:
        network: one that `LIBRARY` can compute.
        x: prepared inputs.
        t: prepared targets.
        weights: prepared weights.
    """
    modules = Modules(network, "formula")
    model = modules.up_to_logits().train(network.context.training)
    value: Any = loss_of(network, "formula")(model(as_tensor(x)), t, weights)
    layout = network.parameters.layout
    for segment in layout.trained:
        for term in penalty_terms(network, segment.full_name, modules.tensor(segment)):
            value = value + term
    found = torch.autograd.grad(value, [modules.tensor(s) for s in layout.trained])
    by_name = dict(zip(layout.trained, found, strict=True))
    every = (by_name[s] if s.trained else torch.zeros_like(modules.tensor(s)) for s in layout)
    return _as_theta(layout, every)


def _as_theta(layout: Iterable[Segment], tensors: Iterable[Tensor]) -> Array:
    """Parameters in PyTorch's shapes as one vector in our layout; matrices are transposed."""
    ours = (w.t() if is_transposed(s) else w for s, w in zip(layout, tensors, strict=True))
    return np.concatenate([w.numpy().ravel() for w in ours])
