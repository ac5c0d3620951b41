"""Both passes of a function on one case, and what differences say of its gradients."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from math import log10
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.core.notation import counted
from chainrule.gradients.numeric import central_difference
from chainrule.marking.deciding.fits import explained

Inputs = Mapping[str, Any]
"""The arguments of a function by name: arrays, numbers, texts, dictionaries of settings."""

LIMIT = 1e-6
"""The largest relative error, of the largest number of its array, at which a number is right."""

STEPS = (1e-3, 1e-4, 1e-5)
"""Steps of the differences; where all of them disagree the function has a kink nearby."""

KINK = 1e-5
"""Steps that disagree by more than this part of the largest number are at a kink."""

ROUGH_LIMIT, ROUGH_KINK = 1e-3, 1e-2
"""The same for a function that computes in float32, which keeps 7 digits."""

ROUGH_STEPS = (3e-2, 1e-2, 3e-3)
"""Smaller steps would drown in its rounding."""

_UPSTREAM = re.compile(r"g|up\w*|delta\w*|\w*grad\w*|d[a-zA-Z]|d_\w+|dout\w*|dL\w*|dnext\w*")
"""What the gradient of the output is called that a backward function is handed."""


@dataclass(frozen=True)
class GradientFound:
    """What was found about the gradient with respect to one input.

    Attributes:
        name: of the input.
        found: what the backward function returned; None where it returned nothing for it.
        numeric: by differences; NaN next to a kink, where no number is compared.
        error: the largest difference, relative to the largest number; NaN
            where nothing can be compared.
        limit: the largest error at which it is right.
    """

    name: str
    found: Array | None
    numeric: Array
    error: float
    limit: float = LIMIT

    @property
    def is_right(self) -> bool:
        """Whether all its numbers agree."""
        return self.error <= self.limit

    @property
    def digits(self) -> int:
        """How many decimal digits agree, at most 12."""
        return int(min(12.0, -log10(self.error))) if self.error > 0 else 12


# Calling it in the form that it has

CACHE, WITH_INPUTS, INPUTS, STATE, TOGETHER = "g, cache", "g, inputs", "inputs", "g", "together"
"""The forms of a backward function: what it is given. The one that is given g alone remembers the
forward pass by itself. Together: the forward function returns its gradients as well."""


class OwnFunction:
    """A forward and a backward function, called in the form that they have.

    Args:
        forward: see `check_function`.
        backward: see `check_function`.
        names: the inputs that are differentiated.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        names: Sequence[str],
    ) -> None:
        self.forward, self.backward, self.names = forward, backward, tuple(names)
        self.name = name_of(forward)
        self.backward_name = self.name if backward is None else name_of(backward)
        self.needs = () if backward is None else tuple(required(backward))
        self.every = [] if backward is None else [p.name for p in _parameters(backward)]
        self.is_rough = False

    def run(self, case: Inputs) -> tuple[Array, Any]:
        """The output and the cache, which is None where there is none."""
        with _same_random_numbers():
            result = called(self.forward, case)
        out, cache = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        out = np.asarray(out)
        if out.dtype.kind not in "biuf":
            raise ShapeError(
                f"{self.name} returns {type(result).__name__} where an array or (array, cache) "
                "of real numbers is expected"
            )
        self.is_rough = out.dtype.kind == "f" and out.dtype.itemsize < 8
        return out.astype(float), cache

    def outputs(self, cases: Sequence[Inputs]) -> list[Array]:
        """The outputs of many cases."""
        return [self.run(case)[0] for case in cases]

    def in_turn(self, case: Inputs, other: Inputs, g: Array) -> tuple[Any, Any]:
        """The gradients after another forward pass, and once more with the same cache."""
        _, cache = self.run(_copied(case))
        self.run(_copied(other))
        first = self.gradients(_copied(case), cache, g.copy())
        return _kept(first), self.gradients(_copied(case), cache, g.copy())

    def form(self, case: Inputs, cache: Any) -> str:
        """What the backward function is given, by the number of its arguments."""
        if self.backward is None:
            return TOGETHER
        needed, takes_g = len(self.needs), self._takes_upstream(case)
        if cache is not None and needed == 2:
            return CACHE
        if needed == len(case) + 1 or (takes_g and 1 < needed <= len(case)):
            return WITH_INPUTS
        if not takes_g and (needed == len(case) or (needed and set(self.needs) <= set(case))):
            return INPUTS
        if needed == 1:
            return STATE
        expected = "2 (g, cache)" if cache is not None else f"{len(case)} or {len(case) + 1}"
        raise ShapeError(
            f"{self.backward_name} takes {counted(needed, 'argument')}; expected {expected}: "
            f"the inputs of {self.name}, with g = ∂L/∂output before them unless it returns a "
            "derivative itself"
        )

    def _takes_upstream(self, case: Inputs) -> bool:
        """Whether the name of the first argument says that it is ∂L/∂output."""
        first = self.needs[0] if self.needs else ""
        return first not in case and _UPSTREAM.fullmatch(first) is not None

    def gradients(self, case: Inputs, cache: Any, g: Array) -> Any:
        """What the backward function returns, as it returns it."""
        form = self.form(case, cache)
        if self.backward is None:
            return cache
        if form in (CACHE, STATE):
            return self.backward(g, cache) if form == CACHE else self.backward(g)
        if form == WITH_INPUTS:
            return self.backward(g, *(case[name] for name in self.taken(case, 1)))
        return self.backward(*(case[name] for name in self.taken(case, 0)))

    def taken(self, case: Inputs, before: int) -> list[str]:
        """The inputs that the backward function takes behind its first arguments.

        They are given by their names where it calls them as the forward function does.
        """
        names = self.every[before:]
        if not set(self.needs[before:]) <= set(case):
            return list(case)[: len(names) or None]
        return list(takewhile(case.__contains__, names))


def by_name(
    returned: Any, shapes: Mapping[str, tuple[int, ...]], order: Sequence[str] = ()
) -> dict[str, Array | None]:
    """The gradients that a backward function returned, by the names of the inputs.

    Args:
        returned: an array, a tuple or list in the order of the inputs, or a dictionary whose keys
            are the names, with or without a ``d`` or ``grad_`` before or ``_grad`` behind.
        shapes: of the inputs. Of fewer gradients than inputs each belongs to the next input of
            its shape; of the inputs left over nothing is said, unless none has a gradient.
        order: the names of all inputs, also of those that are not differentiated: as many
            gradients as these are theirs.
    """
    if isinstance(returned, Mapping):
        plain = {_plain(str(key)): _numbers(value) for key, value in returned.items()}
        found = {name: plain.get(_plain(name)) for name in shapes}
    else:
        values = list(returned) if isinstance(returned, tuple | list) else [returned]
        if len(values) == len(order) > len(shapes):
            values = [value for name, value in zip(order, values, strict=True) if name in shapes]
        found = _in_order([_numbers(value) for value in values], shapes)
    is_partial = any(value is not None for value in found.values())
    return {k: v for k, v in found.items() if v is not None} if is_partial else found


def _in_order(
    values: Sequence[Array | None], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Array | None]:
    found = dict.fromkeys(shapes, None) | dict(zip(shapes, values, strict=False))
    if len(values) >= len(shapes):
        return found
    left = list(values)
    for name, shape in shapes.items():
        fits = bool(left) and left[0] is not None and left[0].shape == shape
        found[name] = left.pop(0) if fits else None
    return found if not left else dict(zip(shapes, values, strict=False))


def _plain(key: str) -> str:
    for start in ("grad_", "d_", "d"):
        if key.startswith(start) and len(key) > len(start):
            return key[len(start) :].lower()
    return key.removesuffix("_grad").lower()


def _numbers(value: Any) -> Array | None:
    if value is None:
        return None
    array = np.asarray(value)
    return array.astype(float) if array.dtype.kind in "biuf" else None


def name_of(function: Callable[..., Any]) -> str:
    """What its author calls a function."""
    return str(getattr(function, "__name__", type(function).__name__))


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def required(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters without default values."""
    return [p.name for p in _parameters(function) if p.default is p.empty]


def every_parameter(function: Callable[..., Any]) -> list[str]:
    """The names of all parameters of a function."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def called(function: Callable[..., Any], case: Inputs) -> Any:
    """Call a function by the names of its parameters where they are those of the inputs."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        found = []
    by_names = {p.name for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return function(**case) if case.keys() <= by_names else function(*case.values())


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """NumPy's global generator begins anew within, and goes on as if nothing had been drawn."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


# One round: both passes, the differences, and what they tell


class Examination:
    """Both passes on one case, and the differences that they are held against.

    Args:
        function: which is examined.
        case: its inputs.
        rng: draws the upstream gradient.

    Attributes:
        gradients: what was found with respect to each input.
        problems: what is wrong, in sentences.
    """

    def __init__(self, function: OwnFunction, case: Inputs, rng: np.random.Generator) -> None:
        self.function, self.case = function, case
        self.problems: list[str] = []
        out, cache = self._forward()
        self.form = function.form(case, cache)
        takes_g = self.form in (CACHE, WITH_INPUTS, STATE)
        has_g = takes_g or (self.form == INPUTS and out.ndim > 0)
        self.g = rng.normal(size=out.shape) if has_g else np.ones(out.shape)
        self.out = out
        returned = self._backward(cache)
        if self.form == INPUTS and out.ndim:
            returned = self._of_derivative(returned)
        self.gradients = tuple(self._compared(by_name(returned, self._shapes, tuple(case))))
        if takes_g and self.form != STATE and not self.problems:
            self._look_at_state()

    def _forward(self) -> tuple[Array, Any]:
        given = _copied(self.case)
        out, cache = self.function.run(given)
        self._require_unchanged(given, self.case, self.function.name)
        self._require_same_again(out)
        return out, cache

    def _require_same_again(self, out: Array) -> None:
        name = self.function.name
        if not np.isfinite(out).all():
            raise ShapeError(
                f"{name} gives nan or inf for the inputs that were tried, and of these no "
                "differences can be taken; give it inputs that it is defined for, such as "
                "inputs={'x': np.array([0.5, 2.0])}"
            )
        again = self.function.outputs([_copied(self.case), _copied(self.case)])
        if not all(np.array_equal(out, one) for one in again):
            raise ShapeError(
                f"{name} gives different results for the same arguments: it draws random numbers "
                "from a generator of its own, or keeps something from call to call. A gradient "
                "can be checked only where a call can be repeated: seed the generator inside, or "
                "let the mask be an argument"
            )

    def _backward(self, cache: Any) -> Any:
        given, g = _copied(self.case), self.g.copy()
        returned = self.function.gradients(given, cache, g)
        name = self.function.backward_name
        if not np.array_equal(g, self.g):
            self.problems.append(
                f"{name} writes into the gradient that it is handed. The caller may still need "
                "it: where a value is used twice, both paths are handed the same array. Work on "
                "a copy, as g = g * mask does"
            )
        self._require_unchanged(given, self.case, name)
        return returned

    def _require_unchanged(self, now: Inputs, before: Inputs, name: str) -> None:
        for key, value in before.items():
            if isinstance(value, np.ndarray) and not np.array_equal(now[key], value):
                self.problems.append(
                    f"{name} writes into its argument {key}, which belongs to the caller; "
                    "work on a copy"
                )

    def _of_derivative(self, returned: Any) -> Any:
        """The gradient of Σ g ⊙ f from φ′(z), which is g ⊙ φ′(z), or from a Jacobian."""
        (name, *others) = self.function.names
        value = np.asarray(self.case[name])
        array = np.asarray(returned, float) if not isinstance(returned, tuple | dict) else None
        if others or array is None:
            return returned
        if array.shape == (*self.out.shape, *value.shape):
            return np.tensordot(self.g, array, axes=self.out.ndim)
        if array.shape == value.shape == self.out.shape and not self._is_elementwise(name):
            self.problems.append(
                f"{self.function.backward_name} returns one number for each number of {name}, "
                f"but {self.function.name} is not elementwise: an output depends on several "
                "inputs, so its derivative is a matrix. What is returned is its diagonal at best"
            )
            return self.g * array
        if array.shape == self.out.shape:
            self.g = np.ones(self.out.shape)
            return array
        return returned

    def _is_elementwise(self, name: str) -> bool:
        """Whether moving the first number of the input moves the first output alone."""
        moved = _copied(self.case)
        moved[name].flat[0] += 1e-3
        change = self.function.run(moved)[0] - self.out
        return not np.any(change.ravel()[1:])

    def _compared(self, returned: Mapping[str, Array | None]) -> Iterator[GradientFound]:
        for name, found in returned.items():
            numeric, doubt = self._numeric(name)
            error = _error(found, numeric, doubt, self._floor)
            limit = ROUGH_LIMIT if self.function.is_rough else LIMIT
            yield GradientFound(name, found, numeric, error, limit)

    @property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: np.shape(self.case[name]) for name in self.function.names}

    @property
    def _floor(self) -> float:
        """Smaller numbers than this are zeros but for rounding."""
        return 1e-8 * float(np.abs(self.g * self.out).max(initial=0.0))

    def _numeric(self, name: str) -> tuple[Array, Array]:
        """∂L/∂input by differences of several steps, and how far two of them disagree."""
        start = np.asarray(self.case[name], float)
        points: list[Array] = []

        def note(vector: Array) -> float:
            points.append(vector.copy())
            return 0.0

        steps = ROUGH_STEPS if self.function.is_rough else STEPS
        for step in steps:
            central_difference(note, start.ravel(), step=step)
        cases = [{**_copied(self.case), name: v.reshape(start.shape)} for v in points]
        losses = iter([float(np.sum(self.g * out)) for out in self.function.outputs(cases)])
        by_step = [
            central_difference(lambda _: next(losses), start.ravel(), step=step) for step in steps
        ]
        gaps = np.abs(np.diff(by_step, axis=0))
        numeric = np.choose(gaps.argmin(axis=0), by_step[:-1])
        doubt = gaps.min(axis=0)
        scale = float(np.abs(numeric).max(initial=0.0))
        kink = ROUGH_KINK if self.function.is_rough else KINK
        numeric = np.where(doubt > kink * max(scale, self._floor), np.nan, numeric)
        return numeric.reshape(start.shape), doubt.reshape(start.shape)

    def _is_deaf(self) -> bool:
        """Whether another upstream gradient leads to the same gradients."""
        _, cache = self.function.run(_copied(self.case))
        doubled = self.function.gradients(_copied(self.case), cache, 2 * self.g)
        found = {one.name: one.found for one in self.gradients}
        return self._are_same(doubled, found) and any(
            value is not None and value.any() for value in found.values()
        )

    def _are_same(self, returned: Any, found: Mapping[str, Array | None]) -> bool:
        return _are_same(by_name(returned, self._shapes, tuple(self.case)), found)

    def where(self, one: GradientFound) -> str:
        """Where a gradient's wrong numbers stand, as in a sentence; empty if all are wrong."""
        (same,) = (found for found in self.gradients if found.name == one.name)
        if same.found is None or same.found.shape != same.numeric.shape:
            return ""
        known = ~np.isnan(same.numeric)
        scale = float(np.abs(same.numeric[known]).max(initial=0.0))
        wrong = known & ~(np.abs(same.found - same.numeric) <= 10 * same.limit * scale)
        if not wrong.any() or np.array_equal(wrong, known):
            return ""
        place = self._place(wrong, known, np.asarray(self.case[one.name]))
        return f"in {np.count_nonzero(wrong)} of {np.count_nonzero(known)} numbers{place}"

    def _place(self, wrong: Array, known: Array, value: Array) -> str:
        """What the wrong numbers have in common, if something."""
        for name, labels in self.case.items():
            if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu" and wrong.ndim == 2:
                at_labels = np.zeros_like(wrong)
                if labels.shape == wrong.shape[:1] and labels.max() < wrong.shape[1]:
                    at_labels[np.arange(len(labels)), labels] = True
                if at_labels.any() and not (wrong & ~at_labels).any():
                    return f", all of them at the right class (the column {name} of each row)"
        for words, there in (("negative", value < 0), ("positive", value > 0)):
            if np.array_equal(wrong, known & there):
                return f", which are those of {words} inputs"
        return ""

    def relation(self, one: GradientFound) -> str:
        """What a wrong gradient of this round has to do with the right one; empty if unknown."""
        (same,) = (found for found in self.gradients if found.name == one.name)
        if same.found is None or np.isnan(same.numeric).any():
            return ""
        numbers = {"N": float(len(self.out))} if self.out.ndim else {}
        for name, value in self.case.items():
            if isinstance(value, float | int):
                numbers[name] = float(value)
            for axis, size in enumerate(np.shape(value)):
                numbers[f"{name}.shape[{axis}]"] = float(size)
        others = {f"∂L/∂{o.name}": o.numeric for o in self.gradients if o.name != one.name}
        inputs = {k: v for k, v in self.case.items() if isinstance(v, np.ndarray)}
        fit = explained(same.found, same.numeric, numbers, {**others, **inputs, "g": self.g})
        return fit.says if fit is not None else ""

    def _look_at_state(self) -> None:
        """Whether another pass in between, or the same pass twice, changes the gradients."""
        other = {k: -v if k in self.function.names else v for k, v in _copied(self.case).items()}
        first, again = self.function.in_turn(self.case, other, self.g)
        name = self.function.backward_name
        found = {one.name: one.found for one in self.gradients}
        if self._is_deaf():
            self.problems.append(
                f"{name} gives the same gradients whatever gradient it is handed, so it does not "
                "use ∂L/∂output; the chain rule multiplies by it"
            )
        elif not self._are_same(first, found):
            self.problems.append(
                f"after another forward pass {name} gives other gradients for the same cache: it "
                "uses something that the forward pass keeps outside the cache, of the last call"
            )
        elif not self._are_same(again, found):
            self.problems.append(
                f"{name} called twice with the same arguments gives two different answers: it "
                "changes what is in the cache, or adds to gradients that it does not clear"
            )


def complaint(one: GradientFound, function: OwnFunction, relation: str, where: str = "") -> str:
    """What is wrong with a gradient, in a sentence.

    Args:
        one: the gradient.
        function: whose it is.
        relation: what it has to do with the right one, as in a sentence; empty if unknown.
        where: the numbers that are wrong, such as ``in 3 of 15 numbers``; empty of all.
    """
    name = function.backward_name
    if one.found is None:
        return f"{name} returns no gradient for {one.name}"
    if one.found.shape != one.numeric.shape:
        return (
            f"{name} returns a gradient of shape {one.found.shape} for {one.name}, which has "
            f"shape {one.numeric.shape}"
        )
    if np.isnan(one.error):
        return (
            f"the gradient for {one.name} cannot be judged: {function.name} has a kink or a jump "
            "near every number that was tried, or rounds too much for differences"
        )
    off = np.abs(one.found - one.numeric)
    at = np.unravel_index(int(np.where(np.isnan(off), -1, off).argmax()), off.shape)
    place = "".join(f"[{k}]" for k in at)
    return (
        f"the gradient for {one.name} is wrong{' ' + where if where else ''}"
        f"{': ' + relation if relation else ''}; at "
        f"{one.name}{place} {name} gives {one.found[at]:.6g}, differences of {function.name} "
        f"give {one.numeric[at]:.6g}"
    )


def _kept(returned: Any) -> Any:
    """What was returned, safe from later changes in place."""
    if isinstance(returned, Mapping):
        return {key: np.array(value) for key, value in returned.items()}
    if isinstance(returned, tuple | list):
        return tuple(np.array(value) for value in returned)
    return np.array(returned)


def _copied(case: Inputs) -> dict[str, Any]:
    return {k: v.copy() if isinstance(v, np.ndarray | dict) else v for k, v in case.items()}


def _are_same(one: Mapping[str, Array | None], other: Mapping[str, Array | None]) -> bool:
    return all(
        value is None or np.array_equal(value, np.asarray(other[name]), equal_nan=True)
        for name, value in one.items()
    )


def _error(found: Array | None, numeric: Array, doubt: Array, floor: float) -> float:
    """The largest difference beyond doubt, relative to the largest number."""
    if found is None or found.shape != numeric.shape:
        return float("inf")
    known = ~np.isnan(numeric)
    if not known.any():
        return float("nan")
    if not np.isfinite(found[known]).all():
        return float("inf")
    off = np.maximum(np.abs(found - numeric) - 10 * doubt, 0.0)[known].max()
    scale = max(float(np.abs(numeric[known]).max()), float(np.abs(found[known]).max()), floor)
    return float(off / scale) if scale else 0.0
