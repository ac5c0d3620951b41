"""The reference engine: it calls the layers themselves, one minibatch after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.context import Buffers
from chainrule.nn.layers.base import Layer, Shape
from chainrule.training.engines.base import Chunk, Engine, NotFiniteError, Origin
from chainrule.training.optimizers import LBFGS
from chainrule.training.scores import count_correct


class NumpyEngine(Engine):
    """Forward pass, backward pass and update by the layers, with buffers that are reused."""

    name: ClassVar[str] = "numpy"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._buffers: Buffers = {}

    def prepare(self) -> None:
        """See `Engine.prepare`: L-BFGS goes through the iterations before a resumed training."""
        if isinstance(self.optimizer, LBFGS) and self.optimizer.steps:
            with self._passes():
                self.optimizer.catch_up(self._differentiate_all)

    def run(
        self, order: Array | None, first: int, last: int, scales: Array | None = None
    ) -> Chunk:
        """See `Engine.run`."""
        losses, correct = np.empty(last - first), np.empty(last - first)
        with self._passes():
            for k in range(first, last):
                if isinstance(self.optimizer, LBFGS):
                    found = self._iterate(self.optimizer)
                else:
                    x, t = self._minibatch(order, k)
                    if scales is not None:
                        self.optimizer.scale = float(scales[k - first])
                    own = self.weights_of(order, k), self.counted_of(order, k)
                    found = self._step(x, t, k, *own)
                losses[k - first], correct[k - first] = found
        return self.chunk(losses, correct)

    @contextmanager
    def _passes(self) -> Iterator[None]:
        """A context for passes in training mode, with buffers that are reused."""
        # Values that are not finite are found and reported below; NumPy need not warn as well.
        reused = self.network.reused_buffers(self._buffers)
        with self.training_mode(), reused, np.errstate(all="ignore"):
            yield

    def _minibatch(self, order: Array | None, k: int) -> tuple[Array, Array]:
        chosen = self.cases_of(k)
        if order is None:
            return self.x[chosen], self.t[chosen]
        return self.x.take(order[chosen], axis=0), self.t.take(order[chosen], axis=0)

    def _step(
        self, x: Array, t: Array, k: int, weights: Array | None, counted: Array | None
    ) -> tuple[float, float]:
        """Train on one minibatch; return its loss and correct cases, both before the update."""
        found = self._differentiate(x, t, k, weights, counted)
        self.optimizer.step()
        self.network.update_untrained()
        return found

    def _iterate(self, optimizer: LBFGS) -> tuple[float, float]:
        """Run an iteration of L-BFGS; return the loss and the correct cases before it."""
        goes_on = optimizer.ending is None
        found = optimizer.iterate(self._differentiate_all)
        if goes_on:  # otherwise there was no pass whose statistics could be taken
            self.network.update_untrained()
        return found

    def _differentiate_all(self) -> tuple[float, float]:
        """Loss, correct cases and gradient of all cases, in the order of the data."""
        return self._differentiate(self.x, self.t, 0, self.weights, self.counted)

    def _differentiate(
        self, x: Array, t: Array, k: int, weights: Array | None, counted: Array | None
    ) -> tuple[float, float]:
        """The loss and the correct cases of minibatch k; writes the gradient, which is clipped."""
        network = self.network
        network.context.step = self.optimizer.steps
        y = network.propagate(x)
        loss = float(network.loss_of_pass(t, weights))
        if not isfinite(loss):
            raise NotFiniteError(k, "loss", self._origin_of_loss())
        network.backpropagate(t, weights=weights)
        self._check_gradient(k)
        self.clip_gradient()
        return loss, count_correct(y, t, counted) if self.classes else 0

    def _check_gradient(self, k: int) -> None:
        """Raise if an entry is not finite; g · g is a fast test, but huge entries overflow it."""
        gradient = self.network.gradients.vector
        if not isfinite(np.dot(gradient, gradient)) and not np.isfinite(gradient).all():
            raise NotFiniteError(k, "gradient", self._origin_of_gradient())

    def _in_order(self) -> list[Layer]:
        return [self.network.layers[k] for k in self.network.graph.order]

    def _origin_in_forward_pass(self) -> Origin | None:
        """The first layer of which z or the output is not finite."""
        for layer in self._in_order():
            found: Any = layer
            shapes = {"z": layer.z_shape, "a": layer.output_shape}
            if not all(_is_sound(getattr(found, name, None), s) for name, s in shapes.items()):
                return Origin("forward", layer.name)
        return None

    def _origin_of_loss(self) -> Origin:
        found = self._origin_in_forward_pass()
        if found is not None:
            return found
        if not isfinite(self.network.penalty_loss()):
            return Origin("penalty", None)
        return Origin("loss", self.network.layers[-1].name)

    def _origin_of_gradient(self) -> Origin:
        """In the forward pass, where a function such as sigmoid hid it from the loss, or later."""
        found = self._origin_in_forward_pass()
        if found is not None:
            return found
        for layer in reversed(self._in_order()):
            own = self.network.gradients.layer(layer.name).values()
            if not all(np.isfinite(g).all() for g in (*own, layer.delta) if g is not None):
                return Origin("backward", layer.name)
        return Origin("backward", self.network.layers[0].name)


def _is_sound(values: Array | None, shape: Shape) -> bool:
    """Whether rows of arrays of this shape are finite; a step with NaN in all units is padding."""
    if values is None or len(shape) != 2:
        return values is None or bool(np.isfinite(values).all())
    steps = values.reshape(len(values), *shape)
    return bool((np.isfinite(steps) | np.isnan(steps).all(axis=2, keepdims=True)).all())
