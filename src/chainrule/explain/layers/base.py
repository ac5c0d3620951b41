"""What an explainer of a kind of layer offers to the lesson."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.notation import sizes_text
from chainrule.explain.blocks import Block, Matrix
from chainrule.explain.expressions import Expression, Number, function

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place


class LayerExplainer(ABC):
    """Works out one layer on the board; the table is in `chainrule.explain.layers`.

    Each method is asked in this order and yields blocks: steps, sentences and matrices. A step's
    result is a variable of the place ``at``, whose value is what the library computed.
    """

    def letter(self, layer: Any) -> str:
        """The letter of the layer's outputs, ``z`` if they are z itself; y of the last layer."""
        return "a"

    def what(self, layer: Any) -> str:
        """The layer in a few words, for its heading, such as ``2 units, sigmoid``."""
        return sizes_text(layer.output_shape)

    def choose(self, at: Place) -> tuple[int, ...] | None:
        """The outputs that are worked out; None for those that matter most."""
        return None

    @abstractmethod
    def forward(self, at: Place) -> Iterator[Block]:
        """From ``at.input(i)`` to ``at.output(j)``, for each j of ``at.chosen``."""

    @abstractmethod
    def backward(self, at: Place) -> Iterator[Block]:
        """From ``at.received(j)``, ∂L/∂output, to ``at.delta(j)``, for each j of ``at.chosen``.

        Nothing where the output is z itself, since δ is then what was received.
        """

    @abstractmethod
    def to_input(self, at: Place) -> Iterator[Block]:
        """From δ to ``at.sent(i)``, ∂L/∂input, for each i of ``at.chosen_inputs``."""

    def gradients(self, at: Place) -> Iterator[Block]:
        """From δ to ``at.gradient(name, *index)``, for each index of ``at.cells(name)``."""
        yield from ()

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The outputs that a number of a parameter leads to directly, as flat indices."""
        return ()


def penalty_terms(at: Place, name: str, *index: int) -> list[Expression]:
    """What the penalties add to the gradient of a number of a parameter: λ w, and λ sign(w)."""
    w = at.parameter(name, *index)
    return [
        Number(rate) * (w if kind == "L2" else function("sign", w))
        for kind, rate in at.rates(name).items()
    ]


def matrix(
    at: Place,
    name: str,
    values: Array,
    why: str = "",
    *,
    gradient: bool = False,
    cells: Iterable[tuple[int, ...]] = (),
) -> Matrix:
    """A parameter of the layer, or its gradient, as a block; of a large one what matters.

    Args:
        at: the layer.
        name: of the parameter.
        values: the array.
        why: the sentence before it.
        gradient: whether it is ∂L/∂ the parameter.
        cells: the indices of numbers that are shown in any case.
    """
    inputs, outputs = at.chosen_inputs, at.chosen
    if values.shape[-1] == len(at.outputs):
        outputs = (*outputs, *_largest(at))
    if values.shape == (len(at.inputs), len(at.outputs)):
        now = at.lesson.network.parameters.layer(at.layer.name)[name]  # without the update
        inputs = (*inputs, *_most_used_inputs(at, now))
    rows = None if values.ndim == 1 else kept_of(values.shape[0], inputs)
    columns = kept_of(values.shape[-1], outputs)
    if columns and outputs != at.chosen and not at.chosen_inputs:
        columns = at.chosen or columns  # no other output is used where nothing goes back
    looked_at = at.lesson.looked_at
    own = looked_at.array == f"{at.layer.name}.{name}"
    for cell in (*cells, looked_at.index) if own else cells:
        rows = rows and tuple(sorted({*rows, cell[0]}))
        columns = columns and tuple(sorted({*columns, cell[-1]}))
    return Matrix(at.parameter_name(name), values, rows, columns, why, gradient)


def _most_used_inputs(at: Place, values: Array) -> tuple[int, ...]:
    """The inputs with the largest terms in the sums that are worked out, the largest first."""
    x = np.array([at.input(i).value for i in at.inputs])
    terms = np.abs(x[:, None] * values[:, list(at.chosen)]).max(axis=1, initial=0)
    return tuple(int(i) for i in np.argsort(-terms, kind="stable"))


def _largest(at: Place) -> tuple[int, ...]:
    """The outputs of the largest δ, the largest first."""
    delta = np.abs([at.delta(j).value for j in at.outputs])
    return tuple(int(j) for j in np.argsort(-delta, kind="stable"))


MOST_SHOWN = 8
"""The most rows, and the most columns, of an array that is shown."""


def kept_of(size: int, chosen: tuple[int, ...]) -> tuple[int, ...] | None:
    """The indices of an axis that are shown: those worked out, then the first and the last."""
    if size <= MOST_SHOWN:
        return None
    ends = (k for pair in zip(range(size), reversed(range(size)), strict=True) for k in pair)
    wanted = dict.fromkeys([*(k for k in chosen if k < size), *ends])
    return tuple(sorted(list(wanted)[:MOST_SHOWN]))
