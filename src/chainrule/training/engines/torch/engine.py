"""The same network built from PyTorch modules, for comparison.

Forward pass, derivatives and updates are PyTorch's: `torch.nn.Linear`, `torch.autograd` and
`torch.optim`. All of them work on the memory of θ, of its gradient and of the optimiser's
state. What is not PyTorch's own, and why, stands in `functions` and `optimizers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.parameters import Segment
from chainrule.training.engines.base import Chunk, Engine, NotFiniteError
from chainrule.training.engines.threads import one_thread_is_best
from chainrule.training.engines.torch.functions import PENALTIES, loss_of, make_precise
from chainrule.training.engines.torch.modules import tensor_view, to_torch
from chainrule.training.engines.torch.optimizers import TorchUpdate
from chainrule.training.scores import count_correct


class TorchEngine(Engine):
    """Forward pass, backward pass and update by PyTorch, one minibatch after the other.

    See `Engine` for the arguments.

    Attributes:
        module: the network as PyTorch modules, up to the logits where the loss is computed
            from them; its parameters are θ itself.

    Raises:
        ConfigError: what the engine cannot run: a layer, activation, loss, penalty or
            optimiser that is of no table, or explicit Jacobians.
    """

    name: ClassVar[str] = "torch"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        network = self.network
        if network.explicit_jacobians:
            raise ConfigError(
                "the torch engine differentiates by itself and multiplies no explicit "
                "Jacobians; leave explicit_jacobians out, or choose engine: numpy"
            )
        modules = list(make_precise(to_torch(network, share=True)))
        cut = len(modules) - (network.from_logits is not None)
        self.module = nn.Sequential(*modules[:cut])
        self._output = nn.Sequential(*modules[cut:])
        self._loss = loss_of(network)
        self._parameters = self._bound_parameters()
        self._penalty()  # refused now rather than in the midst of training
        self._update = TorchUpdate(self.optimizer, self._parameters)
        self._x, self._t = _tensor(self.x), _tensor(self.t)

    def _bound_parameters(self) -> list[tuple[Segment, nn.Parameter]]:
        """The parameters in θ's order; their gradients are written into the gradient vector."""
        bound = list(zip(self.network.parameters.layout, self.module.parameters(), strict=True))
        for segment, parameter in bound:
            parameter.grad = tensor_view(self.network.gradients.vector, segment)
        return bound

    def run(self, order: Array | None, first: int, last: int) -> Chunk:
        """See `Engine.run`."""
        if not self._update.is_current:
            self._update = TorchUpdate(self.optimizer, self._parameters)
        self._update.refresh()
        losses, correct = np.empty(last - first), 0
        with self._suitable_threads(), torch.enable_grad():
            for k in range(first, last):
                x, t = self._minibatch(order, k)
                losses[k - first], right = self._step(x, t, k)
                correct += right
        return Chunk(losses, correct)

    @contextmanager
    def _suitable_threads(self) -> Iterator[None]:
        """PyTorch's own threads, as many as asked for, put back afterwards."""
        before = torch.get_num_threads()
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        elif one_thread_is_best(self.network, min(self.batch_size, len(self.x))):
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _minibatch(self, order: Array | None, k: int) -> tuple[Tensor, Tensor]:
        chosen = self.cases_of(k)
        if order is None:
            return self._x[chosen], self._t[chosen]
        cases = order[chosen]
        return _tensor(self.x.take(cases, axis=0)), _tensor(self.t.take(cases, axis=0))

    def _step(self, x: Tensor, t: Tensor, k: int) -> tuple[float, int]:
        """One minibatch: its loss as it ran, and how many of its cases were right."""
        z = self.module(x)
        loss = self._loss(z, t) + self._penalty()
        value = loss.item()
        if not isfinite(value):
            raise NotFiniteError(k, "loss", self._where_forward_went_wrong(x))
        right = self._count_correct(z, t) if self.classes else 0
        self.network.gradients.vector.fill(0)
        loss.backward()
        self._check_gradient(k)
        self.clip_gradient()
        self._update.step()
        return value, right

    def _penalty(self) -> Tensor | float:
        """Σ rate · Ω over the penalised arrays; the rates may change between two chunks."""
        total: Tensor | float = 0.0
        for segment, parameter in self._parameters:
            for kind, rate in self.network.penalty_rates(segment.full_name).items():
                if kind not in PENALTIES:
                    message = f"the torch engine cannot run the penalty {kind}"
                    raise ConfigError(f"{message}; the numpy engine can")
                total = total + rate * PENALTIES[kind](parameter)
        return total

    def _count_correct(self, z: Tensor, t: Tensor) -> int:
        with torch.no_grad():
            return count_correct(self._output(z).numpy(), t.numpy())

    def _check_gradient(self, k: int) -> None:
        gradients = self.network.gradients
        if np.isfinite(gradients.vector).all():
            return
        for layer in reversed(self.network.layers):
            if not all(np.isfinite(g).all() for g in gradients.layer(layer.name).values()):
                raise NotFiniteError(k, "gradient", layer.name)

    def _where_forward_went_wrong(self, x: Tensor) -> str:
        """The first layer whose x W + b is not finite, found by a pass of its own."""
        names = (layer.name for layer in self.network.layers if layer.shapes())
        with torch.no_grad():
            for module in self.module:
                x = module(x)
                name = next(names) if isinstance(module, nn.Linear) else None
                if name is not None and not x.isfinite().all():
                    return name
            if not isfinite(torch.as_tensor(self._penalty()).item()):
                return "none: the penalty itself"
        return self.network.layers[-1].name


def _tensor(array: Array) -> Tensor:
    """A tensor on the array's memory; on a copy where that may not be written to."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
