"""Layers of rows without parameters: softmax and flatten."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

from chainrule.explain.blocks import Block, Step
from chainrule.explain.expressions import Expression, Product, function, shortened
from chainrule.explain.layers.base import LayerExplainer

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place


class SoftmaxExplainer(LayerExplainer):
    """y_j = e^(z_j) / Σ e^(z_k), and its Jacobian y_j ([i = j] − y_i)."""

    def what(self, layer: Any) -> str:
        """Such as ``3 probabilities``."""
        return f"{layer.size} probabilities"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        for j in at.chosen:
            first, *others = _softmax(at, j)
            yield Step(at.output(j), (first,), tuple(others), why=_about_softmax(at))

    def backward(self, at: Place) -> Iterator[Block]:
        """Nothing: softmax has no z of its own, and `to_input` gives δ of the layer before."""
        yield from ()

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        received = [at.received(j) for j in at.outputs]
        if not all(isfinite(one.value) for one in received):
            return  # the loss finds δ from z
        counted = [j for j in at.outputs if received[j].value] or [0]
        for i in at.chosen_inputs:
            plain, other = (
                shortened([received[j] * _slope(at, i, j, other=other) for j in counted])
                for other in (False, True)
            )
            why = _about_slope(at, all_of_them=len(counted) == len(received))
            yield Step(at.sent(i), (plain,), (other,), why=why)


def _softmax(at: Place, j: int) -> tuple[Expression, ...]:
    z = [at.input(i) for i in at.inputs]
    plain = function("exp", z[j]) / shortened([function("exp", one) for one in z])
    top = max(z, key=lambda one: one.value)
    shifted = [function("exp", one - top) for one in z]
    return plain, shifted[j] / shortened(shifted)


def _slope(at: Place, i: int, j: int, *, other: bool) -> Expression:
    """∂y_j/∂z_i; by an ``other`` formula 1 − y_j as the sum of the other outputs."""
    if i != j:
        return Product((-at.output(j), at.output(i)))
    rest = shortened([at.output(k) for k in at.outputs if k != j]) if other else 1 - at.output(j)
    return Product((at.output(j), rest))


def _about_softmax(at: Place) -> str:
    if not at.lesson.first_time("softmax"):
        return ""
    return (
        "Softmax turns the numbers z into probabilities y that add up to 1: each is e^(z), over "
        "the sum of all of them."
    )


def _about_slope(at: Place, *, all_of_them: bool) -> str:
    if not at.lesson.first_time("slope of softmax"):
        return ""
    at.lesson.first_time("the name δ")
    left_out = "" if all_of_them else " Outputs with ∂L/∂y = 0 add nothing and are left out."
    return (
        "Every z moves every y, since all share one denominator. By the quotient rule the slope "
        "of an output y along its own z is y (1 − y), and along the z of another output it is "
        "minus the product of the two outputs. By the chain rule ∂L/∂y · ∂y/∂z is added up over "
        f"all outputs; the sum is ∂L/∂z, and is called δ.{left_out}"
    )


class FlattenExplainer(LayerExplainer):
    """The same numbers in one row."""

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        for j in at.chosen:
            yield Step(at.output(j), (at.input(j),), why=_about_flatten(at, "forward"))

    def backward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.backward`."""
        yield from ()

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        for i in at.chosen_inputs:
            yield Step(at.sent(i), (at.received(i),), why=_about_flatten(at, "backward"))


def _about_flatten(at: Place, way: str) -> str:
    if not at.lesson.first_time(f"flatten {way}"):
        return ""
    if way == "forward":
        return "The numbers are written as one row; none of them changes."
    return "What was written elsewhere goes back to its place; none of the gradients changes."
