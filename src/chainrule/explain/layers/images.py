"""Layers of filters on the board: one pixel of the output, and the windows that share a weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.explain.activations import activation_word
from chainrule.explain.blocks import Block, Matrix, Sentence, Step
from chainrule.explain.expressions import Expression, Name, shortened
from chainrule.explain.layers.common import flat, gradient_step, summed, unflat
from chainrule.explain.layers.dense import ActivatedExplainer, activated
from chainrule.explain.naming import name_text
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.im2col import offsets

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place

MOST_SHOWN = 2
"""The most filters, and the most channels of each, that are shown as matrices."""

MOST_WINDOWS = 4
"""The outputs of a shared weight that are chosen to be worked out."""


def pixels_under(windows: Windows, i: int, j: int) -> Iterator[tuple[int, int, int, int]]:
    """Row p and column q within the window at (i, j), and the pixel there, padding left out."""
    top, _, left, _ = windows.padding
    for p, q in offsets(windows):
        row, column = i * windows.stride[0] + p - top, j * windows.stride[1] + q - left
        if 0 <= row < windows.height and 0 <= column < windows.width:
            yield p, q, row, column


def windows_over(windows: Windows, row: int, column: int) -> Iterator[tuple[int, int, int, int]]:
    """The places (i, j) whose windows cover a pixel, and where it lies in each, (p, q)."""
    for i in range(windows.down):
        for j in range(windows.across):
            p = row + windows.padding[0] - i * windows.stride[0]
            q = column + windows.padding[2] - j * windows.stride[1]
            if 0 <= p < windows.rows and 0 <= q < windows.columns:
                yield i, j, p, q


def extent(windows: Windows, i: int, j: int) -> str:
    """Which rows and columns the window at (i, j) covers, counted from 1, padding left out."""
    found = [(row, column) for _, _, row, column in pixels_under(windows, i, j)]
    rows, columns = ({place[k] for place in found} for k in (0, 1))
    return f"{_range('row', rows)} and {_range('column', columns)}"


def _range(what: str, found: set[int]) -> str:
    first, last = min(found) + 1, max(found) + 1
    return f"{what} {first}" if first == last else f"{what}s {first} to {last}"


class FilteredExplainer(ActivatedExplainer):
    """z of a pixel is the sum of the numbers under its window times the filter's weights."""

    def what(self, layer: Any) -> str:
        """Such as ``3 filters of 3 × 2, tanh``."""
        rows, columns = layer.filter_size
        filters = f"{layer.filters} filter{'s' * (layer.filters > 1)} of {rows} × {columns}"
        return f"{filters}, {activation_word(layer.activation)}"

    def weight(self, f: int, c: int, p: int, q: int, i: int, j: int) -> tuple[int, ...]:
        """The index in W of the weight of filter f for channel c at (p, q), used at (i, j)."""
        return (f, c, p, q)

    def bias(self, f: int, i: int, j: int) -> tuple[int, ...]:
        """The index in b of the bias of filter f at (i, j)."""
        return (f,)

    def uses(self, at: Place, index: tuple[int, ...]) -> list[tuple[int, int, int, int, int, int]]:
        """Where a weight is used: (f, c, p, q, i, j) of every place."""
        f, c, p, q = index
        places = np.ndindex(at.layer.windows.down, at.layer.windows.across)
        return [(f, c, p, q, i, j) for i, j in places]

    # The forward pass

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        yield from self._about(at)
        for j in at.chosen:
            yield from self._window(at, j)
            yield Step(at.z(j), (self._weighted_sum(at, j),), why=self._about_z(at))
            yield from activated(at, j)

    def _about(self, at: Place) -> Iterator[Block]:
        layer, windows = at.layer, at.layer.windows
        if at.lesson.first_time("filters"):
            yield Sentence(
                "A filter is a small array of weights. It is laid on the image at many places: "
                "the numbers under it, its window, are each multiplied by the weight that lies "
                "on them, and the sum is one number z of the output. " + self._sharing(at)
            )
        steps = f"{windows.stride[0]} row{'s' * (windows.stride[0] > 1)} or "
        steps += f"{windows.stride[1]} column{'s' * (windows.stride[1] > 1)}"
        padding = (
            " Around the image lie zeros, the padding; they add nothing, and are left out below."
            if any(windows.padding)
            else ""
        )
        yield Sentence(
            f"Each filter is laid on {windows.down} × {windows.across} places, {steps} apart. "
            f"There {'are' if layer.filters > 1 else 'is'} {layer.filters} "
            f"filter{'s' * (layer.filters > 1)}, so that the output has "
            f"{layer.filters} map{'s' * (layer.filters > 1)} of {windows.down} × "
            f"{windows.across}.{padding}"
        )
        if len(at.chosen) < len(at.outputs):
            yield Sentence(
                f"Of its {len(at.outputs):,} numbers {len(at.chosen)} are worked out, those that "
                "matter most for L in this case. All others go the same way."
            )
        yield from self._filters(at)

    def _sharing(self, at: Place) -> str:
        return (
            "All places share the same weights: that is what makes it a convolution. Indices "
            "of z are map, row, column; those of W are filter, channel of the input, row and "
            "column in the filter."
        )

    def _filters(self, at: Place) -> Iterator[Block]:
        """The filters of the chosen outputs as matrices."""
        shown: set[tuple[int, ...]] = set()
        for one in at.chosen:
            f, i, j = unflat(one, at.layer.output_shape)
            for c in range(min(at.layer.windows.channels, MOST_SHOWN)):
                head = self.weight(f, c, 0, 0, i, j)[:-2]
                if head in shown or len(shown) >= MOST_SHOWN**2:
                    continue
                shown.add(head)
                values = at.lesson.network.parameters[f"{at.layer.name}.W"][head]
                yield Matrix(at.parameter_name("W", *head), values)

    def _window(self, at: Place, one: int) -> Iterator[Block]:
        """The numbers under the window, for the first outputs that are worked out."""
        f, i, j = unflat(one, at.layer.output_shape)
        if one != at.chosen[0]:
            return
        windows = at.layer.windows
        yield Sentence(
            f"{name_text(at.z(one).name)} is the number of filter {f + 1} at row {i + 1} and "
            f"column {j + 1} of its map. Its window covers {extent(windows, i, j)} of the image:"
        )
        found = list(pixels_under(windows, i, j))
        rows = tuple(sorted({row for _, _, row, _ in found}))
        columns = tuple(sorted({column for _, _, _, column in found}))
        for c in range(min(windows.channels, MOST_SHOWN)):
            image = at.lesson.fed[at.k][at.lesson.case].reshape(windows.image)[c]
            name = at.input(flat((c, rows[0], columns[0]), windows.image)).name
            assert isinstance(name, Name), "a pixel has a simple name"
            yield Matrix(Name(name.letter, name.layer, name.at[:1]), image, rows, columns)

    def _weighted_sum(self, at: Place, one: int) -> Expression:
        f, i, j = unflat(one, at.layer.output_shape)
        windows, terms = at.layer.windows, []
        for c in range(windows.channels):
            for p, q, row, column in pixels_under(windows, i, j):
                x = at.input(flat((c, row, column), windows.image))
                terms.append(x * at.parameter("W", *self.weight(f, c, p, q, i, j)))
        if at.layer.bias:
            terms.append(at.parameter("b", *self.bias(f, i, j)))
        last = len(terms) - 1
        return shortened(terms, lambda k: at.layer.bias and k == last)

    def _about_z(self, at: Place) -> str:
        if not at.lesson.first_time("z of a window"):
            return ""
        added = ", and the filter's bias is added" if at.layer.bias else ""
        return f"Each number under the window times the weight that lies on it{added}."

    # The backward pass

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        windows, shape = at.layer.windows, at.layer.output_shape
        for one in at.chosen_inputs:
            c, row, column = unflat(one, windows.image)
            terms = [
                at.delta(flat((f, i, j), shape))
                * at.parameter("W", *self.weight(f, c, p, q, i, j))
                for f in range(at.layer.filters)
                for i, j, p, q in windows_over(windows, row, column)
            ]
            why = self._about_sent(at, one, len(terms))
            yield Step(at.sent(one), (summed(terms),), why=why)

    def _about_sent(self, at: Place, one: int, uses: int) -> str:
        if not at.lesson.first_time("∂L/∂pixel"):
            return ""
        name = name_text(at.input(one).name)
        if not uses:
            return f"{name} lies under no window, so that it moves nothing."
        return (
            f"{name} lies under {uses // at.layer.filters} window"
            f"{'s' * (uses // at.layer.filters > 1)} of each filter. In each it is multiplied by "
            "the weight that lies on it there: it moves that z by this weight, and z moves L by "
            "δ. The ways add up."
        )

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        for index in at.cells("W"):
            terms = list(self._terms_of(at, index))
            why = self._why_w(at, index, len(terms))
            yield gradient_step(at, "W", index, terms, why, "windows")
        for index in at.cells("b") if at.layer.bias else ():
            why = self._why_b(at)
            yield gradient_step(at, "b", index, list(self._deltas(at, index)), why, "places")

    def _terms_of(self, at: Place, index: tuple[int, ...]) -> Iterator[Expression]:
        """δ · x of every use of a weight, those under which padding lies left out."""
        windows, shape = at.layer.windows, at.layer.output_shape
        for f, c, p, q, i, j in self.uses(at, index):
            row = i * windows.stride[0] + p - windows.padding[0]
            column = j * windows.stride[1] + q - windows.padding[2]
            if 0 <= row < windows.height and 0 <= column < windows.width:
                x = at.input(flat((c, row, column), windows.image))
                yield at.delta(flat((f, i, j), shape)) * x

    def _deltas(self, at: Place, index: tuple[int, ...]) -> Iterator[Expression]:
        (f,) = index
        for i, j in np.ndindex(at.layer.windows.down, at.layer.windows.across):
            yield at.delta(flat((f, i, j), at.layer.output_shape))

    def _why_w(self, at: Place, index: tuple[int, ...], uses: int) -> str:
        if not at.lesson.first_time("∂L/∂W of a filter"):
            return ""
        name = name_text(at.parameter_name("W", *index))
        windows = f"the windows of {uses} places" if uses > 1 else "the window of one place"
        return (
            f"{name} is one weight, but {windows} use it, each on another number of the image. "
            "A change of it changes z at all of these places at once. At each place it moves z "
            "by the number that it lies on, and z moves L by δ: so its gradient is the sum over "
            "all windows of δ times that number. That is what sharing a weight means."
        )

    def _why_b(self, at: Place) -> str:
        if not at.lesson.first_time("∂L/∂b of a filter"):
            return ""
        return "A filter's bias is added at every place of its map, so its gradient is Σ δ."

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The places where |δ| or what stands for it is largest, of those that use the weight."""
        windows, shape = at.layer.windows, at.layer.output_shape
        if name == "W":
            places = [(f, i, j) for f, _, _, _, i, j in self.uses(at, index)]
        else:
            places = [(*index, i, j) for i, j in np.ndindex(windows.down, windows.across)]
        found = np.ravel_multi_index(tuple(np.transpose(places)), shape)
        J = np.abs(at.lesson.received[at.k][at.lesson.case][found])
        chosen: list[int] = found[np.lexsort((found, -J))[:MOST_WINDOWS]].tolist()
        return chosen


class LocalExplainer(FilteredExplainer):
    """Filters of its own at every place: no weight is shared."""

    def weight(self, f: int, c: int, p: int, q: int, i: int, j: int) -> tuple[int, ...]:
        """See `FilteredExplainer.weight`."""
        return (i, j, f, c, p, q)

    def bias(self, f: int, i: int, j: int) -> tuple[int, ...]:
        """See `FilteredExplainer.bias`."""
        return (i, j, f)

    def uses(self, at: Place, index: tuple[int, ...]) -> list[tuple[int, int, int, int, int, int]]:
        """The one place that a weight belongs to."""
        i, j, f, c, p, q = index
        return [(f, c, p, q, i, j)]

    def _sharing(self, at: Place) -> str:
        return (
            "Every place has weights of its own, which no other place uses. Indices of z are "
            "map, row, column; those of W are row and column of the place, filter, channel of "
            "the input, row and column in the filter."
        )

    def _deltas(self, at: Place, index: tuple[int, ...]) -> Iterator[Expression]:
        i, j, f = index
        yield at.delta(flat((f, i, j), at.layer.output_shape))

    def _why_w(self, at: Place, index: tuple[int, ...], uses: int) -> str:
        if not at.lesson.first_time("∂L/∂W of a place"):
            return ""
        name = name_text(at.parameter_name("W", *index))
        return (
            f"{name} is used at one place alone. It moves z there by the number that it lies on, "
            "and z moves L by δ; no other window has a part in its gradient."
        )

    def _why_b(self, at: Place) -> str:
        if not at.lesson.first_time("∂L/∂b of a place"):
            return ""
        return "Each place has a bias of its own, which is added to z: its gradient is δ."

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The one output that a weight or bias belongs to."""
        i, j, f = index[:3]
        return (flat((f, i, j), at.layer.output_shape),)
