"""The written question on convolution: every step of it, sizes and weights, each checked.

Run with: python3 convolution_question.py [--at 3 2] [--all]

1a  X, 6 × 6, under a 3 × 3 filter of −1 around 8, without padding, stride 1: row 3, column 2 is 8.
1b  A 6 × 4 map under a 2 × 2 filter with stride 2 gives 3 × 2.
2a  What is learned, the parameters: the weights in the filter.
2b  What is chosen, the hyperparameters: the sizes of stride, padding and filter.
2c  22 × 22 under one 4 × 4 filter with stride 2: 16 shared weights,
2d  or 1,600, where every place has weights of its own.
2e  40 × 40 × 3 unshared under 4 × 4 with stride 2: 17,328 weights for one filter, 51,984 for 3.
2f  What a filter finds may lie anywhere in an image: found at one place, it is known at all.

What is called convolution does not turn the filter round: y_ij = Σ_pq x_(i+p, j+q) w_pq. Every
answer comes from plain sums and from the library; the exit status is 1 if one is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from chainrule.cli.terminal import failures_reported
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError
from chainrule.nn import Conv2D, Dense, Flatten, LocallyConnected2D, Network
from chainrule.nn.images.filtered import Filtered

X = np.array(
    [
        [1, 0, -2, 3, 4, 1],
        [2, 9, 5, 6, 0, -1],
        [0, -3, 1, 3, 4, 4],
        [6, 5, 2, 0, 6, 8],
        [-5, 4, -3, 1, 3, -2],
        [4, 1, 2, 8, 9, 7],
    ]
)
FILTER = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
"""It answers to a number that differs from those around it: on an even surface it gives 0."""


@dataclass(frozen=True)
class Step:
    """One number of the output.

    Attributes:
        row: from 1, as the question counts.
        column: likewise.
        patch: of X, what lies under the filter, (3, 3).
        products: patch · filter, number by number.
    """

    row: int
    column: int
    patch: Array
    products: Array

    @property
    def value(self) -> int:
        """The sum of the products."""
        return int(self.products.sum())


def step(row: int, column: int, x: Array = X, w: Array = FILTER) -> Step:
    """How one number of the output comes about.

    Args:
        row: of the output, from 1.
        column: likewise.
        x: (height, width).
        w: (rows, columns).

    Raises:
        ChainruleError: the output has no such row or column.

    Example:
        >>> step(3, 2).patch
        array([[-3,  1,  3],
               [ 5,  2,  0],
               [ 4, -3,  1]])
        >>> step(3, 2).value
        8
    """
    height, width = (places(n, f, 1) for n, f in zip(x.shape, w.shape, strict=True))
    if not (1 <= row <= height and 1 <= column <= width):
        raise ChainruleError(
            f"the output has rows 1 to {height} and columns 1 to {width}, found {row} {column}"
        )
    patch = x[row - 1 : row - 1 + w.shape[0], column - 1 : column - 1 + w.shape[1]]
    return Step(row, column, patch, patch * w)


def places(length: int, size: int, stride: int) -> int:
    """Where a filter may lie along one side: ⌊(length − size) / stride⌋ + 1."""
    return (length - size) // stride + 1


def convolution() -> Array:
    """The whole output, (4, 4), step by step."""
    height, width = (places(n, f, 1) for n, f in zip(X.shape, FILTER.shape, strict=True))
    values = [step(r + 1, c + 1).value for r, c in product(range(height), range(width))]
    return np.array(values).reshape(height, width)


@dataclass(frozen=True)
class Setting:
    """Filters over a map.

    Attributes:
        height: of the map.
        width: likewise.
        channels: likewise.
        size: of the filter, which is square.
        stride: by how much it moves on.
        filters: how many there are.
    """

    height: int
    width: int
    size: int
    stride: int
    channels: int = 1
    filters: int = 1

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of what one filter gives.

        Example:
            >>> Setting(6, 4, size=2, stride=2).output
            (3, 2)
        """
        return (
            places(self.height, self.size, self.stride),
            places(self.width, self.size, self.stride),
        )

    @property
    def shared(self) -> int:
        """Weights where one filter is used at every place: f · f · channels · filters."""
        return self.size**2 * self.channels * self.filters

    @property
    def unshared(self) -> int:
        """Weights where every place has its own: places · f · f · channels · filters."""
        rows, columns = self.output
        return rows * columns * self.shared

    def __str__(self) -> str:
        channels = f" x {self.channels}" if self.channels > 1 else ""
        side = f"{self.size} x {self.size}"
        return f"{self.height} x {self.width}{channels} under {side} at stride {self.stride}"

    @property
    def sizes(self) -> str:
        """How the output's sizes are counted, written out."""
        sides = [
            f"({length} - {self.size}) / {self.stride} + 1 = {n}"
            for length, n in zip((self.height, self.width), self.output, strict=True)
        ]
        return f"rows: {sides[0]}, columns: {sides[1]}"

    @property
    def counts(self) -> str:
        """How the weights are counted, written out."""
        rows, columns = self.output
        factors = [self.size, self.size, *(n for n in (self.channels, self.filters) if n > 1)]
        one = " x ".join(map(str, factors))
        return (
            f"shared: {one} = {self.shared:,}; "
            f"unshared: {rows} x {columns} x {one} = {self.unshared:,}"
        )


@dataclass(frozen=True)
class Answer:
    """One answer and what another derivation says.

    Attributes:
        part: of the question, such as ``2c``.
        what: in words.
        found: by plain sums and counts.
        by_library: by the library.
        expected: what the question gives as the answer.
    """

    part: str
    what: str
    found: object
    by_library: object
    expected: object

    @property
    def right(self) -> bool:
        """Whether all three agree."""
        return self.found == self.by_library == self.expected


SMALL = Setting(6, 4, size=2, stride=2)
MIDDLE = Setting(22, 22, size=4, stride=2)
COLOURED = Setting(40, 40, size=4, stride=2, channels=3)


def layer_on_map(kind: type[Conv2D] | type[LocallyConnected2D], s: Setting) -> Filtered:
    """The library's layer of filters without biases, in front of a network on such a map."""
    layer = kind(s.filters, s.size, stride=s.stride, bias=False, activation="linear")
    Network([layer, Flatten(), Dense(1)], input=[s.channels, s.height, s.width], loss="mse")
    return layer


def by_library(x: Array, w: Array, stride: int) -> Array:
    """One image under one filter, by the library's layer."""
    height, width = x.shape
    layer = layer_on_map(Conv2D, Setting(height, width, size=len(w), stride=stride))
    layer.W = w[None, None]
    return layer.forward_pass(x.reshape(1, -1).astype(float)).reshape(layer.output_shape[1:])


def answers() -> list[Answer]:
    """Every answer of the question, in its order."""
    whole, asked = convolution(), by_library(X, FILTER, 1)
    one, three = COLOURED, replace(COLOURED, filters=3)
    small, shared = (layer_on_map(Conv2D, s) for s in (SMALL, MIDDLE))
    own, own_1, own_3 = (layer_on_map(LocallyConnected2D, s) for s in (MIDDLE, one, three))
    return [
        Answer("1a", "rows x columns of the output", whole.shape, asked.shape, (4, 4)),
        Answer("1a", "row 3, column 2 of the output", step(3, 2).value, int(asked[2, 1]), 8),
        Answer("1b", "rows x columns of the output", SMALL.output, small.output_shape[1:], (3, 2)),
        Answer("2c", "shared weights", MIDDLE.shared, shared.W.size, 16),
        Answer("2d", "unshared weights", MIDDLE.unshared, own.W.size, 1600),
        Answer("2e", "unshared weights, 1 filter", one.unshared, own_1.W.size, 17328),
        Answer("2e", "unshared weights, 3 filters", three.unshared, own_3.W.size, 51984),
    ]


def tell_step(step: Step) -> None:
    """Print the patch, the filter, their products and the sum."""
    print(f"row {step.row}, column {step.column}: the patch · the filter = the products")
    width = max(len(str(n)) for n in (*X.flat, *step.products.flat))
    for r, rows in enumerate(zip(step.patch, FILTER, step.products, strict=True)):
        sign = "·=" if r == len(FILTER) // 2 else "  "
        left, middle, right = (" ".join(f"{n:{width}}" for n in row) for row in rows)
        print(f"    {left}  {sign[0]} {middle}  {sign[1]} {right}")
    terms = " ".join(f"{n:+}" for n in step.products.flat)
    print(f"    {terms} = {step.value}\n")


def tell_map(values: Array, name: str) -> None:
    """Print the whole of a map."""
    print(f"{name}, {' x '.join(map(str, values.shape))}:")
    width = max(len(str(n)) for n in values.flat)
    for row in values:
        print("    " + " ".join(f"{n:{width}}" for n in row))
    print()


def tell_answers(found: Sequence[Answer]) -> None:
    """Print each answer beside what the library and the question say."""
    print(f"\n{'':35}{'found':>9}{'library':>10}{'question':>10}")
    for answer in found:
        values = (answer.found, answer.by_library, answer.expected)
        texts = [_text(value) for value in values]
        verdict = "ok" if answer.right else "WRONG"
        line = f"({answer.part}) {answer.what:30}{texts[0]:>9}{texts[1]:>10}{texts[2]:>10}"
        print(f"{line}  {verdict}")


def _text(value: object) -> str:
    return " x ".join(map(str, value)) if isinstance(value, tuple) else f"{value:,}"


def main(words: Sequence[str] | None = None) -> int:
    """Print every step and every answer; 1 if one is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--at", nargs=2, type=int, default=(3, 2), metavar=("ROW", "COLUMN"),
        help="which number of the output is shown step by step, from 1; by default 3 2",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="show all sixteen step by step")
    options = parser.parse_args(words)
    whole = convolution()
    tell_map(X, "X")
    everywhere = [(row + 1, column + 1) for row, column in np.ndindex(whole.shape)]
    for row, column in everywhere if options.all else [options.at]:
        tell_step(step(row, column))
    tell_map(whole, "the output")
    print(f"(1b) {SMALL}")
    print(f"     {SMALL.sizes}")
    for part, setting in (("2c, 2d", MIDDLE), ("2e", COLOURED)):
        print(f"({part}) {setting}\n     {setting.sizes}\n     {setting.counts}")
    found = answers()
    tell_answers(found)
    return int(not all(answer.right for answer in found))


if __name__ == "__main__":
    with failures_reported("convolution_question"):
        raise SystemExit(main())
