"""Custom activations and losses: the check of their derivatives, and their registration by name.

Two methods are used. The central difference needs nothing but the function. The complex step sees
smaller errors, but needs a function that takes complex numbers, as `Network.loss` does as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.core.registry import add_entry
from chainrule.gradients.numeric import COMPLEX_STEP, central_difference, complex_step
from chainrule.nn.activations import ACTIVATIONS, Activation
from chainrule.nn.losses import LOSSES, Loss

_OURS = frozenset({*ACTIVATIONS, *LOSSES})
"""The names that come with the library, which cannot be given to anything else."""

STEP = 1e-3
REACH = 2.5 * STEP
"""The least distance from a kink at which a central difference can be used."""

CENTRAL, COMPLEX = 1e-7, 1e-10
"""The largest relative error at which a derivative counts as right, by method."""

SHAPES = ((4, 3), (1, 3), (5, 1), (1, 1), (2, 5))
"""The cases and outputs of the batches on which a loss is checked."""

HINT = (
    "; if it is right, its value does not take complex numbers: choose the pieces of a function by"
)


def check_activation(phi: Activation) -> None:
    """Compare φ' with numeric differentiation of φ, and look for kinks that are not stated.

    Args:
        phi: the activation, with its options.

    Raises:
        ConfigError: the derivative is wrong, a kink is not named by ``kinks``, or the function
            does not treat arrays as it must. The message says where, and by how much.

    Example:
        >>> from chainrule.nn.activations import Tanh
        >>> check_activation(Tanh())
        >>> class Wrong(Tanh):
        ...     def derivative(self, z, out=None):
        ...         return np.multiply(1.001, Tanh().derivative(z), out=out)
        >>> check_activation(Wrong())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        chainrule.core.errors.ConfigError: the derivative of Wrong is wrong at z = 0.011: found
        1.00087888..., expected 0.99987900... (by central difference), a relative error of 0.0005
    """
    name = type(phi).__name__
    _raise_first(_activation_problems(phi, name), f"{name} cannot be used on an array")


def _raise_first(problems: Iterator[str], unusable: str) -> None:
    """Raise a `ConfigError` for the first problem, or for a function that fails altogether."""
    try:
        problem = next(problems, None)
    except (TypeError, ValueError, FloatingPointError, AttributeError) as error:
        raise ConfigError(f"{unusable}: {error}") from error
    if problem is not None:
        raise ConfigError(problem)


def _activation_problems(phi: Activation, name: str) -> Iterator[str]:
    yield from _wrong_arrays(phi, name)
    # From −30 to 30, densest near 0, avoiding round numbers.
    z = np.geomspace(0.011, 29.7, 90)
    z = np.concatenate([z, -1.03 * z])
    for kink in phi.kinks:
        z = z[np.abs(z - kink) > REACH]
    found = phi.derivative(z)
    near, far = (
        (phi.value(z + k * STEP) - phi.value(z - k * STEP)) / (2 * k * STEP) for k in (1, 2)
    )
    central = (4 * near - far) / 3
    blur = 1e-12 * np.maximum(1, np.abs(phi.value(z)))
    hidden = _hidden_kink(phi, z)
    if hidden is not None:
        yield f"{name} has a kink at z = {hidden:.4g} that its attribute kinks does not state"
    what = f"the derivative of {name}"
    for k in _furthest(found, central, CENTRAL, blur):
        yield _message(what, f"z = {z[k]:.4g}", found[k], central[k], "central difference")
    moved = np.imag(phi.value(z + 1j * COMPLEX_STEP)) / COMPLEX_STEP
    for k in _furthest(found, moved, COMPLEX, 1e-14 * np.maximum(1, np.abs(found).max())):
        hint = HINT + " z.real, and write chainrule.nn.activations.magnitude(z) for |z|"
        yield _message(what, f"z = {z[k]:.4g}", found[k], moved[k], "complex step") + hint


def _wrong_arrays(phi: Activation, name: str) -> Iterator[str]:
    """Problems with the arrays that value and derivative return, or with changes to z."""
    for dtype in ("float64", "float32"):
        z = np.array([[0.3, -1.7, 2.2]], dtype)
        before = z.copy()
        for word, method in (("value", phi.value), ("derivative", phi.derivative)):
            result, out = method(z), np.empty_like(z)
            what = f"{name}.{word}"
            if not isinstance(result, np.ndarray) or result.shape != z.shape:
                yield f"{what} must give an array of the shape of z, {z.shape}"
            if result.dtype != z.dtype:
                yield f"{what} of {z.dtype} must be {z.dtype}, found {result.dtype}"
            if not np.array_equal(z, before):
                yield f"{what} must not change z"
            if not np.isfinite(result).all():
                yield f"{what} is not finite at z = {z[~np.isfinite(result)][0]:.4g}"
            method(z, out)
            if not np.array_equal(out, result):
                yield f"{what}(z, out) must write its result into out"


def _hidden_kink(phi: Activation, z: Array) -> float | None:
    """A place where φ' jumps but no kink is stated; None if there is none."""
    stated = np.array(phi.kinks)
    edges = np.sort(np.concatenate([z, stated - REACH, stated + REACH]))
    for a, b in pairwise(edges):
        if len(stated) and np.abs(stated - (a + b) / 2).min() < 1.01 * REACH:
            continue
        place = _jump(phi, float(a), float(b))
        if place is not None:
            return place
    return None


def _jump(phi: Activation, a: float, b: float) -> float | None:
    """The place between a and b where φ' jumps, found by halving; None where it is continuous."""
    size = 0.0
    for _ in range(40):
        middle = (a + b) / 2
        left, mid, right = phi.derivative(np.array([a, middle, b])).tolist()
        size = max(abs(mid - left), abs(right - mid))
        if size < 1e-4:
            return None
        a, b = (a, middle) if abs(mid - left) >= abs(right - mid) else (middle, b)
    return (a + b) / 2


def check_loss(loss: Loss) -> None:
    """Compare ∂L/∂y with numeric differentiation of L, on random outputs and targets.

    Args:
        loss: the loss, with its options.

    Raises:
        ConfigError: the derivative is wrong, or the loss is not a mean over the cases. The message
            says where, and by how much.

    Example:
        >>> from chainrule.nn.losses import LogCosh
        >>> check_loss(LogCosh())
    """
    name = type(loss).__name__
    _raise_first(_loss_problems(loss, name), f"{name} cannot be used on outputs and targets")


def _loss_problems(loss: Loss, name: str) -> Iterator[str]:
    rng = np.random.default_rng(0)
    for cases, outputs in SHAPES:
        yield from _problems_of_batch(loss, name, *_batch(loss, name, cases, outputs, rng))


def _problems_of_batch(loss: Loss, name: str, y: Array, t: Array) -> Iterator[str]:
    value, found = loss.value(y, t), loss.jacobian(y, t)
    if np.ndim(value) or not np.isfinite(value):
        yield f"the value of {name} must be one finite number, found {value!r}"
    if not isinstance(found, np.ndarray) or found.shape != y.shape:
        shape = np.shape(found)
        yield f"the jacobian of {name} must have the shape of y, {y.shape}, found {shape}"
    twice = float(loss.value(np.concatenate([y, y]), np.concatenate([t, t])))
    if abs(twice - value) > 1e-9 * abs(value):
        yield (
            f"{name} is no mean over the cases: each of them twice has loss {twice:.6g}, once "
            f"{float(value):.6g}"
        )
    size = max(1.0, abs(float(value)))
    for method, numeric, limit, floor, hint in (
        ("central difference", central_difference, CENTRAL, 1e-12, ""),
        ("complex step", complex_step, COMPLEX, 1e-14, HINT + " the real part"),
    ):
        expected = numeric(lambda v: loss.value(v.reshape(y.shape), t), y.ravel())
        for k in _furthest(found.ravel(), expected, limit, floor * size):
            case, output = divmod(k, y.shape[1])
            where = f"y = {np.array2string(y[case], precision=4)}, t = {t[case]}, "
            where += f"output {output} of a batch of {len(y)} case{'s' * (len(y) > 1)}"
            what = f"the jacobian of {name}"
            yield _message(what, where, found.flat[k], expected[k], method) + hint


def _batch(
    loss: Loss, name: str, cases: int, outputs: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Outputs and prepared targets away from kinks: real numbers, probabilities or classes."""
    kinds: list[Callable[[], tuple[Array, Any]]] = [
        lambda: (rng.normal(size=(cases, outputs)), 2 * rng.normal(size=(cases, outputs))),
        lambda: (rng.uniform(0.1, 0.9, (cases, outputs)), rng.uniform(size=(cases, outputs))),
    ]
    if loss.for_classes:
        kinds = [
            lambda: (rng.uniform(0.1, 2.0, (cases, outputs)), rng.integers(0, outputs, cases))
        ]
    reason: object = "it is near a kink everywhere"
    for kind in kinds:
        for _ in range(100):
            y, raw = kind()
            try:
                t = loss.prepare(raw, outputs, y.dtype)
                if np.isfinite(loss.value(y, t)) and _is_far(loss, y, t):
                    return y, t
            except ShapeError as error:
                reason = error
                break
    raise ConfigError(f"{name} takes no outputs of shape {(cases, outputs)}: {reason}")


def _is_far(loss: Loss, y: Array, t: Array) -> bool:
    distances = np.abs(loss.from_kinks(y, t))
    return not distances.size or float(distances.min()) > 2 * REACH


def _furthest(found: Array, expected: Array, limit: float, floor: Any) -> list[int]:
    """One index, that of the wrong number with the largest error; empty if all are right."""
    off = np.abs(found - expected)
    wrong = ~(off <= limit * (np.abs(found) + np.abs(expected)) + floor)
    # argmax treats NaN as the largest number, so that a NaN comes first.
    return [int(np.where(wrong, off, -1.0).argmax())] if wrong.any() else []


def _message(what: str, where: str, found: float, expected: float, method: str) -> str:
    size = abs(found) + abs(expected)
    error = abs(found - expected) / size if size else float("nan")
    return (
        f"{what} is wrong at {where}: found {found:.10g}, expected {expected:.10g} (by {method}), "
        f"a relative error of {error:.2g}"
    )


# Registration of functions whose derivative is right


def register_activation(name: str, kind: type[Activation]) -> type[Activation]:
    """Check an activation's derivative, and make the activation usable by name.

    `Dense` and every configuration that runs in this process may then use ``activation: NAME``,
    with the class's fields as options. The numpy engine runs it. If a name is registered again, it
    means the new class.

    Args:
        name: lower-case letters, digits and ``_``.
        kind: a subclass of `Activation` that can be made without arguments. If it has options, it
            is a frozen dataclass, and they are numbers. An activation of the form z g(z) should be
            a subclass of `chainrule.nn.activations.Gated`, so that checks know where the terms of
            its derivative cancel.

    Returns:
        The class.

    Raises:
        ConfigError: the derivative is wrong (the message says where and by how much), a kink is
            not stated, or the name belongs to the library.

    Example:
        >>> import numpy as np
        >>> from chainrule import register_activation
        >>> from chainrule.nn.activations import Activation
        >>> class Square(Activation):
        ...     def value(self, z, out=None):
        ...         return np.multiply(z, z, out=out)
        ...     def derivative(self, z, out=None):
        ...         return np.multiply(2.002, z, out=out)
        >>> register_activation("square", Square)
        Traceback (most recent call last):
        chainrule.core.errors.ConfigError: the derivative of Square is wrong at z = -30.59: found
        -61.243182, expected -61.182 (by central difference), a relative error of 0.0005
    """
    check_activation(_made("activation", name, kind, Activation))
    add_entry(ACTIVATIONS, name, kind)
    return kind


def register_loss(name: str, kind: type[Loss]) -> type[Loss]:
    """Check a loss's derivative, and make the loss usable by name.

    Args:
        name: see `register_activation`.
        kind: a subclass of `Loss`, a mean over the cases; see `register_activation`.

    Returns:
        The class.

    Raises:
        ConfigError: see `register_activation`.
    """
    check_loss(_made("loss", name, kind, Loss))
    add_entry(LOSSES, name, kind)
    return kind


def _made(what: str, name: str, kind: Any, base: type) -> Any:
    """An object of the class with its default options.

    Raises:
        ConfigError: the name or the class cannot be registered.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"a name is of lower-case letters, digits and '_', found {name!r}")
    if name in _OURS:
        raise ConfigError(f"{name!r} is a name of the library's own; choose another")
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise ConfigError(f"{what} {name} must be a subclass of {base.__name__}, found {kind!r}")
    try:
        return kind()
    except TypeError as error:
        raise ConfigError(f"{what} {name} cannot be made without arguments: {error}") from None
