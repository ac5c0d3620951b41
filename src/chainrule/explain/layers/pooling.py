"""Pooling on the board: the largest or the mean of a window, or of a whole channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chainrule.explain.blocks import Block, Step
from chainrule.explain.expressions import Expression, Fraction, Number, Variable, function
from chainrule.explain.layers.base import LayerExplainer
from chainrule.explain.layers.common import flat, summed, unflat
from chainrule.explain.layers.images import extent, pixels_under, windows_over
from chainrule.explain.naming import name_text

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place

MOST_COMPARED = 9
"""The most numbers of a window that are written out where the largest is taken."""


class Unslanted(LayerExplainer):
    """A layer without an activation or parameters: its output has no z of its own."""

    def backward(self, at: Place) -> Iterator[Block]:
        """Nothing: ∂L/∂output is what the layers above have worked out."""
        yield from ()


class MaxPoolExplainer(Unslanted):
    """The largest number of a window, which alone gets the gradient."""

    def what(self, layer: Any) -> str:
        """Such as ``the largest of 2 × 2``."""
        return f"the largest of {layer.window_size[0]} × {layer.window_size[1]}"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        for one in at.chosen:
            yield Step(at.output(one), (self._largest(at, one),), why=self._about(at, one))

    def _largest(self, at: Place, one: int) -> Expression:
        numbers = _under(at, one)
        if len(numbers) > MOST_COMPARED:
            least = sorted(numbers, key=lambda x: -x.value)[MOST_COMPARED - 1].value
            numbers = [x for x in numbers if x.value >= least][:MOST_COMPARED]
        return function("max", *numbers) if len(numbers) > 1 else numbers[0]

    def _about(self, at: Place, one: int) -> str:
        if not at.lesson.first_time("max pooling"):
            return ""
        _, i, j = unflat(one, at.layer.output_shape)
        windows = at.layer.windows
        many = windows.rows * windows.columns > MOST_COMPARED
        left_out = " (The smaller ones of a window are left out here.)" if many else ""
        return (
            f"The output keeps the largest number of each window. The one of "
            f"{name_text(at.output(one).name)} covers {extent(windows, i, j)}.{left_out}"
        )

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        windows, shape = at.layer.windows, at.layer.output_shape
        winners = at.layer.winners[at.lesson.case]
        for one in at.chosen_inputs:
            c, row, column = unflat(one, windows.image)
            terms = [
                at.received(flat((c, i, j), shape))
                for i, j, p, q in windows_over(windows, row, column)
                if winners[c, i, j] == p * windows.columns + q
            ]
            yield Step(at.sent(one), (summed(terms, "windows"),), why=self._about_sent(at))

    def _about_sent(self, at: Place) -> str:
        if not at.lesson.first_time("max pooling backward"):
            return ""
        return (
            "The output moves with the largest number of its window (of equal ones the first) and "
            "with no other: ∂output/∂input is 1 for that one and 0 for the rest. A number that is "
            "the largest of several windows gets the sum; one that is the largest of none gets 0."
        )


class AveragePoolExplainer(Unslanted):
    """The mean of a window, of which every number gets a share of the gradient."""

    def what(self, layer: Any) -> str:
        """Such as ``the mean of 2 × 2``."""
        return f"the mean of {layer.window_size[0]} × {layer.window_size[1]}"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        size = Number(float(self._size(at)))
        for one in at.chosen:
            total = summed(list(self.under(at, one)), "numbers")
            yield Step(at.output(one), (Fraction(total, size),), why=self._about(at))

    def _size(self, at: Place) -> int:
        return int(at.layer.windows.rows * at.layer.windows.columns)

    def under(self, at: Place, one: int) -> list[Variable]:
        """The numbers of which output ``one`` is the mean."""
        return _under(at, one)

    def over(self, at: Place, one: int) -> list[int]:
        """The outputs that input ``one`` has a share in."""
        windows = at.layer.windows
        c, row, column = unflat(one, windows.image)
        return [
            flat((c, i, j), at.layer.output_shape)
            for i, j, _, _ in windows_over(windows, row, column)
        ]

    def _about(self, at: Place) -> str:
        if not at.lesson.first_time("average pooling"):
            return ""
        zeros = "; padding counts as zeros" if any(at.layer.windows.padding) else ""
        return f"The output is the mean of the {self._size(at)} numbers of its window{zeros}."

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        size = Number(float(self._size(at)))
        for one in at.chosen_inputs:
            terms = [at.received(j) for j in self.over(at, one)]
            rule = Fraction(summed(terms, "windows"), size) if terms else Number(0.0)
            yield Step(at.sent(one), (rule,), why=self._about_sent(at))

    def _about_sent(self, at: Place) -> str:
        if not at.lesson.first_time("mean backward"):
            return ""
        return (
            f"A mean of {self._size(at):,} numbers moves by 1/{self._size(at)} of what one of "
            "them moves: each gets this share of the gradient."
        )


class GlobalAverageExplainer(AveragePoolExplainer):
    """The mean of each channel."""

    def what(self, layer: Any) -> str:
        """Such as ``the mean of each of 3 channels``."""
        return f"the mean of each of {layer.outputs} channels"

    def _size(self, at: Place) -> int:
        return int(at.layer.input_shape[1] * at.layer.input_shape[2])

    def under(self, at: Place, one: int) -> list[Variable]:
        """See `AveragePoolExplainer.under`."""
        size = self._size(at)
        return [at.input(one * size + k) for k in range(size)]

    def over(self, at: Place, one: int) -> list[int]:
        """See `AveragePoolExplainer.over`."""
        return [one // self._size(at)]

    def _about(self, at: Place) -> str:
        if not at.lesson.first_time("global average"):
            return ""
        return f"Each channel becomes one number, the mean of its {self._size(at):,}."


def _under(at: Place, one: int) -> list[Variable]:
    """The numbers under the window of an output, padding left out."""
    c, i, j = unflat(one, at.layer.output_shape)
    windows = at.layer.windows
    places = pixels_under(windows, i, j)
    return [at.input(flat((c, row, column), windows.image)) for _, _, row, column in places]
