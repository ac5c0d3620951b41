"""One forward and one backward pass over a sample: what each layer's units and gradients do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import NO_CLASS, are_sequences, has_target
from chainrule.nn.activations import Activation, Linear
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.training.health import by_unit, slope_of

FLAT = 0.02
"""A unit whose activation is flat on both sides is saturated for a case where its slope is below
this share of the steepest."""


@dataclass(frozen=True)
class LayerState:
    """What a pass over a sample shows of one layer.

    Attributes:
        name: of the layer.
        place: which entry of ``network.layers`` it is.
        activation: the name of its activation; None where it has none.
        units: how many units, or filters, it has.
        dead: the share of its units whose activation is flat, and 0, for every case.
        saturated: the share of its units' outputs, over all cases, at a flat end.
        spread: the root mean square of its outputs.
        gradient: ‖∂L/∂θ‖ of its parameters; None where it has none.
        weights: ‖θ‖ of the parameters behind ``gradient`` that are weights.
    """

    name: str
    place: int
    activation: str | None
    units: int
    dead: float
    saturated: float
    spread: float
    gradient: float | None
    weights: float | None

    @property
    def pull(self) -> float | None:
        """‖∂L/∂θ‖ / ‖θ‖, or None."""
        if self.gradient is None or not self.weights:
            return None
        return self.gradient / self.weights


@dataclass(frozen=True)
class Pass:
    """A forward and a backward pass.

    Attributes:
        loss: the loss of the sample; may be NaN or infinite.
        layers: the layers in order.
        memory: of sequences the gradient of the loss of the last step by the inputs of the first
            step over that by those of the last; None where that means nothing.
        not_finite: where the first number that is not finite arose: layer and direction,
            ``forward`` or ``backward``; None if all were finite.
    """

    loss: float
    layers: tuple[LayerState, ...]
    not_finite: tuple[str, str] | None
    memory: float | None

    @property
    def trained(self) -> list[LayerState]:
        """The layers with parameters."""
        return [layer for layer in self.layers if layer.gradient is not None]


def passed_through(network: Network, x: Array, t: Array, seed: int) -> Pass:
    """What one pass over the cases shows; ``network`` is one that nobody else uses."""
    states: list[dict[str, Any]] = []
    broken: tuple[str, str] | None = None
    with np.errstate(all="ignore"), network.training_mode(seed, 0):
        for place, (layer, fed, z, out) in enumerate(_walk(network, x)):
            hidden = layer is not network.layers[-1] and not layer.is_output
            states.append({"name": layer.name, "place": place, **_units(layer, z, out, hidden)})
            if broken is None and not _finite(out, fed):
                broken = (layer.name, "forward")
        network.propagate(x.copy())
        loss = float(network.loss_of_pass(t))
        if broken is None and not np.isfinite(loss):
            broken = (network.layers[-1].name, "forward")
        network.backpropagate(t)
        for state, layer in zip(states, network.layers, strict=True):
            state |= _sizes(network, layer.name)
        if broken is None:
            bad = [s["name"] for s in states if s["gradient"] is not None]
            bad = [n for n in reversed(bad) if not _is_finite_gradient(network, n)]
            broken = (bad[0], "backward") if bad else None
        memory = _memory(network, x, t)
    return Pass(loss, tuple(LayerState(**state) for state in states), broken, memory)


def _memory(network: Network, x: Array, t: Array) -> float | None:
    """‖∂L/∂x₁‖ / ‖∂L/∂x_n‖ of the loss at the last step n; None where that means nothing."""
    whole = ~np.isnan(x).any(axis=1)
    if not network.reads_sequences or not whole.any() or network.layers[0].takes_class_numbers:
        return None
    x, t = x[whole], t[whole].copy()
    if are_sequences(t):
        t[:, :-1] = NO_CLASS if t.ndim == 2 else np.nan
        if not has_target(t).any():
            return None
    network.propagate(x.copy())
    J = network.backpropagate(t, to_input=True)
    if J is None:
        return None
    steps = J.reshape(len(J), *network.input_shape)
    first, last = (float(np.linalg.norm(steps[:, k])) for k in (0, -1))
    return first / last if last > 0 else None


def _walk(network: Network, x: Array) -> list[tuple[Any, Array, Array, Array]]:
    """The layers in the order in which the network lists them."""
    found = {step[0].name: step for step in network.walk(x, network.theta)}
    return [found[layer.name] for layer in network.layers]


def _finite(out: Array, fed: Array) -> bool:
    """Whether the outputs are finite; NaN where the input has it is padding."""
    return bool(np.isfinite(out).all()) or bool(np.isnan(fed).any())


def _is_finite_gradient(network: Network, layer: str) -> bool:
    return all(np.isfinite(g).all() for g in network.gradients.layer(layer).values())


def _sizes(network: Network, layer: str) -> dict[str, float | None]:
    gradients, values = network.gradients.layer(layer), network.parameters.layer(layer)
    if not gradients:
        return {"gradient": None, "weights": None}
    squares = sum(float(np.sum(np.square(g, dtype=np.float64))) for g in gradients.values())
    weights = sum(float(np.sum(np.square(v, dtype=np.float64))) for v in values.values())
    return {"gradient": squares**0.5, "weights": weights**0.5}


def units_of(layer: Layer) -> int:
    """How many units a layer has: the filters of an image layer, else its outputs at a step."""
    return layer.output_shape[0] if len(layer.output_shape) == 3 else layer.output_shape[-1]


def _units(layer: Any, z: Array, out: Array, hidden: bool) -> dict[str, Any]:
    """The activation of a layer, its units, and how many of them are dead or saturated."""
    phi = getattr(layer, "activation", None)
    shape = layer.output_shape
    numbers = out[~np.isnan(out)].astype(np.float64)  # NaN is padding
    spread = float(np.sqrt(np.square(numbers).mean())) if numbers.size else 0.0
    found: dict[str, Any] = {
        "activation": None,
        "units": units_of(layer),
        "dead": 0.0,
        "saturated": 0.0,
        "spread": spread,
    }
    if not isinstance(phi, Activation):
        return found
    found["activation"] = type(phi).__name__.lower()
    if not hidden or isinstance(phi, Linear) or z.shape != out.shape:
        return found
    rows = by_unit(z, shape)
    slope, value = phi.derivative(rows), by_unit(out, shape)
    finite = np.isfinite(rows)
    flat = (slope == 0) & (value == 0) | ~finite
    found["dead"] = float(flat.all(axis=0).mean())
    kind, steepest = slope_of(phi)
    if kind == "saturated":
        low = (np.abs(slope) < FLAT * steepest) & finite
        found["saturated"] = float(low.sum() / max(1, finite.sum()))
    return found
