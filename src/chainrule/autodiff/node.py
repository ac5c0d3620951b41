"""The graph: nodes, each with an array, and the operations that make nodes.

Computing builds the graph: every operation on a `Node` gives a new `Node`, whose inputs are older
than itself, so no cycle can arise. Python's operators, NumPy's functions (``np.exp(z)``) and those
of this package (``exp(z)``) all take nodes. A function written with NumPy can therefore be
differentiated as it is, and still takes arrays.

The modules `functions`, `shapes` and `images` register the operations; none is defined here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ShapeError, UnknownNameError, printable, unknown

Pullback = Callable[..., "Node"]
"""The product g J for one argument, given the nodes of g, of the result and of the inputs."""


@dataclass(frozen=True)
class Operation:
    """How a value is computed from others, and how a gradient goes back through it.

    Attributes:
        name: the name in messages and for `apply`.
        formula: a template with ``{0}``, ``{1}`` for the inputs and each option's name in braces.
        binding: the formula's precedence: `SUM`, `PRODUCT`, `POWER` or `CALL`.
        forward: computes the value from the inputs' arrays and the options.
        backward: a `Pullback` for each argument; where there may be any number of arguments, a
            function that gives the pullback of argument number k.
        elementwise: inputs are broadcast against each other, and gradients summed back.
        expects: what the inputs must be, for the error message.
    """

    name: str
    formula: str
    binding: int
    forward: Callable[..., Any]
    backward: Sequence[Pullback] | Callable[[int], Pullback]
    elementwise: bool = False
    expects: str = "shapes that can be broadcast together"

    def pullback(self, k: int) -> Pullback:
        """The pullback of argument number ``k``."""
        return self.backward(k) if callable(self.backward) else self.backward[k]


SUM, PRODUCT, POWER, CALL = 1, 2, 3, 4
"""Precedences of formulas: one inside a formula of higher precedence is put in brackets."""

OPERATIONS: dict[str, Operation] = {}
"""The operations by name."""

UFUNCS: dict[np.ufunc, str] = {}
"""For each elementwise NumPy function that takes nodes, the name of its operation."""

NUMPY_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""For each other NumPy function that takes nodes, the function that is called instead."""

_COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)

_OF_VALUES = (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like)
"""Functions whose result is a plain array or number, through which no gradient goes back."""


def register(operation: Operation, ufunc: np.ufunc | None = None) -> None:
    """Register an operation by its name; ``ufunc`` called on nodes applies it too."""
    OPERATIONS[operation.name] = operation
    if ufunc is not None:
        UFUNCS[ufunc] = operation.name


def _operator(name: str) -> tuple[Callable[[Node, Any], Node], Callable[[Node, Any], Node]]:
    """The two methods of a Python operator, such as ``__sub__`` and ``__rsub__``."""

    def left(self: Node, other: Any) -> Node:
        return apply(name, self, other)

    def right(self: Node, other: Any) -> Node:
        return apply(name, other, self)

    return left, right


def _comparison(ufunc: np.ufunc) -> Callable[[Node, Any], Array]:
    """The method of a comparison, which returns a plain array."""
    return lambda self, other: ufunc(real_value(self), real_value(other))


class Node:
    """An array, with the operation and the nodes that it was made from.

    Args:
        value: the array.
        operation: None for a variable or a constant.
        inputs: the nodes that the operation was applied to.
        options: the operation's options, such as an axis.
        name: the name in tables and pictures.

    Example:
        >>> x = variable([1.0, 2.0], "x")
        >>> y = (3 * x + 1).named("y")
        >>> y
        y = array([4., 7.])
        >>> y.operation.name, [node.name for node in y.inputs[0].inputs]
        ('add', [None, 'x'])
    """

    __slots__ = ("__weakref__", "inputs", "name", "operation", "options", "value")

    def __init__(
        self,
        value: Array,
        operation: Operation | None = None,
        inputs: tuple[Node, ...] = (),
        options: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.value = value
        self.operation = operation
        self.inputs = inputs
        self.options = options or {}
        self.name = name

    def named(self, name: str) -> Node:
        """This node, called ``name`` from now on."""
        self.name = name
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.value.dtype

    @property
    def T(self) -> Node:
        """The axes in reverse order."""
        return apply("transpose", self, axes=tuple(reversed(range(self.ndim))))

    def __repr__(self) -> str:
        return printable(f"{self.name or 'node'} = {self.value!r}")

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Node]:
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.value)

    # Arithmetic. Comparisons give plain arrays of booleans, through which no gradient goes back.

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract")
    __mul__, __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide")
    __pow__, __rpow__ = _operator("power")
    __matmul__, __rmatmul__ = _operator("matmul")

    def __neg__(self) -> Node:
        return apply("negative", self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return apply("abs", self)

    def __getitem__(self, key: Any) -> Node:
        return apply("getitem", self, key=key)

    __gt__ = _comparison(np.greater)
    __ge__ = _comparison(np.greater_equal)
    __lt__ = _comparison(np.less)
    __le__ = _comparison(np.less_equal)

    def __eq__(self, other: Any) -> Any:
        """Whether both are the same node; for numbers, an array: true where equal."""
        return self is other if isinstance(other, Node) else self.value == other

    def __ne__(self, other: Any) -> Any:
        return self is not other if isinstance(other, Node) else self.value != other

    __hash__ = object.__hash__

    # Methods that arrays have too, so that the same function takes both.

    def sum(self, axis: Any = None, keepdims: bool = False) -> Node:
        """See `chainrule.autodiff.sum`."""
        return apply("sum", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Node:
        """See `chainrule.autodiff.mean`."""
        return apply("mean", self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Node:
        """The same numbers in another shape, given as a tuple or as numbers."""
        return apply("reshape", self, shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Node:
        """The axes in the order given, as a tuple or as numbers; reversed if none is given."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return apply("transpose", self, axes=tuple(order)) if axes else self.T

    def __array__(self, *args: Any, **options: Any) -> Array:
        raise ShapeError(
            "a node is no array: NumPy would lose where it comes from; write node.value for the "
            "numbers, or concatenate for an array of nodes"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """The result of ``ufunc(*inputs)`` where one of the inputs is a node.

        Raises:
            ShapeError: the graph has no such operation.
        """
        if ufunc in _COMPARISONS:
            return getattr(ufunc, method)(*map(real_value, inputs), **options)
        if method != "__call__" or options or ufunc not in UFUNCS:
            words = ", ".join([*([] if method == "__call__" else [method]), *options])
            raise ShapeError(_missing(ufunc.__name__ + (f" with {words}" if words else "")))
        return apply(UFUNCS[ufunc], *inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        """The result of ``function(*inputs)`` where one of the inputs is a node.

        Raises:
            ShapeError: the graph has no such operation.
        """
        if function in _OF_VALUES:
            return function(*map(value_of, inputs), **options)
        if function not in NUMPY_FUNCTIONS:
            raise ShapeError(_missing(function.__name__))
        try:
            return NUMPY_FUNCTIONS[function](*inputs, **options)
        except TypeError as error:
            raise ShapeError(f"np.{function.__name__} on a node: {error}") from None


def _missing(name: str) -> str:
    known = sorted([*(u.__name__ for u in UFUNCS), *(f.__name__ for f in NUMPY_FUNCTIONS)])
    return f"np.{name} is no operation of the graph; there are {', '.join(known)}"


def variable(value: Any, name: str | None = None) -> Node:
    """A node of given numbers, with respect to which a gradient may be taken.

    Args:
        value: numbers; integers become float64, floating and complex numbers keep their type.
        name: see `Node`.

    Raises:
        ShapeError: the values are not numbers.

    Example:
        >>> variable([1, 2], "x")
        x = array([1., 2.])
    """
    return Node(_array(value, np.dtype(float)), name=name)


def constant(value: Any, like: Node | None = None, name: str | None = None) -> Node:
    """A node of fixed numbers; integers take the type of ``like``."""
    return Node(_array(value, np.dtype(float) if like is None else like.dtype), name=name)


def value_of(x: Any) -> Any:
    """The array of a node; anything else is returned unchanged."""
    return x.value if isinstance(x, Node) else x


def real_value(x: Any) -> Any:
    """The real part of a node or array, by which piecewise functions choose their piece."""
    return np.real(value_of(x))


def _array(value: Any, type_of_integers: np.dtype[Any]) -> Array:
    """``value`` as an array of floating or complex numbers."""
    array = as_numbers(value, "the values of a graph")
    return array.astype(type_of_integers) if array.dtype.kind in "biu" else array


def lift(arguments: Sequence[Any]) -> tuple[Node, ...]:
    """Nodes of all arguments; plain numbers take the type of the nodes beside them.

    So 2.0 beside a float32 node is float32, as in NumPy.
    """
    if all(isinstance(a, Node) for a in arguments):
        return tuple(arguments)
    types = [a.dtype for a in arguments if isinstance(a, Node)]
    beside = np.result_type(*types) if types else np.dtype(float)

    def as_node(a: Any) -> Node:
        """The argument as a node; a float takes the type ``beside``, np.float64 keeps its own."""
        if isinstance(a, Node):
            return a
        array = _array(a, beside)
        return Node(array.astype(beside) if type(a) is float else array)

    return tuple(map(as_node, arguments))


def apply(name: str, *arguments: Any, **options: Any) -> Node:
    """The node of an operation on nodes and numbers.

    Args:
        name: a name in `chainrule.autodiff.OPERATIONS`.
        arguments: nodes, arrays or numbers.
        options: the operation's options.

    Raises:
        ShapeError: the shapes do not fit the operation.
        UnknownNameError: there is no such operation.

    Example:
        >>> apply("multiply", variable([1.0, 2.0]), 3.0).value
        array([3., 6.])
        >>> apply("add", variable([1.0, 2.0]), np.zeros(3))
        Traceback (most recent call last):
        chainrule.core.errors.ShapeError: add expects shapes that can be broadcast together, found
        (2,) and (3,)
    """
    if name not in OPERATIONS:
        raise UnknownNameError(unknown("operation", name, OPERATIONS))
    operation = OPERATIONS[name]
    inputs = lift(arguments)
    try:
        value = operation.forward(*(node.value for node in inputs), **options)
    except ShapeError:
        raise
    except (ValueError, IndexError, TypeError):
        raise ShapeError(_problem(operation, inputs, options)) from None
    return Node(np.asarray(value), operation, inputs, options)


def _problem(operation: Operation, inputs: Sequence[Node], options: Mapping[str, Any]) -> str:
    found = " and ".join(f"{node.name} {node.shape}".removeprefix("None ") for node in inputs)
    with_options = "".join(f", {key} {value!r}" for key, value in options.items())
    return f"{operation.name} expects {operation.expects}, found {found or 'none'}{with_options}"
