"""SIMD vectors for compiled code: lines, each as long as a cache line, 64 bytes.

Where the compiler itself vectorises a loop, it writes sums back to memory in every iteration,
checks whether the arrays overlap, and uses vectors of half the length. With `load` and `store` a
kernel determines what stays in registers. It runs on any processor: the compiler splits a line
into the registers that the processor has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

LINE = 64
"""Bytes per line."""

ONE_LINE, TWO_LINES, THREE_LINES, FOUR_LINES = ((None,) * n for n in (1, 2, 3, 4))
SIX_LINES, EIGHT_LINES = ((None,) * n for n in (6, 8))
"""Numbers of lines for `load`, as lengths of tuples: a tuple's length is part of its type."""

_CONTRACT = ("contract",)


def _intrinsic(function: Callable[..., Any]) -> Any:
    """Make a function that compiled code calls and that generates its own instructions.

    ``function`` takes Numba's typing context and the types of the arguments, and returns the
    signature and a function that generates the instructions.
    """
    return intrinsic(function)


class Lines(types.Type):
    """The type of one or more lines of values.

    Args:
        dtype: the type of each value.
        count: the number of lines.
    """

    def __init__(self, dtype: Any, count: int) -> None:
        super().__init__(f"Lines({dtype}, {count})")
        self.dtype, self.count = dtype, count


@register_model(Lines)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lines) -> None:
        line = ir.VectorType(
            manager.lookup(kind.dtype).get_value_type(), LINE * 8 // kind.dtype.bitwidth
        )
        kinds = ir.ArrayType(line, kind.count)
        super().__init__(manager, kind, kinds)  # type: ignore[no-untyped-call]


def _loaded_from(places_of: Any, kind: Lines) -> Any:
    """Generates loads of lines from the addresses that ``places_of`` computes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = places_of(context, builder, signature.args[:-1], args[:-1], kind)
        align = kind.dtype.bitwidth // 8
        return _join(builder, [builder.load(place, align=align) for place in places])

    return generate


def _stored_to(places_of: Any, kind: Lines) -> Any:
    """Generates stores of lines, the first argument, to the addresses from ``places_of``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = places_of(context, builder, signature.args[1:], args[1:], kind)
        for line, place in zip(_split(builder, args[0]), places, strict=True):
            builder.store(line, place, align=kind.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return generate


def _computed(compute: Callable[..., list[Any]]) -> Any:
    """Generates lines computed by ``compute`` from the builder and the lines of each argument."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _join(builder, compute(builder, *(_split(builder, lines) for lines in args)))

    return generate


def _filled_from(kind: Lines) -> Any:
    """Generates lines, each filled with one value; the values lie ``step`` apart in memory."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = _place(context, builder, signature.args[:3], args[:3])
        line = context.get_value_type(kind).element
        (step,) = args[3:-1] or [ir.IntType(64)(1)]
        steps = [builder.mul(step, step.type(k)) for k in range(kind.count)]
        numbers = [builder.load(builder.gep(first, [step])) for step in steps]
        return _join(builder, [_filled(builder, number, line) for number in numbers])

    return generate


@_intrinsic
def load(typing: Any, array: Any, row: Any, at: Any, lines: Any) -> Any:
    """Load consecutive lines of array[row] from ``at`` on; ``lines`` is a tuple of that length."""
    kind = Lines(array.dtype, len(lines))
    return kind(array, row, at, lines), _loaded_from(_places, kind)


@_intrinsic
def store(typing: Any, lines: Any, array: Any, row: Any, at: Any) -> Any:
    """Store lines consecutively in array[row] from ``at`` on."""
    return types.void(lines, array, row, at), _stored_to(_places, lines)


@_intrinsic
def fill(typing: Any, number: Any, like: Any) -> Any:
    """Lines of the type of ``like``, filled with one number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        line = context.get_value_type(like).element
        number = context.cast(builder, args[0], signature.args[0], like.dtype)
        return _join(builder, [_filled(builder, number, line)] * like.count)

    return like(number, like), generate


@_intrinsic
def total(typing: Any, line: Any) -> Any:
    """The sum of the values of one line."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _total(builder, _split(builder, args[0])[0])

    return line.dtype(line), generate


@_intrinsic
def load_rows(typing: Any, array: Any, row: Any, at: Any, step: Any, lines: Any) -> Any:
    """Load lines that begin at ``at``, ``at`` + ``step``, ``at`` + 2 ``step`` … in array[row]."""
    kind = Lines(array.dtype, len(lines))
    return kind(array, row, at, step, lines), _loaded_from(_places_apart, kind)


@_intrinsic
def store_rows(typing: Any, lines: Any, array: Any, row: Any, at: Any, step: Any) -> Any:
    """Store lines at the positions from which `load_rows` loads them."""
    return types.void(lines, array, row, at, step), _stored_to(_places_apart, lines)


@_intrinsic
def load_filled(typing: Any, array: Any, row: Any, at: Any, lines: Any) -> Any:
    """Lines filled with array[row, at], array[row, at + 1] and so on, one value per line."""
    kind = Lines(array.dtype, len(lines))
    return kind(array, row, at, lines), _filled_from(kind)


@_intrinsic
def load_filled_apart(typing: Any, array: Any, row: Any, at: Any, step: Any, lines: Any) -> Any:
    """Lines filled with array[row, at], array[row, at + step] and so on, one value per line."""
    kind = Lines(array.dtype, len(lines))
    return kind(array, row, at, step, lines), _filled_from(kind)


@_intrinsic
def repeat(typing: Any, line: Any, lines: Any) -> Any:
    """One line repeated; ``lines`` is a tuple whose length is the number of lines."""
    kind = Lines(line.dtype, len(lines))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _join(builder, _split(builder, args[0]) * kind.count)

    return kind(line, lines), generate


@_intrinsic
def add_products(typing: Any, line: Any, a: Any, b: Any) -> Any:
    """``line`` + Σ_k a_k ⊙ b_k over the lines of a and b, added one after the other."""

    def compute(builder: Any, line: list[Any], a: list[Any], b: list[Any]) -> list[Any]:
        (total,) = line
        for x, y in zip(a, b, strict=True):
            total = _add_product(builder, total, x, y)
        return [total]

    return line(line, a, b), _computed(compute)


@_intrinsic
def lanes(typing: Any, array: Any) -> Any:
    """The number of an array's values per line, a constant of the compiled code."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.IntType(64)(LINE * 8 // array.dtype.bitwidth)

    return types.int64(array), generate


@_intrinsic
def zeros(typing: Any, array: Any, a: Any, b: Any) -> Any:
    """Zeros in the type of an array: len(a) · len(b) lines, for two tuples a and b."""
    kind = Lines(array.dtype, len(a) * len(b))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(kind), None)

    return kind(array, a, b), generate


@_intrinsic
def add_outer_products(typing: Any, lines: Any, a: Any, b: Any) -> Any:
    """Lines s_ij + a_i ⊙ b_j for every line a_i of a and b_j of b; j runs fastest."""

    def compute(builder: Any, totals: list[Any], a: list[Any], b: list[Any]) -> list[Any]:
        pairs = ((x, y) for x in a for y in b)
        return [
            _add_product(builder, total, x, y) for total, (x, y) in zip(totals, pairs, strict=True)
        ]

    return lines(lines, a, b), _computed(compute)


@_intrinsic
def store_block(typing: Any, lines: Any, array: Any, row: Any, at: Any, b: Any) -> Any:
    """Store lines in consecutive rows of an array from column ``at`` on, len(b) lines per row."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = Lines(lines.dtype, len(b))
        for first in range(0, lines.count, kind.count):
            row = builder.add(args[2], args[2].type(first // kind.count))
            values = [args[1], row, args[3]]
            places = _places(context, builder, signature.args[1:4], values, kind)
            for k, place in enumerate(places):
                line = builder.extract_value(args[0], first + k)
                builder.store(line, place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(lines, array, row, at, b), generate


@_intrinsic
def load_at(typing: Any, array: Any, row: Any, at: Any, offsets: Any, k: Any, lines: Any) -> Any:
    """Load lines that begin at ``at`` + offsets[k], ``at`` + offsets[k + 1] … in array[row]."""
    kind = Lines(array.dtype, len(lines))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = _place(context, builder, signature.args[:3], args[:3])
        table = context.make_array(offsets)(context, builder, args[3]).data
        line = context.get_value_type(kind).element.as_pointer()
        found = []
        for n in range(kind.count):
            place = builder.gep(table, [builder.add(args[4], args[4].type(n))])
            first = builder.bitcast(builder.gep(start, [builder.load(place)]), line)
            found.append(builder.load(first, align=array.dtype.bitwidth // 8))
        return _join(builder, found)

    return kind(array, row, at, offsets, k, lines), generate


@_intrinsic
def add_totals(typing: Any, lines: Any, array: Any, row: Any, at: Any) -> Any:
    """Add the sum of each line to array[row, at], array[row, at + 1] and so on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = _place(context, builder, signature.args[1:], args[1:])
        for k, line in enumerate(_split(builder, args[0])):
            place = builder.gep(first, [ir.IntType(64)(k)])
            builder.store(builder.fadd(builder.load(place), _total(builder, line)), place)
        return context.get_dummy_value()

    return types.void(lines, array, row, at), generate


@_intrinsic
def rectified(typing: Any, lines: Any) -> Any:
    """relu: 0 where a value is negative, otherwise the value; NaN stays NaN."""

    def compute(builder: Any, lines: list[Any]) -> list[Any]:
        zero = ir.Constant(lines[0].type, None)
        return [builder.select(builder.fcmp_ordered("<", x, zero), zero, x) for x in lines]

    return lines(lines), _computed(compute)


@_intrinsic
def where_positive(typing: Any, lines: Any, other: Any) -> Any:
    """The values of ``lines`` where those of the other lines are above 0, and 0 elsewhere."""

    def compute(builder: Any, lines: list[Any], other: list[Any]) -> list[Any]:
        zero, pairs = ir.Constant(lines[0].type, None), zip(lines, other, strict=True)
        return [builder.select(builder.fcmp_ordered(">", y, zero), x, zero) for x, y in pairs]

    return lines(lines, other), _computed(compute)


def _place(context: Any, builder: Any, kinds: Any, values: Any) -> Any:
    """The address of array[row, at]."""
    data = context.make_array(kinds[0])(context, builder, values[0])
    width = builder.extract_value(data.shape, 1)
    return builder.gep(data.data, [builder.add(builder.mul(values[1], width), values[2])])


def _places(context: Any, builder: Any, kinds: Any, values: Any, kind: Lines) -> list[Any]:
    """The addresses of consecutive lines."""
    line = context.get_value_type(kind).element.as_pointer()
    start = builder.bitcast(_place(context, builder, kinds, values), line)
    return [builder.gep(start, [ir.IntType(64)(k)]) for k in range(kind.count)]


def _places_apart(context: Any, builder: Any, kinds: Any, values: Any, kind: Lines) -> list[Any]:
    """The addresses of lines that begin one step apart."""
    line = context.get_value_type(kind).element.as_pointer()
    first = _place(context, builder, kinds, values)
    steps = [builder.mul(values[3], ir.IntType(64)(k)) for k in range(kind.count)]
    return [builder.bitcast(builder.gep(first, [step]), line) for step in steps]


def _filled(builder: Any, number: Any, line: Any) -> Any:
    """A line filled with one number."""
    one = builder.insert_element(ir.Constant(line, ir.Undefined), number, ir.IntType(32)(0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), line.count), [0] * line.count)
    return builder.shuffle_vector(one, one, first)


def _total(builder: Any, rest: Any) -> Any:
    """The sum of a line: its halves are added until one value is left."""
    size = ir.IntType(32)
    while (half := rest.type.count // 2) >= 1:
        low, high = (
            builder.shuffle_vector(
                rest, rest, ir.Constant(ir.VectorType(size, half), list(range(k, k + half)))
            )
            for k in (0, half)
        )
        rest = builder.fadd(low, high)
    return builder.extract_element(rest, size(0))


def _split(builder: Any, lines: Any) -> list[Any]:
    return [builder.extract_value(lines, k) for k in range(lines.type.count)]


def _join(builder: Any, parts: Sequence[Any]) -> Any:
    lines = ir.Constant(ir.ArrayType(parts[0].type, len(parts)), ir.Undefined)
    for k, part in enumerate(parts):
        lines = builder.insert_value(lines, part, k)
    return lines


def _add_product(builder: Any, total: Any, x: Any, y: Any) -> Any:
    """A line plus the product of two, rounded once if the processor has such an instruction."""
    product = builder.fmul(x, y, flags=_CONTRACT)
    return builder.fadd(total, product, flags=_CONTRACT)


def _arithmetic(name: str) -> Any:
    """An elementwise operation; the compiler may fuse a product and a sum into one rounding."""

    @_intrinsic
    def operate(typing: Any, a: Any, b: Any) -> Any:
        def compute(builder: Any, a: list[Any], b: list[Any]) -> list[Any]:
            operation = getattr(builder, name)
            return [operation(x, y, flags=_CONTRACT) for x, y in zip(a, b, strict=True)]

        return a(a, b), _computed(compute)

    return operate


_add, _subtract, _multiply = (_arithmetic(name) for name in ("fadd", "fsub", "fmul"))


@overload(operator.add, jit_options={"forceinline": True})
def _plus(a: Any, b: Any) -> Any:
    return _sum if _are_lines(a, b) else None


@overload(operator.sub, jit_options={"forceinline": True})
def _minus(a: Any, b: Any) -> Any:
    return _difference if _are_lines(a, b) else None


@overload(operator.mul, jit_options={"forceinline": True})
def _times(a: Any, b: Any) -> Any:
    """Lines times lines, or a number times lines."""
    if _are_lines(a, b):
        return _product
    return _multiple if isinstance(b, Lines) else None


def _sum(a: Any, b: Any) -> Any:
    return _add(a, b)


def _difference(a: Any, b: Any) -> Any:
    return _subtract(a, b)


def _product(a: Any, b: Any) -> Any:
    return _multiply(a, b)


def _multiple(a: Any, b: Any) -> Any:
    return _multiply(fill(a, b), b)


def _are_lines(*kinds: Any) -> bool:
    return all(isinstance(kind, Lines) for kind in kinds)
