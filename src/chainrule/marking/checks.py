"""Judge a gradient check of a student's own: what it lets through, and what it refuses wrongly.

The check is called on the loss of a small softmax regression, whose gradient is known to the last
digit, with right gradients and with wrong ones. A check that passes a wrong gradient would have
passed the bug in the student's code as well, and which ones it passes tells what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem
from chainrule.core.notation import counted
from chainrule.marking.program import Probe
from chainrule.marking.sandbox.running import Calls, Limits, Returned, ask

LOSS = """
def loss(W):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return scale * (-log_p[np.arange(len(y)), y].mean() + rate * np.sum(W ** 2))
"""
"""The loss that a check is tried on, as it is defined within the sandbox."""

OUTCOME = """
def outcome_of(attempt):
    try:
        answer = attempt()
    except AssertionError:
        return 0.0, np.nan
    if isinstance(answer, tuple):
        answer = next((a for a in answer if isinstance(a, (bool, np.bool_))), answer[0])
    if isinstance(answer, (bool, np.bool_)):
        return float(answer), np.nan
    if isinstance(answer, str):
        return float(not any(word in answer.lower() for word in REFUSALS)), np.nan
    if answer is None:
        return np.nan, np.nan
    number = float(np.max(np.abs(np.asarray(answer, float))))
    return (0.0, np.nan) if np.isnan(number) else (np.nan, number)
"""
"""Reads what a check answers: passed (1) or not (0), and the number where it answers by one."""

REFUSALS = ("wrong", "incorrect", "fail", "bad", "not ", "error", "mismatch")
"""Words of a check that refuses; a text without any of them is taken for a pass."""

SETUP = f"REFUSALS = {REFUSALS!r}\n{LOSS}{OUTCOME}"

PASSES_BELOW = 1e-5
"""Where a check answers by a number, a smaller one is taken for a pass, as courses state it."""

FUNCTIONS = {"f", "func", "fn", "function", "loss", "loss_fn", "cost", "objective", "forward", "j"}
POINTS = {"x", "w", "theta", "params", "parameters", "point", "weights", "v", "z", "a"}
GRADIENTS = {"g", "grad", "grads", "gradient", "analytic", "analytic_grad", "analytical", "d"}
GRADIENTS |= {"grad_analytic", "analytic_gradient", "df", "dw", "dx", "backprop_grad"}
CALLABLES = {"grad_f", "f_grad", "gradf", "backward", "df", "f_prime", "fprime", "gradient"}
CALLABLES |= {"grad", "grad_fn", "gradient_fn", "derivative", "grad_func"}


@dataclass(frozen=True)
class Trial:
    """A gradient that a check is given.

    Attributes:
        says: what is wrong with it; empty for a right one.
        kind: a word that trials of one kind share, by which causes are found.
        scale: a factor of the loss and its gradient.
        gradient: what is given, of the shape of W.
    """

    says: str
    kind: str
    scale: float
    gradient: Array


@dataclass(frozen=True)
class CheckReport:
    """What a check refuses and what it lets through.

    Attributes:
        name: of the check.
        passed: the wrong gradients that it passes, in words.
        tried: how many wrong gradients it was given.
        refused: the right gradients that it refuses, in words.
        causes: what is wrong with the check, in sentences.
    """

    name: str
    passed: tuple[str, ...]
    tried: int
    refused: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether it refuses every wrong gradient and no right one."""
        return not self.passed and not self.refused

    def __str__(self) -> str:
        if self.right:
            if not self.tried:
                return f"{self.name} is right: it agrees with the true gradient"
            return (
                f"{self.name} is a good check: it refuses all {self.tried} wrong gradients and "
                "passes the right ones"
            )
        lines = list(self.causes)
        if self.refused and self.tried:
            lines.append(f"It refuses right gradients: {'; '.join(self.refused)}.")
        if self.passed:
            wrong = counted(self.tried, "wrong gradient")
            lines.append(f"Of {wrong} it lets {len(self.passed)} through:")
            lines += [f"  - {one}" for one in self.passed]
        return "\n".join([f"{self.name}:", *lines])


def trials(seed: int = 0) -> tuple[Mapping[str, object], list[Trial]]:
    """The data of the loss, and the gradients that a check is given.

    Args:
        seed: of the data.
    """
    rng = np.random.default_rng(seed)
    X, W, y = rng.normal(size=(6, 4)), rng.normal(size=(4, 3)), rng.integers(0, 3, 6)
    X[:, 0] = 1.0  # the bias, folded in
    rate, N = 0.3, len(X)
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    delta = p - np.eye(3)[y]
    data, penalty = X.T @ delta / N, 2 * rate * W
    found = list(_trials(X, delta, p, data, penalty, N))
    return {"X": X, "y": y, "rate": rate, "W": W}, found


def _trials(
    X: Array, delta: Array, p: Array, data: Array, penalty: Array, N: int
) -> Iterator[Trial]:
    right = data + penalty
    for scale, says in ((1.0, ""), (1e-7, "a loss of 1e-7"), (1e6, "a loss of 1e6")):
        yield Trial("" if scale == 1 else says, "right", scale, scale * right)
    yield Trial("∂L/∂W without 1/N", "factor", 1, N * data + penalty)
    yield Trial("the penalty left out of the gradient", "term", 1, data)
    yield Trial("λW in place of 2λW", "term", 1, data + penalty / 2)
    yield Trial("the sign turned", "sign", 1, -right)
    yield Trial("twice the right gradient", "factor", 1, 2 * right)
    yield Trial("1.1 times the right gradient", "factor", 1, 1.1 * right)
    yield Trial("1.01 times the right gradient", "small factor", 1, 1.01 * right)
    yield Trial("1.001 times the right gradient", "small factor", 1, 1.001 * right)
    yield Trial("zeros", "zeros", 1, 0 * right)
    yield Trial("NaN in one place", "nan", 1, _with(right, (1, 1), np.nan))
    yield Trial("δ without the targets", "term", 1, X.T @ p / N + penalty)
    wrong_axis = np.full_like(right, right.mean())
    yield Trial("one number for the whole array", "factor", 1, wrong_axis)
    yield Trial(
        "the labels shifted by one case", "term", 1, X.T @ np.roll(delta, 1, axis=0) / N + penalty
    )
    reshaped = right.T.reshape(right.shape)
    yield Trial("the transposed gradient, brought into shape by reshape", "term", 1, reshaped)
    bias = right.copy()
    bias[0] = 0
    yield Trial("the gradient of the biases never computed", "place", 1, bias)
    for at, words in (((0, 0), "first"), ((2, 1), "middle"), ((3, 2), "last")):
        changed = _with(right, at, right[at] * 1.5 + 0.1)
        yield Trial(f"the {words} number wrong by half, all others right", "place", 1, changed)
    yield Trial("twice the right gradient, of a loss of 1e-7", "small", 1e-7, 2e-7 * right)
    yield Trial("the sign turned, of a loss of 1e-7", "small", 1e-7, -1e-7 * right)


def _with(array: Array, at: tuple[int, int], value: float) -> Array:
    changed = array.copy()
    changed[at] = value
    return changed


def judge_check(
    folder: Path,
    module: str,
    name: str,
    parameters: Sequence[str],
    limits: Limits | None = None,
) -> CheckReport:
    """Try a check on right and on wrong gradients.

    Args:
        folder: where its file is.
        module: the file's name without its suffix.
        name: of the function.
        parameters: the names of its parameters without default values.
        limits: what it may use.

    Raises:
        ConfigError: it cannot be called in any way that its parameters suggest.
    """
    data, given = trials()
    form = _form(folder, module, name, parameters, data, given[0], limits)
    answers = _answers(folder, module, form, data, given, limits)
    verdicts = [_has_passed(answer) for answer in answers]
    wrong = [one for one in given if one.kind != "right"]
    passed = [t for t, ok in zip(given, verdicts, strict=True) if t.kind != "right" and ok]
    refused = [t for t, ok in zip(given, verdicts, strict=True) if t.kind == "right" and not ok]
    return CheckReport(
        name,
        tuple(t.says for t in passed),
        len(wrong),
        tuple(t.says or "the right gradient itself" for t in refused),
        tuple(_causes(passed, refused, wrong)),
    )


def _has_passed(answer: Returned) -> bool:
    """Whether the check passed; from what it printed where it answers nothing."""
    if "passed" not in answer.values:
        return False
    passed, number = float(answer.values["passed"]), float(answer.values["number"])
    if not np.isnan(passed):
        return passed > 0
    if not np.isnan(number):
        return number < PASSES_BELOW
    words = answer.printed.lower()
    return not any(word in words for word in REFUSALS)


def _causes(
    passed: Sequence[Trial], refused: Sequence[Trial], wrong: Sequence[Trial]
) -> Iterator[str]:
    """What is wrong with the check, by what it passes and refuses."""
    kinds = {t.kind for t in passed}
    unscaled = [t for t in refused if t.scale == 1]
    if len(passed) >= len([t for t in wrong if t.kind != "nan"]):
        yield (
            "It passes everything. Look at what is compared: two copies of the same array, or a "
            "difference that is 0 because the function is called in the wrong way?"
        )
        return
    if unscaled:
        yield (
            "It refuses the right gradient, so its own numeric gradient is wrong: "
            "(f(x + h) − f(x − h)) / (2h) needs its brackets, around the difference above and "
            "around 2h below, and moves one number at a time, which is put back before the next."
        )
    if kinds & {"factor", "sign"} and not unscaled:
        yield "It passes gradients that are wrong by a factor: it compares too loosely."
    elif "small factor" in kinds:
        yield (
            "Its tolerance is too wide: central differences with h = 1e-5 agree with a right "
            "gradient to about 1e-8 of it, so a tolerance of 1e-6 is wide enough."
        )
    if "place" in kinds and "factor" not in kinds:
        yield "It does not look at every number: some are wrong and it does not see them."
    if "nan" in kinds:
        yield (
            "It passes NaN: every comparison with NaN is false, so `if difference > tolerance` "
            "never speaks. Ask `difference <= tolerance` for a pass."
        )
    if "small" in kinds and "factor" not in kinds:
        yield (
            "It compares absolute differences: a gradient of 1e-7 that is wrong altogether is "
            "still within its tolerance. Divide by the size of the two gradients."
        )
    if any(t.scale > 1 for t in refused) and not unscaled:
        yield (
            "It compares absolute differences: of a large loss, rounding alone is larger than its "
            "tolerance. Divide by the size of the two gradients."
        )


def judge_numeric(
    folder: Path,
    module: str,
    name: str,
    parameters: Sequence[str],
    limits: Limits | None = None,
) -> CheckReport:
    """Hold a numeric gradient of a student's own against the true one.

    Args and errors are those of `judge_check`.
    """
    data, given = trials()
    answer = Returned()
    for arguments in _orders(parameters, ("loss", "W")):
        form = f"{module}.{name}({', '.join(arguments)})"
        answer = _differentiated(folder, module, form, data, limits)
        if answer.trouble is None and "G" in answer.values:
            found, left = np.asarray(answer.values["G"]), np.asarray(answer.values["W"])
            causes = tuple(_causes_of_numeric(found, given[0].gradient, left, data["W"]))
            refused = ("the right gradient itself",) if causes else ()
            return CheckReport(name, (), 0, refused, causes)
    raise _cannot_be_called(folder, module, name, parameters, answer, "numeric(f, x)")


def _causes_of_numeric(found: Array, right: Array, left: Array, before: object) -> Iterator[str]:
    if found.shape != right.shape:
        yield f"It returns shape {found.shape} for a point of shape {right.shape}."
        return
    error = float(np.abs(found - right).max() / np.abs(right).max())
    if not np.array_equal(left, np.asarray(before)):
        yield (
            "It does not put every number back after it has moved it, so the later ones are "
            "differentiated at another point, and the caller's array is changed."
        )
    elif not error < 1e-3:
        yield (
            f"Its largest relative error is {error:.2g}: (f(x + h) − f(x − h)) / (2h) needs its "
            "brackets, around the difference above and around 2h below."
        )
    elif error > 1e-6:
        yield (
            f"Its largest relative error is {error:.2g}: (f(x + h) − f(x)) / h is right to the "
            "first order of h alone. Go both ways, (f(x + h) − f(x − h)) / (2h), with h near "
            "1e-5; with a much smaller h rounding takes over."
        )


# How it is called


def _answers(
    folder: Path,
    module: str,
    form: str,
    data: Mapping[str, object],
    given: Sequence[Trial],
    limits: Limits | None,
) -> Sequence[Returned]:
    calls = Calls(
        (module,),
        SETUP,
        f"W = W.copy()\npassed, number = outcome_of(lambda: {form})",
        {"passed": "passed", "number": "number"},
        "definitions",
    )
    probe = Probe(
        "check",
        "right and wrong gradients",
        tuple({**data, "scale": one.scale, "G": one.gradient} for one in given),
    )
    return ask(folder, calls, [probe], limits)["check"]


def _differentiated(
    folder: Path, module: str, form: str, data: Mapping[str, object], limits: Limits | None
) -> Returned:
    call = f"W = W.copy()\nG = {form}"
    calls = Calls((module,), SETUP, call, {"G": "G", "W": "W"}, "definitions")
    probe = Probe("numeric", "a numeric gradient", ({**data, "scale": 1.0},))
    return ask(folder, calls, [probe], limits)["numeric"][0]


def _form(
    folder: Path,
    module: str,
    name: str,
    parameters: Sequence[str],
    data: Mapping[str, object],
    right: Trial,
    limits: Limits | None,
) -> str:
    """The call that the check takes: the first that ends without an error."""
    answer = Returned()
    for gradient in ("G", "lambda *given: G"):
        for arguments in _orders(parameters, ("loss", "W", gradient)):
            form = f"{module}.{name}({', '.join(arguments)})"
            (answer,) = _answers(folder, module, form, data, [right], limits)
            if answer.trouble is None and answer.values:
                return form
    raise _cannot_be_called(folder, module, name, parameters, answer, "check(f, x, g)")


def _cannot_be_called(
    folder: Path,
    module: str,
    name: str,
    parameters: Sequence[str],
    answer: Returned,
    expected: str,
) -> ConfigError:
    why = f": {answer.trouble.text}" if answer.trouble is not None else ""
    return ConfigError(
        Problem(
            f"{name}({', '.join(parameters)}) could not be called{why}. Expected is "
            f"{expected}: a function, the point, and for a check the gradient there or a function "
            "that gives it",
            folder / f"{module}.py",
        )
    )


def _orders(parameters: Sequence[str], arguments: tuple[str, ...]) -> Iterator[list[str]]:
    """The arguments by the names of the parameters where they tell; then in every order."""
    if len(arguments) != len(parameters):
        return
    by_name = [_argument(one, arguments) for one in parameters]
    if sorted(by_name) == sorted(arguments):
        yield by_name
    for order in permutations(arguments):
        yield list(order)


def _argument(parameter: str, arguments: tuple[str, ...]) -> str:
    word = parameter.lower().strip("_")
    gradient = arguments[2] if len(arguments) > 2 else ""
    if gradient and word in (CALLABLES if gradient.startswith("lambda") else GRADIENTS):
        return gradient
    if word in FUNCTIONS:
        return "loss"
    return "W" if word in POINTS else ""
