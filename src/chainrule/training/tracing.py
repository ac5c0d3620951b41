"""Every array of the forward and the backward pass on one minibatch, to check by hand.

`trace` runs both passes and returns the arrays in the order of computation, with names such as z,
a and δ; `after_update` returns the parameters that the optimiser has made of them, and `as_text`
formats them, no line wider than `WIDTH`. None of them changes θ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import floor, log10
from textwrap import wrap
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, one_hot
from chainrule.core.errors import printable
from chainrule.core.registry import name_in
from chainrule.core.sequences import are_sequences
from chainrule.nn.building import activation_name
from chainrule.nn.graph import INPUT
from chainrule.nn.jacobians import DENSE_LIMIT, BiasJacobian, InputJacobian, Jacobian
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import Shape
from chainrule.nn.losses import LOSSES, least_probability
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.training import Callback, Trainer
from chainrule.training.optimizers import SGD, norm

EDGE = 3
"""How many entries of each axis a shortened array keeps at either end."""

WIDTH = 100
"""The most characters of a line."""

PLACES, PLACES_OF_UPDATE = 4, 8
"""The decimal places of numbers around 1: of a pass, and of parameters after a small step."""

MOST_PLACES = 12
"""The most decimal places; smaller numbers are written with an exponent."""

PARAMETERS = {
    "W": "weights",
    "b": "biases",
    "U": "weights of the state before",
    "b_hn": "biases beside U of the candidate",
    "h0": "the start state h(0)",
    "c0": "the start of the cell, c(0)",
}
"""The descriptions of parameters for which a layer has no explanation of its own."""


@dataclass(frozen=True)
class Entry:
    """One array of the two passes.

    Attributes:
        name: the symbol and the layer, such as ``δ dense_1``.
        formula: how it was computed, or what it is.
        value: the array.
        cases: the number of cases if this is a local Jacobian, else 0. ``value`` has the matrices
            of the first and last case, the one that all cases share, or none if too large.
        part: the pass, ``forward`` or ``backward``, or the ``update`` after both.
    """

    name: str
    formula: str
    value: Array
    cases: int = 0
    part: str = "forward"


def trace(
    network: Network, x: Array, t: Array, *, weights: Any = None, jacobians: bool = True
) -> list[Entry]:
    """Run the passes on one minibatch and list their arrays.

    Args:
        network: evaluated at its present θ; with ``jacobians`` its gradients are overwritten.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        weights: those of the cases, as `Network.loss` takes them.
        jacobians: list the layers' arrays, run the backward pass, and list every Jacobian, δ and
            gradient. Otherwise only inputs, outputs, targets and loss are listed.

    Returns:
        Copies of the arrays, in the order in which they are computed.

    Raises:
        ShapeError: x, t or weights do not fit the network.
    """
    x, t = network.prepare_inputs(x), network.prepare_targets(t)
    w = network.prepare_weights(weights, len(t))
    with network.lock:
        y = network.forward_pass(x)
        loss = np.asarray(network.loss_of_pass(t, w))
        entries = [
            Entry("x", "the inputs", _shaped(x, network.input_shape)),
            *(list(_forward(network)) if jacobians else []),
            Entry("y", "the outputs", _shaped(y, network.layers[-1].output_shape)),
            *_targets(network, t, as_rows=jacobians),
            *([] if w is None else [Entry("w", "the weights of the cases", w)]),
            Entry("L", _loss_formula(network, weighted=w is not None), loss),
        ]
        if jacobians:
            entries += [replace(entry, part="backward") for entry in _backward(network, t, w)]
        return [replace(entry, value=entry.value.copy()) for entry in entries]


def _shaped(rows: Array, shape: Shape) -> Array:
    """The flattened rows reshaped to images or sequences of this shape."""
    return rows.reshape(len(rows), *shape)


def _loss_formula(network: Network, *, weighted: bool) -> str:
    step_loss = loss_of_a_step(network.loss_function)
    summed = "" if step_loss is network.loss_function else ", summed over the steps"
    each = ", each times its weight w" if weighted else ""
    formula = f"the loss: {name_in(LOSSES, step_loss)}{summed}, mean over the cases{each}"
    kinds = " and ".join(dict.fromkeys(term.type for term in network.penalised))
    return formula + (f", + {kinds} penalty {network.penalty_loss():.8g}" if kinds else "")


def _targets(network: Network, t: Array, *, as_rows: bool) -> Iterator[Entry]:
    if t.ndim > 1:
        none = ", −1 for none" if t.ndim == 2 else ", NaN for none"
        what = f"the targets of every step{none}" if are_sequences(t) else "the targets"
        yield Entry("t", what, t)
        return
    yield Entry("t", "the targets, as class numbers", t)
    if as_rows:
        rows = one_hot(t, network.outputs, int)
        yield Entry("t as rows", "1 at the true class", rows)


def _forward(network: Network) -> Iterator[Entry]:
    for k in network.graph.order:
        layer: Any = network.layers[k]
        name, x = layer.name, _input_names(network, k)
        if layer.gives_distribution:
            s = _shaped(layer.s, layer.output_shape)
            yield Entry(f"s {name}", f"softmax({x})", s)
            continue
        for parameter, value in network.parameters.layer(name).items():
            yield Entry(f"{parameter} {name}", _about(layer, parameter), value)
        z = _shaped(layer.z, layer.z_shape)
        yield Entry(f"z {name}", _formula(layer, x), z)
        for symbol, (formula, value) in layer.inside().items():
            yield Entry(f"{symbol} {name}", formula, value)
        if layer.output_letter == "a":
            a = _shaped(layer.a, layer.output_shape)
            yield Entry(f"a {name}", layer.output_formula or f"{activation_name(layer)}(z)", a)


def _formula(layer: Layer, x: str) -> str:
    """The formula of z; the name of the layer's input replaces a leading x or is appended."""
    first, space, rest = layer.formula_of_z.partition(" ")
    if first == "x":
        return x + space + rest
    return layer.formula_of_z + ("" if x == "x" else f", with x = {x}")


def _about(layer: Layer, parameter: str) -> str:
    """The description of a parameter."""
    if parameter in layer.explanations:
        return layer.explanations[parameter][0]
    return PARAMETERS.get(parameter, f"the parameter {parameter}")


def _input_names(network: Network, k: int) -> str:
    """The names of the entries that are the layer's inputs."""
    layers, sources = network.layers, network.graph.sources[k]
    names = ["x" if s == INPUT else f"{layers[s].output_letter} {layers[s].name}" for s in sources]
    return " and ".join(names)


def _backward(network: Network, t: Array, w: Array | None) -> Iterator[Entry]:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        by_logs = network.loss_by_logs(t, w)
        J = network.loss_jacobian(t, w) if by_logs is None else by_logs[0]
        network.backpropagate(t, to_input=True, weights=w)
    last = network.layers[-1]
    J, at_small = _shaped(J, last.output_shape), by_logs is not None
    weighted = "" if w is None else ", times w"
    yield Entry("J_L", _jacobian_formula(network, at_small=at_small) + weighted, J)
    upstream: dict[int, list[str]] = {network.graph.order[-1]: ["J_L"]}
    for k in reversed(network.graph.order):
        layer = network.layers[k]
        J_z = by_logs[1] if by_logs is not None and layer is last else None
        sums = " + ".join(upstream[k])
        yield from _layer_entries(
            network, layer, sums, _input_names(network, k), J_z, "" if w is None else "w · "
        )
        sent = f"{'δ' if layer.gives_distribution else '∂L/∂x'} {layer.name}"
        sources = network.graph.sources[k]
        for j, source in enumerate(sources, start=1):
            part = f"part {j} of {sent}" if len(sources) > 1 else sent
            upstream.setdefault(source, []).append(part)


def _jacobian_formula(network: Network, *, at_small: bool) -> str:
    """The description of J_L; ``at_small`` if some outputs are too small to divide by."""
    formula = "∂L/∂y, of the loss with respect to the outputs"
    if not at_small or network.from_logits is None:
        return formula
    small, least = network.from_logits.small, least_probability(network.dtype)
    return (
        f"{formula}; where {small} is below {least:.2g}, too small to divide by, and its "
        "target is not 0, with respect to its logarithm"
    )


def _layer_entries(
    network: Network, layer: Layer, upstream: str, x: str, by_logs: Jacobian | None, factor: str
) -> Iterator[Entry]:
    """One layer's part of the backward pass.

    ``upstream`` names the gradient, or the sum of gradients, with respect to the layer's output;
    ``x`` names its input. ``by_logs`` replaces the layer's Jacobian if the loss is differentiated
    with respect to the logarithms of some outputs. ``factor`` is what multiplies the formula of δ
    from the logits.
    """
    name, local, also = layer.name, layer.jacobians(), ""
    if by_logs is not None and network.from_logits is not None:
        local["a" if "a" in local else "z"] = by_logs
        also = f"; of such an output {network.from_logits.log_formula}"
    reaching = f"({upstream})" if " + " in upstream else upstream
    product = upstream
    if "a" in local:
        yield _local(f"J_a {name}", layer.slope_formula + also, local["a"])
        product = f"{reaching} · J_a {name}"
    elif layer.gives_distribution:
        formula = f"∂s/∂z = diag(s) − s sᵀ, with z = {x}{also}"
        yield _local(f"J_s {name}", formula, local["z"])
        product = f"{reaching} · J_s {name}"
    if network.from_logits and not network.explicit_jacobians and layer is network.layers[-1]:
        product += f" = {factor}{network.from_logits.formula}, from the logits z"
    assert layer.delta is not None
    delta = _shaped(layer.delta, layer.z_shape)
    yield Entry(f"δ {name}", f"∂L/∂z = {product}", delta)
    if not layer.gives_distribution:
        yield from _gradients(network, layer, local, "" if x == "x" else f", with x = {x}")


def _gradients(
    network: Network, layer: Layer, local: dict[str, Jacobian], where: str
) -> Iterator[Entry]:
    """From δ to the gradients of a layer's parameters and of its input."""
    name = layer.name
    for segment in network.parameters.layout.of_layer(name):
        if segment.trained:
            formulas = _formulas(layer, segment.name, where)
            yield _local(f"J_{segment.name} {name}", formulas[0], local[segment.name])
            also, gradient = _penalty(network, segment.full_name), network.gradients
            value = gradient[segment.full_name]
            yield Entry(f"∂L/∂{segment.name} {name}", formulas[1] % also, value)
    yield _local(f"J_x {name}", _formulas(layer, "x", where)[0], local["x"])
    assert layer.delta is not None
    J = _shaped(local["x"].vjp(layer.delta), layer.input_shape)
    formula = f"δ {name} · J_x {name}, for the layer before"
    yield Entry(f"∂L/∂x {name}", formula, J)


def _formulas(layer: Layer, argument: str, where: str) -> tuple[str, str]:
    """The formulas of J and of the gradient for a parameter or x; ``%s`` is for a penalty."""
    if argument not in layer.explanations:
        gradient = f"δ {layer.name} · J_{argument} {layer.name}, summed over the cases%s"
        return f"∂z/∂{argument}{where}", gradient
    _, jacobian, gradient = layer.explanations[argument]
    return jacobian + where * ("x" in jacobian), gradient + "%s" + where * ("x" in gradient)


def _penalty(network: Network, full_name: str) -> str:
    """The formula of the term that the penalty adds to a parameter's gradient, or nothing."""
    name = full_name.rpartition(".")[2]
    rates = network.penalty_rates(full_name).items()
    terms = [f" + {rate:g} · {name if kind == 'L2' else f'sign({name})'}" for kind, rate in rates]
    return f"{''.join(terms)}, the penalty" if terms else ""


def _local(name: str, formula: str, jacobian: Jacobian) -> Entry:
    """The entry of a Jacobian: the matrices of the first and last case, unless too large."""
    cases, *matrix = jacobian.dense_shape
    if np.prod(matrix) > DENSE_LIMIT:
        note = f"{formula}; {(cases, *matrix)} is too large to write out"
        return Entry(name, note, np.empty((0, *matrix)), cases)
    shown = [slice(0, 1)]
    if cases > 1 and not isinstance(jacobian, InputJacobian | BiasJacobian):
        shown.append(slice(cases - 1, cases))
    value = np.concatenate([jacobian.cases(one).dense() for one in shown])
    return Entry(name, formula, value, cases)


def as_text(entries: Sequence[Entry], classes: Sequence[str] | None = None) -> str:
    """The entries as text; large arrays are shortened in the middle.

    Args:
        entries: as `trace` returns them.
        classes: the names of the classes, to show beside the targets.
    """
    lines: list[str] = []
    has_headings = any(entry.part != "forward" for entry in entries)
    for part, group in groupby(entries, key=lambda entry: entry.part):
        if has_headings:
            title = part if part == "update" else f"{part} pass"
            lines.append(f"── {title} " + "─" * (63 - len(title)))
        lines += [_entry_text(entry, classes) for entry in group]
    return "\n".join(lines)


def _entry_text(entry: Entry, classes: Sequence[str] | None) -> str:
    value = entry.value
    if value.ndim == 0:
        return wrapped(f"{entry.name} = {float(value):.9g}   {entry.formula}")
    shape = (entry.cases, *value.shape[1:]) if entry.cases else value.shape
    head = wrapped(f"{entry.name}  {shape}  {entry.formula}")
    if entry.cases:
        return "\n".join([head, *_matrices(entry)])
    text = array_text(value, PLACES_OF_UPDATE if entry.part == "update" else PLACES)
    if entry.name == "t" and classes is not None and value.ndim == 1:
        text += "   " + ", ".join(classes[k] for k in value[: 2 * EDGE])
        text += ", …" if len(value) > 2 * EDGE else ""
        return head + "\n" + wrapped("    " + text)
    return head + "\n" + _indented(text)


def wrapped(text: str, width: int = WIDTH) -> str:
    """A line as lines of at most ``width`` characters, broken at blanks; all but the first set in.

    Example:
        >>> print(wrapped("δ a  (2, 2)  δ b · J_x b + δ c · J_x c", width=30))
        δ a  (2, 2)  δ b · J_x b + δ c
              · J_x c
    """
    return "\n".join(wrap(text, width, subsequent_indent=" " * 6, break_on_hyphens=False))


def _matrices(entry: Entry) -> Iterator[str]:
    """The lines for the matrices of an entry, each matrix below its case number."""
    is_shared = len(entry.value) == 1 < entry.cases
    for number, matrix in zip((1, entry.cases), entry.value, strict=False):
        if number > 2:
            yield f"  … {number - 2} more case{'s' * (number > 3)} …"
        # A Jacobian with respect to filters has more axes; it is written with a row per output.
        row = ", its numbers in a row" if matrix.ndim > 3 else ""
        yield ("  every case" if is_shared else f"  case {number}") + row
        yield _indented(array_text(matrix.reshape(len(matrix), -1) if row else matrix))


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines() if line.strip())


def array_text(value: Array, places: int = PLACES) -> str:
    """An array as text; the middle of a large array is left out.

    Args:
        value: the array.
        places: the decimal places of numbers; there are more where all numbers are small.

    Example:
        >>> print(array_text(np.array([[1.0, 0.5], [0.25, -0.0]])))
        [[1.   0.5 ]
         [0.25 0.  ]]
        >>> print(array_text(np.array([0.000438568, 0.000877135])))
        [0.0004386 0.0008771]
    """
    sizes = np.abs(value[np.isfinite(value)]) if value.dtype.kind == "f" else np.zeros(0)
    largest = float(sizes.max(initial=0))
    smaller = max(0, -1 - floor(log10(largest))) if largest > 0 else 0
    return np.array2string(
        value + np.zeros((), value.dtype),  # −0 reads as 0
        precision=min(places + smaller, MOST_PLACES),
        threshold=96,  # arrays of more numbers are shortened
        edgeitems=EDGE,
        max_line_width=WIDTH - 4,
    )


class ShowMinibatches(Callback):
    """Prints every minibatch before it runs, and with ``jacobians`` the new parameters after it.

    Args:
        jacobians: print every Jacobian, δ and gradient as well, and the update.
        classes: the names of the classes, to show beside the targets.
        scaled: whether the targets are scaled for training, which is said beside them.
    """

    every_minibatch = True

    def __init__(
        self,
        *,
        jacobians: bool = False,
        classes: Sequence[str] | None = None,
        scaled: bool = False,
    ) -> None:
        self.jacobians = jacobians
        self.classes = classes
        self.scaled = scaled
        self._shown: tuple[Array, Array, Any] | None = None
        self._loss = 0.0

    def on_minibatch(self, trainer: Trainer, x: Array, t: Array) -> None:
        """Print both passes of the minibatch that is about to run."""
        batch = f"minibatch {trainer.minibatch + 1} of {trainer.engine.minibatches}"
        cases = f"{len(x)} case{'s' * (len(x) > 1)}"
        print(f"\n═══ epoch {trainer.epoch}, {batch}, {cases} " + "═" * 24)
        with trainer.engine.training_mode(), np.errstate(all="ignore"):
            entries = trace(
                trainer.network, x, t, weights=trainer.minibatch_weights, jacobians=self.jacobians
            )
        if self.scaled:
            entries = [_of_scaled(entry) for entry in entries]
        print(printable(as_text(entries, self.classes)))
        self._shown = x.copy(), t.copy(), trainer.minibatch_weights
        self._loss = next(float(entry.value) for entry in entries if entry.name == "L")
        self._how = update_text(trainer)

    def on_chunk(self, trainer: Trainer) -> None:
        """Print what the step has made of the parameters, and the loss of its cases with them."""
        if not self.jacobians or self._shown is None:
            return
        x, t, weights = self._shown
        entries = after_update(trainer)
        if not any(layer.differs_in_training for layer in trainer.network.layers):
            loss = np.asarray(trainer.network.loss(x, t, trainer.network.theta, weights))
            was = f"the loss of the same cases with the new parameters; it was {self._loss:.9g}"
            entries.append(Entry("L", was, loss, part="update"))
        if self.scaled:
            entries = [_of_scaled(entry) for entry in entries]
        title, *lines = as_text(entries).splitlines()
        print(printable("\n".join([title, wrapped(self._how), *lines])))
        self._shown = None


def _of_scaled(entry: Entry) -> Entry:
    """The entry, which says that its numbers are scaled if they are targets, outputs or the loss.

    Their own units are t · deviation + mean, of each target's deviation and mean in training.
    """
    remarks = {
        "t": ", scaled: (t − mean) / deviation of each in the training data",
        "y": ", in the units of the scaled targets",
        "L": ", of the scaled targets",
    }
    return replace(entry, formula=entry.formula + remarks.get(entry.name, ""))


def after_update(trainer: Trainer) -> list[Entry]:
    """Every parameter as it is after the optimiser's step, with how it came about."""
    network, optimizer = trainer.network, trainer.optimizer
    rates, by_gradient = network.rates(optimizer.default_rate), isinstance(optimizer, SGD)
    by_gradient = by_gradient and trainer.settings.clip_gradient_norm is None
    found = []
    for segment in network.parameters.layout:
        name, rate = segment.name, rates[segment.full_name] * optimizer.scale
        how = f"{name} − {rate:g} · ∂L/∂{name}" if by_gradient else f"the new {name}"
        if not segment.trained:
            how = f"the running {name}, moved towards that of the minibatch"
        elif rate == 0:
            how = "as before: its learning rate is 0"
        value = network.parameters[segment.full_name].copy()
        found.append(Entry(f"{name} {segment.layer}", how, value, part="update"))
    return found


def update_text(trainer: Trainer) -> str:
    """A line that says how the optimiser is about to update θ, and at which learning rates."""
    network, optimizer = trainer.network, trainer.optimizer
    private = [
        f"{layer.name} {layer.learning_rate * optimizer.scale:g}"
        for layer in network.layers
        if layer.learning_rate is not None
    ]
    if network.bias_learning_rate is not None:
        private.append(f"the biases {network.bias_learning_rate * optimizer.scale:g}")
    rates = f"η = {trainer.rate:g}" + (f" ({', '.join(private)})" if private else "")
    rates += _clipping(trainer)
    if isinstance(optimizer, SGD):
        if all(layer.shapes().keys() <= {"W", "b"} for layer in network.layers):
            return f"W ← W − η ∂L/∂W and b ← b − η ∂L/∂b in every layer, with {rates}"
        return f"θ ← θ − η ∂L/∂θ, with {rates}"
    how = f"with {rates}" if optimizer.has_rate else "by a length that a line search finds"
    return f"W and b in every layer by {optimizer!r}, {how}"


def _clipping(trainer: Trainer) -> str:
    """The remark on how the gradient is clipped; empty if the settings do not ask for it."""
    most = trainer.settings.clip_gradient_norm
    if most is None:
        return ""
    found = norm(trainer.network.gradients.vector)
    if found <= most:
        return f"; ‖g‖ = {found:.6g}, not above {most:g}"
    return f"; ‖g‖ = {found:.6g}, so the whole gradient is first multiplied by {most / found:.6g}"
