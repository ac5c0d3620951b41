"""Any layer by its Jacobians: what a layer of the user's own is explained by.

The layer's function is not known here, only what it computed. But by the chain rule its part of
the backward pass is a product of a row of slopes and a matrix, and the matrices are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.notation import sizes_text
from chainrule.explain.blocks import Block, Matrix, Sentence, Step
from chainrule.explain.expressions import Expression, Name, Others, Variable
from chainrule.explain.layers.base import MOST_SHOWN, LayerExplainer, kept_of, matrix
from chainrule.explain.layers.common import added, gradient_step, slope_name, summed
from chainrule.nn.jacobians import Jacobian

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place


MOST_CHANNELS = 2
"""The most channels of an image that are shown."""


def column(jacobian: Jacobian, cases: int, case: int, width: int, i: int) -> Array:
    """How argument i of a case moves every value of the minibatch, (cases, values)."""
    unit = np.zeros((cases, width))
    unit[case, i] = 1
    return np.asarray(jacobian.jvp(unit), float)


class AnyExplainer(LayerExplainer):
    """δ and the gradients as products with the layer's Jacobians."""

    def letter(self, layer: Any) -> str:
        """``a`` for every output, since it is not known whether it is z."""
        return "a"

    def what(self, layer: Any) -> str:
        """Such as ``4 of type cubed``."""
        kind = getattr(layer, "type", type(layer).__name__)
        return f"{sizes_text(layer.output_shape)}, a layer of type {kind}"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        if at.lesson.first_time("a layer of the user's own"):
            yield Sentence(
                "How this layer computes its outputs is its own affair; here they are. Its part "
                "of the backward pass follows from its Jacobians, the matrices of its slopes."
            )
        parameters = at.lesson.network.parameters.layer(at.layer.name)
        for name, values in parameters.items():
            if values.ndim <= 2:
                yield matrix(at, name, values)
        if self._has_z(at):
            name_of_z = at.z(0).name
            assert isinstance(name_of_z, Name), "z has a simple name"
            yield from self._numbers(at, name_of_z, at.lesson.z[at.k], at.layer.z_shape)
        out = at.output(0).name
        assert isinstance(out, Name), "an output has a simple name"
        yield from self._numbers(at, out, at.lesson.out[at.k], at.layer.output_shape)

    def _numbers(
        self, at: Place, name: Name, values: Array, shape: tuple[int, ...]
    ) -> Iterator[Block]:
        """z or the outputs of the case: a row, a row for each step, or the first channels."""
        found = values[at.lesson.case].reshape(shape)
        if len(shape) == 1:
            kept = None if len(found) <= MOST_SHOWN else at.chosen
            yield Matrix(Name(name.letter, name.layer), found, None, kept)
        elif len(shape) == 2:
            real = int((~np.isnan(found)).all(axis=1).sum())  # without padding
            rows = tuple(range(min(real, MOST_SHOWN)))
            yield Matrix(Name(name.letter, name.layer), found, rows, kept_of(shape[1], ()))
        else:
            for channel, image in enumerate(found[:MOST_CHANNELS]):
                rows_of, columns_of = (kept_of(size, ()) for size in image.shape)
                own = Name(name.letter, name.layer, (channel + 1,))
                yield Matrix(own, image, rows_of, columns_of)

    def _has_z(self, at: Place) -> bool:
        return "a" in at.layer.jacobians()

    def backward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.backward`."""
        if not self._has_z(at):
            return
        why = (
            "Each z moves the outputs by the slopes in its column of ∂a/∂z, and each output moves "
            "L: the products add up to δ."
        )
        for j in at.chosen if len(at.lesson.z[at.k][0]) == len(at.outputs) else ():
            yield self._product(at, at.delta(j), "a", j, at.z(j), at.received, at.output, why)
            why = ""

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        behind, named = (at.delta, at.z) if self._has_z(at) else (at.received, at.output)
        why = (
            "The same with ∂z/∂x: each input moves every z by the slopes in its column, and each "
            "z moves L by δ."
            if self._has_z(at)
            else "Each input moves the outputs by the slopes in its column of ∂a/∂x; each moves L."
        )
        for i in at.chosen_inputs:
            yield self._product(at, at.sent(i), "x", i, at.input(i), behind, named, why)
            why = ""

    def _product(
        self,
        at: Place,
        result: Variable,
        jacobian: str,
        i: int,
        moved: Variable,
        behind: Callable[[int], Variable],
        named: Callable[[int], Variable],
        why: str,
    ) -> Step:
        """Σ_j ∂L/∂value_j · ∂value_j/∂argument_i, for the cases of the minibatch."""
        lesson, J = at.lesson, at.layer.jacobians()[jacobian]
        width = {"a": lesson.z, "x": lesson.fed}[jacobian][at.k].shape[1]
        slopes = column(J, lesson.cases, lesson.case, width, i)[lesson.case]
        terms: list[Expression] = [
            behind(int(j)) * Variable(float(slopes[j]), slope_name(named(int(j)), moved))
            for j in np.flatnonzero(slopes)
        ]
        parts = [summed(terms)]
        if len(J.dense_shape) == 4:  # the cases move each other
            rest = result.value - sum(one.evaluate() for one in terms)
            parts.append(Others(rest, lesson.cases - 1, "cases"))
        return Step(result, (added(parts),), why=why)

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        local = at.layer.jacobians()
        behind, named = (at.delta, at.z) if self._has_z(at) else (at.received, at.output)
        for segment in at.lesson.network.parameters.layout.of_layer(at.layer.name):
            for index in at.cells(segment.name) if segment.trained else ():
                unit = np.zeros(segment.shape)
                unit[index] = 1
                moved = np.asarray(local[segment.name].jvp(unit), float)[at.lesson.case]
                w = at.parameter(segment.name, *index)
                terms: list[Expression] = [
                    behind(int(j)) * Variable(float(moved[j]), slope_name(named(int(j)), w))
                    for j in np.flatnonzero(moved)
                ]
                yield gradient_step(at, segment.name, index, terms)
