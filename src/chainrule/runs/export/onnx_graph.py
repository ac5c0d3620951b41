"""A graph of ONNX under construction: names, nodes and constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.registry import missing_extra

OPSET, ML_OPSET, IR = 17, 3, 8
"""The versions of the operators, of those for tables, and of the format: those of ONNX 1.12, of
2022, which every runtime of today reads."""


class Graph:
    """Nodes and constants, each with a name of its own.

    Args:
        dtype: of the numbers between layers, float32 or float64.

    Attributes:
        padded: for sequences that may be shorter, the name of the truth values (cases, steps, 1)
            that say which steps are padding; otherwise None.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        try:
            import onnx
        except ModuleNotFoundError:
            raise missing_extra("an export to ONNX", "onnx", "onnx") from None
        self.onnx = onnx
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.padded: str | None = None
        self._taken: set[str] = set()
        self._numbers: dict[tuple[str, str], str] = {}

    def fresh(self, name: str) -> str:
        """A name that no value has, as near to ``name`` as possible."""
        found, k = name, 1
        while not found or found in self._taken:
            k += 1
            found = f"{name}_{k}"
        self._taken.add(found)
        return found

    def op(self, kind: str, *inputs: str, name: str = "", domain: str = "", **options: Any) -> str:
        """Add a node with one output, and return the output's name."""
        out = self.fresh(name or kind.lower())
        self._node(kind, inputs, [out], domain, options)
        return out

    def ops(self, kind: str, inputs: Sequence[str], count: int, **options: Any) -> list[str]:
        """Add a node with several outputs, and return their names."""
        out = [self.fresh(kind.lower()) for _ in range(count)]
        self._node(kind, inputs, out, "", options)
        return out

    def _node(
        self, kind: str, inputs: Sequence[str], out: list[str], domain: str, options: Any
    ) -> None:
        make = self.onnx.helper.make_node
        self.nodes.append(make(kind, [*inputs], out, name=out[0], domain=domain, **options))

    def constant(self, values: Any, name: str = "constant", dtype: Any = None) -> str:
        """A constant array, in the type of the graph's numbers unless another is given."""
        array = np.asarray(values, self.dtype if dtype is None else dtype)
        found = self.fresh(name)
        self.constants.append(self.onnx.numpy_helper.from_array(array, found))
        return found

    def texts(self, values: Sequence[str], name: str) -> str:
        """A constant array of texts."""
        found = self.fresh(name)
        kind = self.onnx.TensorProto.STRING
        encoded: Any = [value.encode("utf-8", "replace") for value in values]
        made = self.onnx.helper.make_tensor(found, kind, [len(values)], encoded)
        self.constants.append(made)
        return found

    def number(self, value: float, dtype: Any = None) -> str:
        """A single number as a constant; equal ones are the same constant."""
        kind = np.dtype(self.dtype if dtype is None else dtype)
        key = (str(float(value)), kind.name)  # NaN is a number like any other
        if key not in self._numbers:
            self._numbers[key] = self.constant(value, "number", kind)
        return self._numbers[key]

    def sizes(self, *sizes: int) -> str:
        """Whole numbers as a constant, for shapes and axes."""
        return self.constant(np.array(sizes), "sizes", np.int64)

    def cast(self, value: str, dtype: Any) -> str:
        """The value in another type of numbers."""
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.op("Cast", value, to=to)

    def reshape(self, value: str, *shape: int, name: str = "reshape") -> str:
        """The value with the cases as they are and another shape of a case."""
        return self.op("Reshape", value, self.sizes(0, *shape), name=name)

    def any_nan(self, value: str) -> str:
        """Whether there is a NaN among the numbers of the last axis, which is kept with size 1."""
        lost = self.cast(self.op("IsNaN", value), np.float32)
        most = self.op("ReduceMax", lost, axes=[-1], keepdims=1)
        return self.cast(most, np.bool_)

    def all_nan(self, value: str) -> str:
        """Whether all numbers of the last axis are NaN; the axis is kept with size 1."""
        lost = self.cast(self.op("IsNaN", value), np.float32)
        least = self.op("ReduceMin", lost, axes=[-1], keepdims=1)
        return self.cast(least, np.bool_)

    def info(self, name: str, dtype: Any, shape: Sequence[int | str] | None) -> Any:
        """The declaration of an input or output."""
        helper = self.onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return helper.make_tensor_value_info(name, kind, shape)

    @contextmanager
    def body(self) -> Iterator[list[Any]]:
        """The nodes added within are those of a loop's body; constants are the whole graph's."""
        outside, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = outside

    def over_steps(
        self,
        step: Callable[[list[str], list[str]], list[str]],
        states: Sequence[Array | str],
        fed: Sequence[str],
    ) -> tuple[list[str], list[str]]:
        """Run a step over the second axis of (cases, steps, ...); padding keeps the states.

        Args:
            step: the new states from the states and what is fed at a step, all by name.
            states: before the first step, (size,) each.
            fed: (cases, steps, ...) each.

        Returns:
            The states after the last step, (cases, size) each, and after every step,
            (cases, steps, size).
        """
        cases = self.op("Shape", fed[0], start=0, end=1)
        before = [self._for_all(cases, state) for state in states]
        given = [*fed, *([] if self.padded is None else [self.padded])]
        inner, outer = [self.fresh("state") for _ in states], [self.fresh("fed") for _ in given]
        bare = self.info
        with self.body() as nodes:
            after = step(inner, outer[: len(fed)])
            if self.padded is not None:
                pairs = zip(inner, after, strict=True)
                after = [self.op("Where", outer[-1], old, new) for old, new in pairs]
            after = [self.op("Identity", one) for one in after]
            copies = [self.op("Identity", one) for one in after]
        kinds = [*[self.dtype] * (len(inner) + len(fed)), *[np.bool_] * (len(given) - len(fed))]
        inputs = [bare(n, kind, None) for n, kind in zip([*inner, *outer], kinds, strict=True)]
        outputs = [bare(name, self.dtype, None) for name in (*after, *copies)]
        loop = self.onnx.helper.make_graph(nodes, self.fresh("body"), inputs, outputs)
        found = self.ops(
            "Scan",
            [*before, *given],
            2 * len(before),
            body=loop,
            num_scan_inputs=len(given),
            scan_input_axes=[1] * len(given),
            scan_output_axes=[1] * len(before),
        )
        return found[: len(before)], found[len(before) :]

    def _for_all(self, cases: str, state: Array | str) -> str:
        """A state, (size,), for every case: (cases, size)."""
        array: Any = state
        name = self.constant(array, "start")
        shape = self.op("Concat", cases, self.sizes(len(array)), axis=0)
        return self.op("Expand", name, shape)
