"""What other libraries share when they run one of our networks.

A library has a table of counterparts for each kind of part: layers, activations, losses, penalties
and update rules. It cannot run a network with a part that is in no table. Formulas that several
libraries need are written once here, in the array functions that the libraries share with NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from math import log
from typing import Any, NamedTuple

from chainrule.core.registry import name_in
from chainrule.nn.activations import ACTIVATIONS, Activation
from chainrule.nn.layer_types import Layer
from chainrule.nn.losses import LOSSES, Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.nn.sequences.unrolled import Unrolled
from chainrule.training.optimizers import LBFGS, OPTIMIZERS, AdamW, Optimizer


class Library(NamedTuple):
    """The parts that have a counterpart in a library; a class derived from one of them has none.

    Attributes:
        layers: the classes of layers.
        activations: the classes of activations.
        losses: the classes of losses; for sequences, of the loss of one step.
        penalties: the names of penalties.
        rules: the classes of optimisers.
    """

    layers: Collection[type[Layer]]
    activations: Collection[type[Activation]]
    losses: Collection[type[Loss]]
    penalties: Collection[str]
    rules: Collection[type[Optimizer]] = ()

    def missing_layers(self, network: Network) -> Iterator[tuple[str, str]]:
        """Each layer or activation that the library does not have, with the layer's name."""
        for layer in network.layers:
            kind, phi = layer.__class__, getattr(layer, "activation", None)
            if kind not in self.layers:
                yield f"layer {kind.__name__}", layer.name
            elif phi is not None and type(phi) not in self.activations:
                yield f"activation {name_in(ACTIVATIONS, phi)}", layer.name

    def missing(self, network: Network) -> Iterator[str]:
        """The parts of a network that the library does not have, such as ``loss huber``."""
        yield from (what for what, _ in self.missing_layers(network))
        loss = loss_of_a_step(network.loss_function)
        if type(loss) not in self.losses:
            yield f"loss {name_in(LOSSES, loss)}"
        for term in network.penalised:
            if term.type not in self.penalties:
                yield f"penalty {term.type}"

    def reason_against(self, network: Network, optimizer: Optimizer | None = None) -> str | None:
        """The reason why the library cannot run a network; None where it can.

        Args:
            network: whose loss the library is to compute.
            optimizer: bound to the network, where the library is to train it as well.
        """
        if isinstance(optimizer, LBFGS):
            return "it runs no L-BFGS of which every iteration could be compared"
        what = next(self.missing(network), None)
        if what is None and optimizer is not None and type(optimizer) not in self.rules:
            what = f"optimizer {name_in(OPTIMIZERS, optimizer)}"
        if what is not None:
            return f"it has no {what}"
        for segment in network.parameters.layout.trained if optimizer is not None else ():
            if rate_of(segment, optimizer) is None:
                return (
                    f"it takes one learning rate for each array; {segment.full_name} has several"
                )
        return None


def rate_of(segment: Segment, optimizer: Any) -> float | None:
    """The learning rate of an array, before a schedule's factor; None where it has several."""
    for part, rate in optimizer.rates:
        if part.start <= segment.start and segment.stop <= part.stop:
            return float(rate)
    return None


def decay_of(segment: Segment, optimizer: Optimizer) -> float:
    """AdamW's decay of an array; 0 where it spares the array, and for other optimisers."""
    if not isinstance(optimizer, AdamW):
        return 0.0
    decays = any(
        part.start <= segment.start and segment.stop <= part.stop for part, _ in optimizer.decaying
    )
    return optimizer.weight_decay if decays else 0.0


class Forms(NamedTuple):
    """The forms of one function in a library; each is made from our activation or loss.

    Attributes:
        plain: the library's own, as its users write it.
        precise: with a derivative that keeps its digits, for an engine; None where that of
            ``plain`` does.
        formula: written so that its automatic derivative keeps its digits, for the check of
            gradients, which must not repeat our derivatives; None where that of the form before
            it does.
    """

    plain: Callable[[Any], Any]
    precise: Callable[[Any], Any] | None = None
    formula: Callable[[Any], Any] | None = None

    def made(self, form: str, ours: Any) -> Any:
        """The function in one form, or in the form before where that is left out."""
        wanted = self._fields.index(form)
        return next(make for make in self[wanted::-1] if make is not None)(ours)


# Formulas whose automatic derivative cancels nowhere; xp is the library's module of functions.


def softplus(xp: Any, z: Any) -> Any:
    """ln(1 + eᶻ) without a threshold above which it is z."""
    return xp.logaddexp(z, xp.zeros_like(z))


def sigmoid(xp: Any, z: Any) -> Any:
    """e^(−softplus(−z)), whose derivative is a product."""
    return xp.exp(-softplus(xp, -z))


def tanh(xp: Any, z: Any) -> Any:
    """(1 − t) / (1 + t) with t = e^(−2|z|), and −m / (2 + m) with m = t − 1 where |z| < ½.

    The terms of both derivatives have the same sign. One formula does not do: the derivative of
    expm1 is m + 1, which has no digits for large |z|, and 1 − t has none near 0.
    """
    r = xp.where(z < 0, -z, z)
    m = xp.expm1(-2 * xp.where(r < 0.5, r, 0.0))
    t = xp.exp(-2 * r)
    a = xp.where(r < 0.5, -m / (2 + m), (1 - t) / (1 + t))
    return xp.where(z < 0, -a, a)


def softsign(xp: Any, z: Any) -> Any:
    """sign(z) (1 − 1 / (1 + |z|)), whose derivative is 1 / (1 + |z|)²; z / (1 + |z|) near 0."""
    r = xp.where(z < 0, -z, z)
    far = 1 - 1 / (1 + r)
    return xp.where(r < 1, z / (1 + r), xp.where(z < 0, -far, far))


def softmax(xp: Any, logsumexp: Callable[[Any, int], Any], z: Any) -> Any:
    """e^(−ln Σ_k e^(z_k − z_j)) for each j: no derivative has two terms, and nothing overflows.

    The term k = j is written as 1, because the two derivatives of z_j − z_j would cancel.
    """
    d = z[..., None, :] - z[..., :, None]
    own = xp.eye(z.shape[-1]) == 1
    return xp.exp(-logsumexp(xp.where(own, 0.0, d), -1))


def log_cosh(xp: Any, d: Any) -> Any:
    """ln cosh d: ln(1 + 2 sinh²(d/2)) where |d| < 1, else |d| + ln(1 + e^(−2|d|)) − ln 2."""
    r = xp.abs(d)
    near = xp.sinh(0.5 * xp.where(r < 1, d, 0.0))
    far = r + xp.log1p(xp.exp(-2 * r)) - log(2)
    return xp.where(r < 1, xp.log1p(2 * near * near), far)


Step = Callable[[Any, Any, tuple[Any, ...]], tuple[Any, ...]]
"""One step of a layer with a state, in a library's arrays: the states after it.

Its arguments are x(n) W + b of the step, (cases, width), the parameters by name and the states
before it, (cases, size) each; the first state is put out.
"""


def recurrent_step(activate: Callable[[Any], Any]) -> Step:
    """The step of a `chainrule.nn.Recurrent`: h(n) = φ(x(n) W + h(n−1) U + b)."""
    return lambda fed, own, states: (activate(fed + states[0] @ own["U"]),)


def lstm_step(sigmoid: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> Step:
    """The step of a `chainrule.nn.LSTM`, whose blocks of z are i, f, g, o."""

    def step(fed: Any, own: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        h, c = states
        i, f, g, o = _blocks(fed + h @ own["U"], 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    return step


def gru_step(sigmoid: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> Step:
    """The step of a `chainrule.nn.GRU`, whose blocks are r, u and the candidate g."""

    def step(fed: Any, own: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        (h,) = states
        (xr, xu, xg), (hr, hu, m) = _blocks(fed, 3), _blocks(h @ own["U"], 3)
        m = m + own["b_hn"] if own.get("b_hn") is not None else m
        g = tanh(xg + sigmoid(xr + hr) * m)
        return (sigmoid(-(xu + hu)) * g + sigmoid(xu + hu) * h,)

    return step


def _blocks(z: Any, count: int) -> list[Any]:
    """The blocks of z side by side, (cases, size) each."""
    size = z.shape[1] // count
    return [z[:, k * size : (k + 1) * size] for k in range(count)]


def recurrence(
    xp: Any,
    constant: Callable[[Any], Any],
    layer: Unrolled,
    x: Any,
    own: Mapping[str, Any],
    step: Step,
) -> Any:
    """The output of a layer with a state, such as a `chainrule.nn.Recurrent`.

    Truncated to k steps, the output of a step is computed again from the states k steps before,
    which are constants: that is the layer's definition of its truncated gradient.

    Args:
        xp: the library's module of array operations; all arrays are the library's.
        constant: stops the library's differentiation at an array.
        layer: whose truncation and ``only_last`` are used.
        x: (cases, steps, features); NaN at every feature of a step that is padding.
        own: the layer's parameters and start states by name, those without a value None.
        step: computes one step.

    Returns:
        (cases, steps, size) with NaN at padding, or (cases, size).
    """
    padded = xp.isnan(x).all(2)
    fed = xp.where(padded[:, :, None], 0.0, x) @ own["W"]
    if layer.bias:
        fed = fed + own["b"]

    def run(states: tuple[Any, ...], first: int, last: int) -> list[tuple[Any, ...]]:
        """The states after each of some steps, from the states before them."""
        found = []
        for n in range(first, last):
            states = step(fed[:, n], own, states)
            found.append(states)
        return found

    steps, zeros = layer.steps, 0 * fed[:, 0, : layer.size]
    found = run(tuple(own[f"{name}0"] + zeros for name in layer.state_names), 0, steps)
    k = layer.truncate or steps
    for m in range(steps - 1, k - 1, -1):
        before = tuple(constant(state) for state in found[m - k])
        found[m] = run(before, m - k + 1, m + 1)[-1]
    by_case = xp.stack([states[0] for states in found], 1)
    if layer.only_last:
        return by_case[xp.arange(x.shape[0]), (~padded).sum(1) - 1]
    return xp.where(padded[:, :, None], float("nan"), by_case)
