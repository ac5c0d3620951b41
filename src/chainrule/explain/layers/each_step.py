"""A layer of rows on the board that is applied to every step of a sequence by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.blocks import Block, Matrix, Sentence
from chainrule.explain.expressions import Expression, Variable
from chainrule.explain.layers.base import LayerExplainer
from chainrule.explain.layers.common import gradient_step
from chainrule.explain.lesson import Place


@dataclass(frozen=True)
class StepPlace(Place):
    """The numbers of one step of a layer that is applied to every step, by their index there.

    Attributes:
        step: counted from 0.
    """

    step: int = 0

    @property
    def _whole(self) -> Place:
        """The layer with the indices of all steps."""
        return Place(self.lesson, self.k)

    @property
    def _in(self) -> int:
        return int(self.layer.input_shape[1])

    @property
    def _out(self) -> int:
        return int(self.layer.output_shape[1])

    @property
    def fed(self) -> Array:
        """See `Place.fed`."""
        return self._whole.fed.reshape(-1, self._in)[self.step]

    @property
    def deltas(self) -> Array:
        """See `Place.deltas`."""
        return self._whole.deltas.reshape(-1, self._out)[self.step]

    @property
    def inputs(self) -> range:
        """See `Place.inputs`."""
        return range(self._in)

    @property
    def outputs(self) -> range:
        """See `Place.outputs`."""
        return range(self._out)

    @property
    def chosen(self) -> tuple[int, ...]:
        """See `Place.chosen`."""
        return tuple(j % self._out for j in self._whole.chosen if j // self._out == self.step)

    @property
    def chosen_inputs(self) -> tuple[int, ...]:
        """See `Place.chosen_inputs`."""
        return tuple(i % self._in for i in self._whole.chosen_inputs if i // self._in == self.step)

    def input(self, i: int) -> Variable:
        """See `Place.input`."""
        return self._whole.input(self.step * self._in + i)

    def sent(self, i: int) -> Variable:
        """See `Place.sent`."""
        return self._whole.sent(self.step * self._in + i)

    def z(self, j: int) -> Variable:
        """See `Place.z`."""
        return self._whole.z(self.step * self._out + j)

    def output(self, j: int) -> Variable:
        """See `Place.output`."""
        return self._whole.output(self.step * self._out + j)

    def received(self, j: int) -> Variable:
        """See `Place.received`."""
        return self._whole.received(self.step * self._out + j)

    def delta(self, j: int) -> Variable:
        """See `Place.delta`."""
        return self._whole.delta(self.step * self._out + j)


class EachStepExplainer(LayerExplainer):
    """What explains a row, for every step by itself; the gradients are sums over the steps.

    Args:
        row: the explainer of the layer for rows.
    """

    def __init__(self, row: LayerExplainer) -> None:
        self.row = row

    def letter(self, layer: Any) -> str:
        """See `LayerExplainer.letter`."""
        return self.row.letter(layer)

    def what(self, layer: Any) -> str:
        """Such as ``2 units, tanh, at each of 5 steps``."""
        return f"{self.row.what(layer)}, at each of {layer.steps} steps"

    def _steps(self, at: Place, chosen: Iterable[int], width: int) -> Iterator[StepPlace]:
        for step in sorted({j // width for j in chosen}):
            yield StepPlace(at.lesson, at.k, step)

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        if at.lesson.first_time("each step"):
            yield Sentence(
                "The layer is applied to every step of the sequence by itself, with the same "
                "weights. Of two indices the first is the step."
            )
        seen = False
        for place in self._steps(at, at.chosen, at.layer.output_shape[1]):
            blocks = self.row.forward(place)
            yield from (one for one in blocks if not (seen and isinstance(one, Matrix)))
            seen = True

    def backward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.backward`."""
        for place in self._steps(at, at.chosen, at.layer.output_shape[1]):
            yield from self.row.backward(place)

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        for place in self._steps(at, at.chosen_inputs, at.layer.input_shape[1]):
            yield from self.row.to_input(place)


class DenseEachStepExplainer(EachStepExplainer):
    """A dense layer at every step."""

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        places = [StepPlace(at.lesson, at.k, step) for step in range(at.layer.steps)]
        real = [place for place in places if not np.isnan(place.input(0).value)]
        why = (
            "Every step uses the same weights, so that the gradient of a weight is the sum over "
            "the steps of the number that it lay on, times the δ that it led to."
        )
        for i, j in at.cells("W"):
            terms: list[Expression] = [place.input(i) * place.delta(j) for place in real]
            yield gradient_step(at, "W", (i, j), terms, at.once(why), "steps")
        for (j,) in at.cells("b") if at.layer.bias else ():
            deltas: list[Expression] = [place.delta(j) for place in real]
            yield gradient_step(at, "b", (j,), deltas, "", "steps")

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The unit of the weight at the steps where ∂L/∂output is largest."""
        width = at.layer.output_shape[1]
        J = np.abs(at.lesson.received[at.k][at.lesson.case]).reshape(-1, width)[:, index[-1]]
        steps = np.argsort(-np.nan_to_num(J), kind="stable")[:2]
        return [int(step) * width + index[-1] for step in steps]
