"""NumPy's own functions on nodes: ``np.exp(z)`` of a node is the node of exp.

So a function written with NumPy can be differentiated as it stands, and still takes arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff import functions
from chainrule.autodiff.node import NUMPY, Node, apply, real_value
from chainrule.core.errors import ShapeError

_UFUNCS: Mapping[Any, str] = {
    np.absolute: "abs",
    **{
        getattr(np, name): name
        for name in (
            *("add", "subtract", "multiply", "divide", "power", "negative", "matmul"),
            *("exp", "expm1", "log", "log1p", "sqrt", "square", "maximum", "minimum", "sign"),
            *("sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh"),
        )
    },
}

_COMPARISONS = (
    *(np.greater, np.greater_equal, np.less, np.less_equal),
    *(np.equal, np.not_equal),
)

_OF_VALUES = (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like)
"""What gives plain arrays or numbers: nothing goes back through it."""

_FUNCTIONS: Mapping[Any, Any] = {
    getattr(np, name): getattr(functions, name)
    for name in ["sum", "mean", "reshape", "transpose", "concatenate", "where", "broadcast_to"]
}


def apply_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What ``ufunc(*inputs)`` is where one of the inputs is a node.

    Raises:
        ShapeError: the graph has no such operation.
    """
    if ufunc in _COMPARISONS:
        return getattr(ufunc, method)(*map(real_value, inputs), **options)
    if method != "__call__" or options or ufunc not in _UFUNCS:
        raise ShapeError(_missing(f"{ufunc.__name__}{_detail(method, options)}"))
    return apply(_UFUNCS[ufunc], *inputs)


def apply_function(function: Any, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What ``function(*inputs)`` is where one of the inputs is a node.

    Raises:
        ShapeError: the graph has no such operation.
    """
    if function in _OF_VALUES:
        return function(*(x.value if isinstance(x, Node) else x for x in inputs), **options)
    if function not in _FUNCTIONS:
        raise ShapeError(_missing(function.__name__))
    try:
        return _FUNCTIONS[function](*inputs, **options)
    except TypeError as error:
        raise ShapeError(f"np.{function.__name__} on a node: {error}") from None


def _detail(method: str, options: Mapping[str, Any]) -> str:
    words = [*([] if method == "__call__" else [method]), *options]
    return f" with {', '.join(words)}" if words else ""


def _missing(name: str) -> str:
    known = sorted(f.__name__ for f in (*_UFUNCS, *_FUNCTIONS))
    return f"np.{name} is no operation of the graph; there are {', '.join(known)}"


NUMPY.update(ufunc=apply_ufunc, function=apply_function)
