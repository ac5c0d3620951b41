"""The dense layer on the board: z = x W + b, then a = φ(z)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.explain.activations import RULES, Rule, activation_word, is_linear
from chainrule.explain.blocks import Block, Sentence, Step
from chainrule.explain.expressions import (
    Expression,
    Name,
    Ratio,
    Variable,
    sum_of,
)
from chainrule.explain.layers.base import LayerExplainer, matrix
from chainrule.explain.layers.common import gradient_step, units_text
from chainrule.explain.naming import name_text

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place


class ActivatedExplainer(LayerExplainer):
    """What is common to layers of which an activation makes the output: a = φ(z)."""

    def letter(self, layer: Any) -> str:
        """a, or z where the layer is linear."""
        return "z" if is_linear(layer.activation) else "a"

    def backward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.backward`."""
        for j in at.chosen:
            yield from through_activation(at, j)


class DenseExplainer(ActivatedExplainer):
    """Each unit's weighted sum and activation; δ, and from it every gradient."""

    def what(self, layer: Any) -> str:
        """Such as ``2 units, sigmoid``."""
        units = f"{layer.size} unit{'s' * (layer.size > 1)}"
        return f"{units}, {activation_word(layer.activation)}"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        parameters = at.lesson.network.parameters.layer(at.layer.name)
        yield matrix(at, "W", parameters["W"], _about_weights(at))
        if at.layer.bias:
            yield matrix(at, "b", parameters["b"], at.once("The biases, one for each unit."))
        if len(at.chosen) < len(at.outputs):
            yield Sentence(_about_units(at))
        for j in at.chosen:
            yield Step(at.z(j), (self._weighted_sum(at, j),), why=_about_z(at, j))
            yield from activated(at, j)

    def _weighted_sum(self, at: Place, j: int) -> Expression:
        parameters, count = at.lesson.network.parameters.layer(at.layer.name), len(at.inputs)
        values = (at.fed * parameters["W"][:, j]).tolist()
        if at.layer.bias:
            values.append(float(parameters["b"][j]))

        def term(i: int) -> Expression:
            return at.input(i) * at.parameter("W", i, j) if i < count else at.parameter("b", j)

        return sum_of(values, term, lambda k: k == count)

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        for i in at.chosen_inputs:
            yield Step(at.sent(i), (self._sent(at, i),), why=_about_sent(at, i))

    def _sent(self, at: Place, i: int) -> Expression:
        W = at.lesson.network.parameters.layer(at.layer.name)["W"]
        values = (at.deltas * W[i]).tolist()
        return sum_of(values, lambda j: at.delta(j) * at.parameter("W", i, j))

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        for i, j in at.cells("W"):
            terms = [at.input(i) * at.delta(j)]
            yield gradient_step(at, "W", (i, j), terms, _why_w(at), chain=_chain_of_w(at, i, j))
        for (j,) in at.cells("b") if at.layer.bias else ():
            yield gradient_step(at, "b", (j,), [at.delta(j)], _why_b(at))

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The unit of the weight or bias."""
        return (index[-1],)


def _chain_of_w(at: Place, i: int, j: int) -> tuple[Expression, ...]:
    """The chain rule for a weight by its symbols; of one case alone, as it is a product."""
    if at.lesson.cases > 1 or at.rates("W"):
        return ()
    z, w = at.z(j).name, at.parameter_name("W", i, j)
    assert isinstance(z, Name), "z has a simple name"
    return (at.delta(j) * Variable(at.input(i).value, Ratio(z, w)),)


# The activation, for every layer that has one


def activated(at: Place, j: int) -> Iterator[Block]:
    """The step a = φ(z), or y = φ(z); none where the output is z by the same name."""
    phi, z, out = at.layer.activation, at.z(j), at.output(j)
    if is_linear(phi):
        if at.is_last:
            yield Step(out, (z,), why=at.once("The layer is linear: its output y is z itself."))
        return
    rule = RULES.get(type(phi))
    if rule is None:
        yield Step(out, (_unknown(at, j, "", out.value),), why=_about_unknown(at))
        return
    first, *others = rule.value(phi, z)
    yield Step(out, (first,), tuple(others), why=_about_a(at, rule))


def through_activation(at: Place, j: int) -> Iterator[Block]:
    """The step δ = ∂L/∂output · φ′(z)."""
    phi, received, delta = at.layer.activation, at.received(j), at.delta(j)
    if received.name == delta.name or not isfinite(received.value):
        return  # of a slope that is too large for a number the loss finds δ from z
    if is_linear(phi):
        yield Step(delta, (received,), why=_about_linear(at))
        return
    rule, z, a = RULES.get(type(phi)), at.z(j), at.output(j)
    chain = received * Variable(_slope(at, j), _ratio(a.name, z.name))
    if rule is None:
        yield Step(delta, (received * _unknown(at, j, "′", _slope(at, j)),))
        return
    first, *others = (received * slope for slope in rule.slope(phi, z, a))
    yield Step(delta, (chain, first), tuple(others), why=_about_delta(at, rule, z))


def _slope(at: Place, j: int) -> float:
    return float(at.layer.activation.derivative(np.array([at.z(j).value]))[0])


def _ratio(of: Name | Ratio, by: Name | Ratio) -> Ratio:
    assert isinstance(of, Name), "a unit's output has a simple name"
    assert isinstance(by, Name), "z has a simple name"
    return Ratio(of, by)


def _unknown(at: Place, j: int, prime: str, value: float) -> Variable:
    """φ(z) or φ′(z) of an activation that has no formula here."""
    return Variable(value, Name(f"φ{prime}", where=name_text(at.z(j).name)))


# What is said


def _about_weights(at: Place) -> str:
    if not at.lesson.first_time("weights"):
        return ""
    name = name_text(at.parameter_name("W", len(at.inputs) - 1, 0))
    return (
        f"The weights: row i and column j is the weight from input i to unit j, so that {name} "
        f"is the weight from input {len(at.inputs)} to unit 1. The small number in parentheses "
        f"is that of the layer, here {at.number}."
    )


def _about_units(at: Place) -> str:
    """Which units of many are worked out."""
    units = units_text(at.chosen)
    if not at.lesson.first_time("some of the units"):
        return f"Worked out of {len(at.outputs)}: {units}."
    return (
        f"Of the {len(at.outputs)} units {len(at.chosen)} are worked out, those that matter most "
        f"for L in this case: {units}. The others go the same way."
    )


def _about_z(at: Place, j: int) -> str:
    if not at.lesson.first_time("z"):
        return ""
    added = ", and adds its bias b" if at.layer.bias else ""
    return (
        f"Unit {j + 1} multiplies each of its inputs by the weight from there{added}. The sum "
        "is called z."
    )


def _about_a(at: Place, rule: Rule) -> str:
    letter = "y" if at.is_last else "a"
    found = []
    if at.lesson.first_time(f"the activation {rule.about}"):
        found.append(f"Then the activation turns z into the unit's output {letter}: {rule.about}.")
    if at.is_last and at.lesson.first_time("y"):
        found.append("The outputs of the last layer are those of the network; they are called y.")
    return " ".join(found)


def _about_unknown(at: Place) -> str:
    if not at.lesson.first_time("unknown activation"):
        return ""
    word = activation_word(at.layer.activation)
    return f"The activation φ is {word}, a function of your own; its values are shown."


def _about_delta(at: Place, rule: Rule, z: Variable) -> str:
    found = []
    if at.lesson.first_time("δ"):
        out = "y" if at.is_last else "a"
        found.append(
            f"How does L change if z changes a little? z moves {out}, and {out} moves L: by the "
            f"chain rule the two slopes are multiplied, ∂L/∂z = ∂L/∂{out} · ∂{out}/∂z."
        )
        if at.lesson.first_time("the name δ"):
            found.append("This number is needed again and again, and is called δ.")
    letter, other = ("y", "a") if at.is_last else ("a", "y")
    about = rule.slope_about(at.layer.activation, z)
    is_new = at.lesson.first_time(about)
    if at.lesson.first_time(f"{about} of {letter}"):
        same = f"The slope of the activation is found as before, with {letter} for {other}."
        found.append(about.replace("{a}", letter) if is_new else same)
    return " ".join(found)


def _about_linear(at: Place) -> str:
    if not at.lesson.first_time("the name δ"):
        return ""
    return (
        "How does L change if z changes a little? This number, ∂L/∂z, is needed again and again, "
        "and is called δ. Here z and y are the same number, and so are the two slopes."
    )


def _about_sent(at: Place, i: int) -> str:
    if not at.lesson.first_time("∂L/∂a"):
        return ""
    name = name_text(at.input(i).name)
    return (
        f"{name} feeds every unit of layer {at.number}: it moves each z there, and each z moves "
        "L. Along each of these ways the slopes are multiplied (the weight is how much z moves "
        "with it, and δ how much L moves with z), and the ways add up."
    )


def _why_w(at: Place) -> str:
    if not at.lesson.first_time("∂L/∂W"):
        return ""
    return (
        "A weight moves L only through the z of its unit: ∂L/∂W = ∂L/∂z · ∂z/∂W. The first factor "
        "is δ. In the sum z the weight is multiplied by its input, so that ∂z/∂W is that input."
    ) + _what_is_added(at)


def _what_is_added(at: Place) -> str:
    """That other cases and the penalty add to a gradient, where they do."""
    cases = (
        " Each case of the minibatch adds its part; those of the others are one number."
        if at.lesson.cases > 1
        else ""
    )
    penalty = f" {_about_penalty(at)} The step against it makes the weight smaller."
    return cases + penalty * bool(at.rates("W"))


def _about_penalty(at: Place) -> str:
    """What the penalties add to the gradient of a weight."""
    slopes = {"L2": "of rate/2 · w² it is rate · w", "L1": "of rate · |w| it is rate · sign(w)"}
    found = ", and ".join(slopes[kind] for kind in at.rates("W"))
    return f"The penalty R is part of L, and adds its own slope: {found}."


def _why_b(at: Place) -> str:
    if not at.lesson.first_time("∂L/∂b"):
        return ""
    return "A bias is added to z as it is: ∂z/∂b = 1, so that its gradient is δ itself."
