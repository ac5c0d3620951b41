"""The engine that trains a network as PyTorch modules.

Forward pass, derivatives and updates are those of `torch.nn`, `torch.autograd` and `torch.optim`.
They work on the memory of θ, of its gradient and of the optimiser's state. The modules
`functions`, `modules` and `optimizers` say what is not PyTorch's own, and why.
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
from chainrule.training.engines.base import Chunk, Engine, NotFiniteError, Origin
from chainrule.training.engines.threads import one_thread_is_best
from chainrule.training.engines.torch.functions import as_tensor, loss_of, penalty_terms
from chainrule.training.engines.torch.modules import (
    TORCH,
    Modules,
    require_known_layers,
    tensor_view,
)
from chainrule.training.engines.torch.optimizers import TorchUpdate
from chainrule.training.scores import count_correct


class TorchEngine(Engine):
    """Forward pass, backward pass and update by PyTorch, one minibatch after the other.

    See `Engine` for the arguments.

    Attributes:
        module: the network as PyTorch modules, up to the logits where the loss is computed
            from them; its parameters are θ itself.

    Raises:
        ConfigError: the engine cannot run a layer, activation, loss, penalty or optimiser because
            it is in no table, or explicit Jacobians are asked for.
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
        require_known_layers(network)
        for part in TORCH.missing(network):
            raise ConfigError(f"the torch engine cannot run the {part}; the numpy engine can")
        modules = Modules(network, "precise", share=True)
        self.module = modules.up_to_logits()
        self._output = modules.behind_logits()
        self._by_layer = modules.by_layer
        self._loss = loss_of(network, "precise")
        self._parameters = self._bound_parameters(modules)
        layout = network.parameters.layout
        self._running = [modules.tensor(s) for s in layout if not s.trained]
        self._update = TorchUpdate(self.optimizer, self._parameters)
        self._x = as_tensor(self.x)

    def _bound_parameters(self, modules: Modules) -> list[tuple[Segment, nn.Parameter]]:
        """The parameters in θ's order; their gradients are written into the gradient vector."""
        bound = [(s, modules.tensor(s)) for s in self.network.parameters.layout.trained]
        for segment, parameter in bound:
            parameter.grad = tensor_view(self.network.gradients.vector, segment)
        return bound

    def run(
        self, order: Array | None, first: int, last: int, scales: Array | None = None
    ) -> Chunk:
        """See `Engine.run`."""
        if not self._update.is_current:
            self._update = TorchUpdate(self.optimizer, self._parameters)
        self._update.refresh()
        losses, correct = np.empty(last - first), np.empty(last - first)
        with torch_threads(self._suitable_threads()), self.training_mode(), torch.enable_grad():
            for k in range(first, last):
                x, t = self._minibatch(order, k)
                at, own = k - first, (self.weights_of(order, k), self.counted_of(order, k))
                if scales is not None:
                    self.optimizer.scale = float(scales[at])
                    self._update.refresh()
                losses[at], correct[at] = self._undoable_step(x, t, k, *own)
        return self.chunk(losses, correct)

    def _suitable_threads(self) -> int:
        """The number of threads that PyTorch is to use."""
        if self.threads is not None:
            return self.threads
        is_small = one_thread_is_best(self.network, min(self.batch_size, len(self.x)))
        return 1 if is_small else torch.get_num_threads()

    def _minibatch(self, order: Array | None, k: int) -> tuple[Tensor, Array]:
        chosen = self.cases_of(k)
        if order is None:
            return self._x[chosen], self.t[chosen]
        cases = order[chosen]
        return as_tensor(self.x.take(cases, axis=0)), self.t.take(cases, axis=0)

    def _undoable_step(
        self, x: Tensor, t: Array, k: int, weights: Array | None, counted: Array | None
    ) -> tuple[float, float]:
        """`_step`; if it fails, running statistics, moved by the forward pass, are put back."""
        before = [running.clone() for running in self._running]
        try:
            return self._step(x, t, k, weights, counted)
        except NotFiniteError:
            for running, kept in zip(self._running, before, strict=True):
                running.copy_(kept)
            raise

    def _step(
        self, x: Tensor, t: Array, k: int, weights: Array | None, counted: Array | None
    ) -> tuple[float, float]:
        """Train on one minibatch; return its loss and correct cases, both before the update."""
        self.network.context.step = self.optimizer.steps
        z = self.module(x)
        loss = self._loss(z, t, weights) + self._penalty()
        value = loss.item()
        if not isfinite(value):
            raise NotFiniteError(k, "loss", self._origin_of_loss(x))
        right = self._count_correct(z, t, counted) if self.classes else 0
        self.network.gradients.vector.fill(0)
        loss.backward()
        self._check_gradient(k, x)
        self.clip_gradient()
        self._update.step()
        return value, right

    def _penalty(self) -> Tensor | float:
        """The penalties on all arrays; their rates may change between two chunks."""
        total: Tensor | float = 0.0
        for segment, parameter in self._parameters:
            for term in penalty_terms(self.network, segment.full_name, parameter):
                total = total + term
        return total

    def _count_correct(self, z: Tensor, t: Array, weights: Array | None) -> float:
        with torch.no_grad():
            return count_correct(self._output(z).numpy(), t, weights)

    def _check_gradient(self, k: int, x: Tensor) -> None:
        gradients = self.network.gradients
        if np.isfinite(gradients.vector).all():
            return
        for layer in reversed(self.network.layers):
            if not all(np.isfinite(g).all() for g in gradients.layer(layer.name).values()):
                backward = Origin("backward", layer.name)
                raise NotFiniteError(k, "gradient", self._origin_in_forward_pass(x) or backward)

    def _origin_of_loss(self, x: Tensor) -> Origin:
        found = self._origin_in_forward_pass(x)
        if found is not None:
            return found
        with torch.no_grad():
            if not isfinite(torch.as_tensor(self._penalty()).item()):
                return Origin("penalty", None)
        return Origin("loss", self.network.layers[-1].name)

    def _origin_in_forward_pass(self, x: Tensor) -> Origin | None:
        """The first layer whose z is not finite, found by another forward pass."""
        found: list[str] = []

        def look(name: str, z: Tensor) -> None:
            if not (z.isfinite() | _is_padding(z)).all():
                found.append(name)

        hooks = [
            module.register_forward_hook(lambda _, x, z, name=name: look(name, z))
            for name, module in self._by_layer.items()
        ]
        with torch.no_grad():
            self.module(x)
            for hook in hooks:
                hook.remove()
        return Origin("forward", found[0]) if found else None


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Within this context PyTorch uses ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_padding(z: Tensor) -> Tensor:
    """Whether all values of a step of a sequence are NaN, (cases, steps, 1)."""
    return z.isnan().all(-1, keepdim=True) & torch.tensor(z.ndim == 3)
