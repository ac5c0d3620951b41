"""Check any function with a gradient: by numeric differentiation of the function itself.

Nothing has to be known of the function. An upstream gradient g is drawn at random, so that
L = Σ g ⊙ f(x) is a number, and ∂L/∂x by differences is held against what the backward function
returns. An upstream of ones would let a backward function pass that forgets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError, nearest
from chainrule.core.notation import counted
from chainrule.marking.own.examination import (
    LIMIT,
    Examination,
    GradientFound,
    Inputs,
    OwnFunction,
    complaint,
    every_parameter,
    name_of,
    required,
)

LABELS = np.array([2, 0, 1, 1, 2])
"""Labels that are tried where a function may take some."""

MOST_GUESSES = 200
"""After so many attempts to find inputs with which a function runs, its author is asked."""


@dataclass(frozen=True)
class FunctionReport:
    """Whether a function's gradients are right, and what is wrong with those that are not.

    Attributes:
        name: of the function.
        gradients: what was found with respect to each input.
        problems: what is wrong, in sentences; empty if nothing is.
    """

    name: str
    gradients: tuple[GradientFound, ...]
    problems: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        if not self.right:
            return "\n".join(self.problems)
        worst = min(one.digits for one in self.gradients)
        names = ", ".join(one.name for one in self.gradients)
        rough = any(one.limit > LIMIT for one in self.gradients)
        note = "; it computes in float32, so no more can be seen" if rough else ""
        return f"{self.name} is right to {worst} digits: the gradients for {names}{note}"


def check_function(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    inputs: Inputs | None = None,
    *,
    wrt: Sequence[str] | None = None,
    seed: int = 0,
) -> FunctionReport:
    """Check a function's hand-written gradient.

    Args:
        forward: the function. It returns an array or a number; or ``(output, cache)``; or,
            without ``backward``, ``(output, gradients)``, as a loss with its gradients does.
        backward: one of ``backward(g, cache)``, ``backward(g, *inputs)``, ``backward(g)`` of an
            object that remembers its forward pass, and ``backward(*inputs)``, with g =
            ∂L/∂output of the output's shape. The last form returns φ′(z) of an elementwise φ,
            the gradient of a number, or a Jacobian (*output, *input). It returns one array,
            a tuple in the order of the inputs, or a dictionary by their names.
        inputs: the arguments of ``forward`` by name. A tuple of whole numbers is a shape, for
            which normal numbers are drawn; arrays of real numbers are differentiated; everything
            else, such as labels and settings, is passed as it is. By default ``forward`` takes
            one array, for which (4, 3) numbers are drawn.
        wrt: the names of the inputs to differentiate; by default all that can be.
        seed: of the numbers drawn.

    Returns:
        What was found; its ``str`` is written for the author of the function.

    Raises:
        ShapeError: the inputs do not fit the function, or ``wrt`` names none of them.

    Example:
        >>> def linear(x, w):
        ...     return x @ w, (x, w)
        >>> def linear_backward(g, cache):
        ...     x, w = cache
        ...     return g @ w.T, x.T @ g
        >>> print(check_function(linear, linear_backward, {"x": (5, 3), "w": (3, 2)}))
        linear is right to 12 digits: the gradients for x, w
    """
    _require_callable(forward, backward, inputs)
    if inputs is None:
        names = required(forward)
        if len(names) != 1:
            raise ShapeError(
                f"{name_of(forward)} takes {counted(len(names), 'argument')} "
                f"({', '.join(names)}); inputs says what they are: "
                "inputs={'x': (5, 3), 'w': (3, 4)}"
            )
        inputs = {names[0]: (4, 3)}
    inputs = _in_order_of(forward, inputs)
    return examined(lambda names: OwnFunction(forward, backward, names), inputs, wrt, seed)


def _require_callable(forward: Any, backward: Any, inputs: Any) -> None:
    for name, function in (("forward", forward), ("backward", backward)):
        if not callable(function) and (function is not None or name == "forward"):
            raise ShapeError(f"{name} is a function; found {type(function).__name__}")
    if inputs is not None and not isinstance(inputs, Mapping):
        raise ShapeError(
            "inputs is a dictionary of the arguments by name, such as {'x': (5, 3)}; "
            f"found {type(inputs).__name__}"
        )


def _in_order_of(forward: Callable[..., Any], inputs: Inputs) -> Inputs:
    """The inputs in the order of the function's parameters, where they have their names."""
    order = [name for name in every_parameter(forward) if name in inputs]
    return {name: inputs[name] for name in order} if len(order) == len(inputs) else inputs


def examined(
    made: Callable[[Sequence[str]], OwnFunction],
    inputs: Inputs,
    wrt: Sequence[str] | None = None,
    seed: int = 0,
) -> FunctionReport:
    """What `check_function` does, for a function that is made of the names of its inputs.

    Args:
        made: gives the function, with the names of the inputs that are differentiated.
        inputs: see `check_function`.
        wrt: see `check_function`.
        seed: see `check_function`.
    """
    rng = np.random.default_rng(seed)
    given = {name: _array(value, rng) for name, value in inputs.items()}
    names = _differentiable(given, wrt)
    function = made(names)
    gradients: list[GradientFound] = []
    problems: list[str] = []
    for case in (given, _redrawn(given, inputs, names, rng)):
        found = Examination(function, case, rng)
        problems += [one for one in found.problems if one not in problems]
        gradients = _worse(gradients, found.gradients)
    wrong = [one for one in gradients if not one.is_right]
    problems += [complaint(one, function, found.relation(one), found.where(one)) for one in wrong]
    return FunctionReport(function.name, tuple(gradients), tuple(problems))


def _worse(one: Sequence[GradientFound], other: Sequence[GradientFound]) -> list[GradientFound]:
    """Of two rounds, the one with the larger error for each input."""
    worst = {found.name: found for found in one}
    for found in other:
        if found.name not in worst or not found.error <= worst[found.name].error:
            worst[found.name] = found
    return list(worst.values())


# What the function is called with


GUESSES: tuple[tuple[frozenset[str], tuple[Any, ...]], ...] = (
    (
        frozenset({"w", "weights", "weight", "k", "kernel", "key"}),
        ((3, 4), (4, 3), (3, 3), (3,), (5, 3), (5,)),
    ),
    (frozenset({"v", "value", "values"}), ((5, 3), (4, 3), (5,))),
    (frozenset({"margin"}), (1.0,)),
    (frozenset({"b", "bias", "biases", "beta", "gamma"}), ((4,), (1, 4), (3,), (1, 3))),
    (frozenset({"t", "y", "target", "targets", "labels", "y_true"}), ((5, 3), LABELS, (5,))),
    (frozenset({"reg", "lam", "lambda_", "alpha", "eps", "rate", "p"}), (0.3,)),
)
"""What a parameter of a name may be: shapes, labels of three classes, or a number."""


def guessed_inputs(
    names: Sequence[str], run: Callable[[Inputs], Array], seed: int = 0
) -> dict[str, Any] | None:
    """Inputs by the names of a function's parameters: the first with which it runs.

    Args:
        names: of the parameters.
        run: gives the output of a case, or raises an error.
        seed: of the numbers drawn to try it.

    Returns:
        Shapes, labels and numbers as `check_function` takes them; None if none of them fits.

    Example:
        >>> guessed_inputs(["x", "W", "b"], lambda case: case["x"] @ case["W"] + case["b"])
        {'x': (5, 3), 'W': (3, 4), 'b': (4,)}
    """
    for values in islice(product(*map(_guesses, names)), MOST_GUESSES):
        given = dict(zip(names, values, strict=True))
        rng = np.random.default_rng(seed)
        try:
            out = run({name: _array(value, rng) for name, value in given.items()})
        except Exception:
            continue
        if names and np.isfinite(out).all():
            return given
    return None


def _guesses(name: str) -> tuple[Any, ...]:
    word = name.lower().rstrip("0123456789_")
    return next((found for words, found in GUESSES if word in words), ((5, 3), (5,), 0.3))


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(type(size) is int and size > 0 for size in value)


def _array(value: Any, rng: np.random.Generator) -> Any:
    if _is_shape(value):
        return rng.normal(size=value)
    if isinstance(value, list) and value and all(isinstance(one, float) for one in value):
        return np.array(value)
    return value.copy() if isinstance(value, np.ndarray) else value


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"


def _redrawn(
    given: Inputs, inputs: Inputs, names: Sequence[str], rng: np.random.Generator
) -> dict[str, Any]:
    """The inputs of a second round: shapes drawn anew, arrays of the caller's own as they are."""
    free = {name for name in names if _is_shape(inputs.get(name, (1,)))}
    return {k: rng.normal(size=np.shape(v)) if k in free else v for k, v in given.items()}


def _differentiable(given: Inputs, wrt: Sequence[str] | None) -> tuple[str, ...]:
    able = [k for k, v in given.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    for name in wrt or ():
        if name not in able:
            meant = nearest(name, able)
            raise ShapeError(
                f"wrt names {name!r}, which is no input of real numbers; there are "
                f"{', '.join(able) or 'none'}" + (f"; {meant} is meant?" if meant else "")
            )
    if not able:
        found = ", ".join(f"{name} is {_kind(value)}" for name, value in given.items())
        raise ShapeError(
            "no input is an array of real numbers, so there is nothing to differentiate: "
            f"{found}. A shape such as (4, 3) draws numbers; np.array([1.0, 2.0]) gives them"
        )
    return tuple(able if wrt is None else wrt)
