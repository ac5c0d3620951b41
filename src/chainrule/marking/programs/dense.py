"""Dense layers under a loss, both passes as lines of NumPy: one line, one step of the derivation.

The names of the lines, for layer k from 1:

    a0 = X            the input                   d{k}    δ = ∂L/∂z
    xW{k}             a{k-1} W                    da{k}   ∂L/∂a
    z{k}              xW{k} + b                   s{k}    φ′(z{k})
    a{k}              φ(z{k})                     dW{k}_data, dW{k}_penalty, dW{k}, db{k}
    p                 the network's output        loss = data_loss + penalty
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Line

# Functions that rules may call


def relu(z: Array) -> Array:
    """max(0, z)."""
    return np.maximum(z, 0.0)


def relu_slope(z: Array) -> Array:
    """1 where z > 0, else 0."""
    return np.where(z > 0, 1.0, 0.0)


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^−z)."""
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(a: Array) -> Array:
    """σ′ from the sigmoid's value a."""
    return a * (1 - a)


def tanh_slope(a: Array) -> Array:
    """tanh′ from tanh's value a."""
    return 1 - a**2


def phi(act: str, z: Array) -> Array:
    """The activation that a probe names."""
    if act == "linear":
        return z
    if act == "relu":
        return relu(z)
    return sigmoid(z) if act == "sigmoid" else np.tanh(z)


def phi_slope(act: str, z: Array, a: Array) -> Array:
    """Its slope at z, where it has the value a."""
    if act == "linear":
        return np.ones_like(z)
    if act == "relu":
        return relu_slope(z)
    return sigmoid_slope(a) if act == "sigmoid" else tanh_slope(a)


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the classes, shifted so that nothing overflows."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def last_of_each(values: Array, y: Array, classes: int) -> Array:
    """For each class the row of its last case, as columns; 0 for a class without a case."""
    found = np.zeros((values.shape[1], classes))
    for row, label in zip(values, y, strict=True):
        found[:, label] = row
    return found


def carried(errors: Array, slopes: Array) -> Array:
    """δ of each case where that of the case before is still in what is summed up."""
    found, before = np.zeros_like(errors), np.zeros(errors.shape[1])
    for n, (error, slope) in enumerate(zip(errors, slopes, strict=True)):
        before = found[n] = (before + error) * slope
    return found


FUNCTIONS = {
    "carried": carried,
    "relu": relu,
    "relu_slope": relu_slope,
    "sigmoid": sigmoid,
    "sigmoid_slope": sigmoid_slope,
    "tanh_slope": tanh_slope,
    "phi": phi,
    "phi_slope": phi_slope,
    "softmax": softmax,
    "last_of_each": last_of_each,
}
"""What the rules of these programs may call."""

ACTIVATIONS = ("sigmoid", "tanh", "relu", "linear")
"""The activations that a layer may have."""


@dataclass(frozen=True)
class Dense:
    """What a course asks for: the layers, the loss, and what is added to it.

    Attributes:
        layers: how many layers have weights.
        activations: of each of them; empty where every probe names them, as ``act1``, ``act2``,
            ..., and with them ``softmax`` (whether there is one), ``kind`` (``mse`` or
            ``cross_entropy``) and ``wrt`` (``L1``, ``L2`` or ``none``).
        loss: ``cross_entropy`` (with a softmax before it) or ``mse``.
        penalty: ``squares`` (reg · ΣW²), ``half_squares``, ``L1`` or ``none``.
        biases_penalised: whether the penalty takes the biases as well.
        summed: whether the loss is the sum over the cases and not their mean.
        one_hot: whether the targets ``t`` are given, rather than class numbers ``y``.
    """

    layers: int
    activations: tuple[str, ...] = ()
    loss: str = "cross_entropy"
    penalty: str = "squares"
    biases_penalised: bool = False
    summed: bool = False
    one_hot: bool = False

    @property
    def is_given(self) -> bool:
        """Whether activations, loss and penalty come with each probe."""
        return not self.activations

    @property
    def is_fused(self) -> bool:
        """Whether softmax and cross-entropy are taken together on the way back: (p − t) / N."""
        return not self.is_given and self.loss == "cross_entropy"

    @property
    def has_bent_output(self) -> bool:
        """Whether the last layer may have an activation."""
        return self.is_given or self.activations[-1] != "linear"

    @property
    def bent(self) -> tuple[int, ...]:
        """The layers that may have an activation, from the first."""
        return tuple(range(1, self.layers + 1 if self.has_bent_output else self.layers))

    def value(self, k: int) -> str:
        """φ(z) of a layer."""
        if self.is_given:
            return f"phi(act{k}, z{k})"
        act = self.activations[k - 1]
        return {"linear": f"z{k}", "tanh": f"np.tanh(z{k})"}.get(act, f"{act}(z{k})")

    def slope(self, k: int) -> str:
        """φ′ of a layer."""
        if self.is_given:
            return f"phi_slope(act{k}, z{k}, a{k})"
        act = self.activations[k - 1]
        formulas = {"linear": f"np.ones_like(z{k})", "relu": f"relu_slope(z{k})"}
        return formulas.get(act, f"{act}_slope(a{k})")

    def with_activation(self, act: str) -> Iterator[tuple[int, str]]:
        """The layers that may have an activation, and how a rule for it is put in its place."""
        for k in range(1, self.layers + 1):
            if self.is_given:
                yield k, f"({{0}} if act{k} == '{act}' else RIGHT)"
            elif self.activations[k - 1] == act:
                yield k, "{0}"

    def where(self, condition: str, rule: str) -> str:
        """A rule for some of the probes, where they differ in what they ask for."""
        return f"({rule} if {condition} else RIGHT)" if self.is_given else rule

    @property
    def parameters(self) -> tuple[str, ...]:
        """W1, b1, W2, ..."""
        return tuple(f"{letter}{k}" for k in range(1, self.layers + 1) for letter in "Wb")

    @property
    def penalised(self) -> tuple[str, ...]:
        """Those in the penalty."""
        return tuple(p for p in self.parameters if p[0] == "W" or self.biases_penalised)


def lines(net: Dense) -> Iterator[Line]:
    """Every line of both passes."""
    yield from _forward(net)
    yield from _loss(net)
    yield from _backward(net)


def _forward(net: Dense) -> Iterator[Line]:
    yield Line("N", "len(X)", "the number of cases", "forward")
    yield Line("a0", "X", "the input", "forward")
    for k in range(1, net.layers + 1):
        yield Line(f"xW{k}", f"a{k - 1} @ W{k}", f"x·W of layer {k}", "forward")
        yield Line(f"z{k}", f"xW{k} + b{k}", f"z of layer {k}", "forward")
        if k in net.bent:
            yield Line(f"a{k}", net.value(k), f"the output of layer {k}", "forward")
    if net.is_given or net.loss == "cross_entropy":
        yield from _softmax(net, _last(net))
    else:
        yield Line("p", _last(net), "the output", "forward")
    yield Line("scores", _last(net), "the scores that are returned", "forward")
    yield Line("probabilities", "p", "the probabilities that are returned", "forward")
    yield Line("predicted", "np.argmax(p, axis=1)", "the predicted classes", "forward")
    if not net.one_hot:
        yield Line("t", "np.eye(p.shape[1])[y]", "the one-hot targets", "forward")
    says = "the output of a second call on the same cases"
    yield Line("p_again", "probabilities", says, "forward")


def _last(net: Dense) -> str:
    """The line before the softmax."""
    return f"{'a' if net.has_bent_output else 'z'}{net.layers}"


def _softmax(net: Dense, last: str) -> Iterator[Line]:
    rule = f"{last} - {last}.max(axis=1, keepdims=True)"
    yield Line("shifted", rule, "the logits without their maximum", "forward")
    yield Line("e", "np.exp(shifted)", "e to the logits", "forward")
    yield Line("total", "e.sum(axis=1, keepdims=True)", "the sum over the classes", "forward")
    if net.is_given:
        yield Line("q", "e / total", "the softmax", "forward")
        yield Line("p", f"q if softmax else {last}", "the network's output", "forward")
    else:
        yield Line("p", "e / total", "the class probabilities", "forward")


def _loss(net: Dense) -> Iterator[Line]:
    if not net.one_hot:
        yield Line("columns", "1.0", "whether labels as a column give the same loss", "loss")
    crossed = net.is_given or net.loss == "cross_entropy"
    squared = net.is_given or net.loss == "mse"
    if crossed:
        log = "np.log(p)" if net.is_given else "shifted - np.log(total)"
        yield Line("log_p", log, "the logarithms of the probabilities", "loss")
        rule = "-(t * log_p).sum(axis=1)"
        yield Line("crossed", rule, "the cross-entropy of each case", "loss")
    if squared:
        yield Line("error", "p - t", "output − target", "loss")
        rule = "(error**2).mean(axis=1)"
        yield Line("squared", rule, "the mean squared error of each case", "loss")
    per_case = "crossed if kind == 'cross_entropy' else squared"
    per_case = per_case if net.is_given else "crossed" if crossed else "squared"
    mean = "" if net.summed else " / N"
    yield Line("data_loss", f"({per_case}).sum(){mean}", "the loss without the penalty", "loss")
    for name in net.parameters:
        rule = size(net, name) if name in net.penalised else "0.0"
        yield Line(f"size_{name}", rule, f"the penalty's sum over {name}", "loss")
    sizes = " + ".join(f"size_{name}" for name in net.parameters)
    yield Line("penalty", f"reg * ({sizes})", "the penalty", "loss")
    yield Line("loss", "data_loss + penalty", "the loss", "loss")


def size(net: Dense, name: str) -> str:
    """What the penalty adds up over one array of the parameters."""
    half, ones = f"np.sum({name}**2) / 2", f"np.abs({name}).sum()"
    if net.is_given:
        return f"{half} if wrt == 'L2' else {ones} if wrt == 'L1' else 0.0"
    sums = {"squares": f"np.sum({name}**2)", "half_squares": half, "L1": ones, "none": "0.0"}
    return sums[net.penalty]


def penalty_slope(net: Dense, name: str) -> str:
    """The derivative of the penalty by one array of the parameters."""
    if net.is_given:
        return (
            f"reg * {name} if wrt == 'L2' else reg * np.sign({name}) if wrt == 'L1' "
            f"else 0.0 * {name}"
        )
    slopes = {
        "squares": f"2 * reg * {name}",
        "half_squares": f"reg * {name}",
        "L1": f"reg * np.sign({name})",
        "none": f"0.0 * {name}",
    }
    return slopes[net.penalty]


def _backward(net: Dense) -> Iterator[Line]:
    yield from _beginning(net)
    for k in range(net.layers, 0, -1):
        if k < net.layers or not net.is_fused:
            if k in net.bent:
                yield Line(f"s{k}", net.slope(k), f"φ′(z) of layer {k}", "backward")
                yield Line(f"d{k}", f"da{k} * s{k}", f"δ of layer {k}", "backward")
            else:
                yield Line(f"d{k}", f"da{k}", f"δ of layer {k}", "backward")
        yield from _gradients(net, k)
        if k == 1:
            says = "whether the parameters are others after the call"
            yield Line("parameters_changed", "0.0", says, "backward")
        if k > 1:
            yield Line(f"da{k - 1}", f"d{k} @ W{k}.T", f"∂L/∂a of layer {k - 1}", "backward")


def _beginning(net: Dense) -> Iterator[Line]:
    last, mean = net.layers, "" if net.summed else " / N"
    if net.is_fused:
        yield Line("error", "p - t", "probability − target", "backward")
        yield Line(f"d{last}", f"error{mean}", f"δ of layer {last}", "backward")
        return
    if net.is_given:
        yield Line("crossed_slope", "-t / p", "∂(cross-entropy)/∂(output)", "backward")
    yield Line("squared_slope", "2 * error / error.shape[1]", "∂(error²)/∂(output)", "backward")
    slope = "crossed_slope if kind == 'cross_entropy' else squared_slope"
    slope = slope if net.is_given else "squared_slope"
    yield Line("dp", f"({slope}){mean}", "∂L/∂(output)", "backward")
    if net.is_given:
        rule = "q * (dp - (dp * q).sum(axis=1, keepdims=True))"
        yield Line("dq", rule, "∂L/∂(input of the softmax)", "backward")
        yield Line(f"da{last}", "dq if softmax else dp", f"∂L/∂a of layer {last}", "backward")
    else:
        yield Line(f"da{last}", "dp", f"∂L/∂a of layer {last}", "backward")


def _gradients(net: Dense, k: int) -> Iterator[Line]:
    says = f"∂L/∂W of layer {k}"
    yield Line(f"dW{k}_data", f"a{k - 1}.T @ d{k}", f"the data's part of {says}", "backward")
    penalty = f"the penalty's part of {says}"
    yield Line(f"dW{k}_penalty", penalty_slope(net, f"W{k}"), penalty, "backward")
    yield Line(f"dW{k}", f"dW{k}_data + dW{k}_penalty", says, "backward")
    says = f"∂L/∂b of layer {k}"
    slope = penalty_slope(net, f"b{k}") if net.biases_penalised else f"np.zeros_like(b{k})"
    yield Line(f"db{k}_data", f"d{k}.sum(axis=0)", f"the data's part of {says}", "backward")
    yield Line(f"db{k}_penalty", slope, f"the penalty's part of {says}", "backward")
    yield Line(f"db{k}", f"db{k}_data + db{k}_penalty", says, "backward")


def activations_of(hidden: int, activation: str | Sequence[str], output: str) -> tuple[str, ...]:
    """The activation of every layer, from one for all hidden layers or one for each."""
    if isinstance(activation, str):
        return (*[activation] * hidden, output)
    return (*activation, output)
