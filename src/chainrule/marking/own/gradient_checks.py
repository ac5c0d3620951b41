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
        says: what is wrong with it; of a right one, what is special.
        kind: a word that trials of one kind share, by which causes are found.
        gradient: what is given, of the shape of W.
        scale: a factor of the loss and of its gradient.
        is_extreme: whether a good check may still decide it otherwise; then it is advice.
    """

    says: str
    kind: str
    gradient: Array
    scale: float = 1.0
    is_extreme: bool = False

    @property
    def is_right(self) -> bool:
        """Whether the gradient is right."""
        return self.kind == "right"


@dataclass(frozen=True)
class CheckReport:
    """What a check refuses and what it lets through.

    Attributes:
        name: of the check.
        passed: the wrong gradients that it passes, in words.
        tried: how many wrong gradients it was given; 0 for a numeric gradient.
        refused: the right gradients that it refuses, in words.
        causes: what is wrong with it, in sentences.
        advice: what it cannot see, though it is a good check, in sentences.
    """

    name: str
    passed: tuple[str, ...]
    tried: int
    refused: tuple[str, ...]
    causes: tuple[str, ...]
    advice: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether it refuses every wrong gradient and no right one."""
        return not self.passed and not self.refused and not self.causes

    def __str__(self) -> str:
        return "\n".join([*self._lines(), *(self.advice if self.right else ())])

    def _lines(self) -> Iterator[str]:
        if self.right and not self.tried:
            yield f"{self.name} agrees with the true gradient."
        elif self.right:
            wrong = counted(self.tried, "wrong gradient")
            yield f"{self.name} passes the right gradient and refuses each of {wrong}."
        yield from self.causes
        if self.refused and self.tried:
            yield f"It refuses right gradients: {'; '.join(self.refused)}."
        if self.passed:
            wrong = counted(self.tried, "wrong gradient")
            yield f"Of {wrong} it lets {len(self.passed)} through:"
            yield from (f"  - {one}" for one in self.passed)


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
    yield Trial("the right gradient itself", "right", right)
    yield Trial("∂L/∂W without 1/N", "term", N * data + penalty)
    yield Trial("the penalty left out of the gradient", "term", data)
    yield Trial("λW in place of 2λW", "term", data + penalty / 2)
    yield Trial("δ without the targets", "term", X.T @ p / N + penalty)
    shifted = X.T @ np.roll(delta, 1, axis=0) / N + penalty
    yield Trial("the labels shifted by one case", "term", shifted)
    yield Trial("the sign turned", "factor", -right)
    yield Trial("twice the right gradient", "factor", 2 * right)
    yield Trial("1.1 times the right gradient", "factor", 1.1 * right)
    yield Trial("1.01 times the right gradient", "small factor", 1.01 * right)
    yield Trial("zeros", "zeros", 0 * right)
    yield Trial("NaN in one place", "nan", _with(right, (1, 1), np.nan))
    yield Trial("one number for the whole array", "moved", np.full_like(right, right.mean()))
    reshaped = right.T.reshape(right.shape)
    yield Trial("the transposed gradient, brought into shape by reshape", "moved", reshaped)
    bias = right.copy()
    bias[0] = 0
    yield Trial("the gradient of the biases never computed", "place", bias)
    for at, words in (((0, 0), "first"), ((2, 1), "middle"), ((3, 2), "last")):
        changed = _with(right, at, right[at] * 1.5 + 0.1)
        yield Trial(f"the {words} number wrong by half, all others right", "place", changed)
    fine = "1.001 times the right gradient"
    yield Trial(fine, "fine", 1.001 * right, is_extreme=True)
    for scale in (1e-7, 1e6):
        yield Trial(f"of a loss of {scale:g}", "right", scale * right, scale, is_extreme=True)
    for factor, words in ((2.0, "twice the right gradient"), (-1.0, "the sign turned")):
        says = f"{words}, of a loss of 1e-7"
        yield Trial(says, "small", 1e-7 * factor * right, 1e-7, is_extreme=True)


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
    *,
    trust: bool = False,
) -> CheckReport:
    """Try a check on right and on wrong gradients.

    Args:
        folder: where its file is.
        module: the file's name without its suffix.
        name: of the function.
        parameters: the names of its parameters without default values.
        limits: what it may use.
        trust: whether to run it where the machine has no safe sandbox.

    Raises:
        ConfigError: it cannot be called in any way that its parameters suggest.
    """
    data, given = trials()
    own = _Own(folder, module, name, tuple(parameters), limits, trust)
    form = own.form(data, given[0])
    answers = own.answers(form, data, given)
    wrongly = [
        one
        for one, answer in zip(given, answers, strict=True)
        if _has_passed(answer) != one.is_right
    ]
    left = np.asarray(answers[0].values.get("W", data["W"]))
    tried = [one for one in given if not one.is_right and not one.is_extreme]
    return CheckReport(
        name,
        tuple(one.says for one in wrongly if one in tried),
        len(tried),
        tuple(one.says for one in wrongly if one.is_right and not one.is_extreme),
        tuple(_causes(wrongly, len(tried), is_put_back=np.allclose(left, np.asarray(data["W"])))),
        tuple(_advice(wrongly)),
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


PUT_BACK = (
    "It does not put every number back after it has moved it, so the later ones are "
    "differentiated at another point, and the caller's array is changed."
)

BRACKETS = (
    "(f(x + h) − f(x − h)) / (2h) needs its brackets, around the difference above and around 2h "
    "below, and moves one number at a time."
)


def _causes(wrongly: Sequence[Trial], tried: int, *, is_put_back: bool) -> Iterator[str]:
    """What is wrong with a check, by the gradients that it decides wrongly.

    Args:
        wrongly: the wrong ones that it passes, and the right ones that it refuses.
        tried: how many wrong ones it was given.
        is_put_back: whether the point is afterwards what it was.
    """
    plain = [one for one in wrongly if not one.is_extreme]
    kinds = {one.kind for one in plain}
    if not is_put_back:
        yield PUT_BACK
    passed = len([one for one in plain if not one.is_right])
    if passed >= tried - 1:
        others = "" if passed == tried else " but NaN" if "nan" not in kinds else " but one"
        yield (
            f"It passes everything{others}. Look at what "
            "is compared: two copies of the same array, differences whose signs cancel in a sum "
            "or a mean (abs is missing), or a difference that is 0 because the function is called "
            "in the wrong way?"
        )
    elif "right" in kinds and "zeros" in kinds:
        yield (
            "Its own numeric gradient is 0: the points above and below are one and the same array "
            "(a copy is missing), or the step is so small that it is lost in the rounding; 1e-5 "
            "is a good one."
        )
    elif "right" in kinds and is_put_back:
        yield f"It refuses the right gradient, so its own numeric gradient is wrong: {BRACKETS}"
    elif "right" not in kinds and is_put_back:
        yield from _causes_of_passing(plain, kinds)
    if "nan" in kinds and "place" not in kinds and len(plain) < tried - 1:
        yield (
            "It passes NaN: every comparison with NaN is false, so `if difference > tolerance` "
            "never speaks. Ask `difference <= tolerance` for a pass."
        )


def _causes_of_passing(plain: Sequence[Trial], kinds: set[str]) -> Iterator[str]:
    places = [one for one in plain if one.kind == "place"]
    if "factor" in kinds:
        yield (
            "It passes gradients that are wrong by 10 % and more: its tolerance is far too wide, "
            "or what it divides the difference by is too large."
        )
    elif "small factor" in kinds:
        yield (
            "Its tolerance is too wide: central differences with h = 1e-5 agree with a right "
            "gradient to about 1e-8 of it, so a tolerance of 1e-6 is wide enough."
        )
    elif "moved" in kinds and not places:
        yield (
            "Errors that cancel pass: the differences are added with their signs, or only a sum "
            "is compared. Take absolute values or squares before you add."
        )
    elif places:
        yield (
            "It does not look at every number: one that is wrong is not seen. Look for a return "
            "inside the loop, a range that ends too early, or a sample."
        )


def _advice(wrongly: Sequence[Trial]) -> Iterator[str]:
    """What a check does not see at very small and very large losses."""
    kinds = {one.kind for one in wrongly if one.is_extreme}
    if "fine" in kinds:
        yield (
            "To know: 1.001 times the right gradient passes as well. Central differences with h = "
            "1e-5 agree with a right gradient to about 1e-8 of it, so that a tolerance of 1e-6 "
            "would see more."
        )
    if "small" in kinds:
        yield (
            "To know: it compares absolute differences, at least of small numbers, so that of a "
            "loss of 1e-7 wrong gradients pass as well. Where gradients are that small, divide by "
            "the size of the two."
        )
    if any(one.is_extreme and one.scale > 1 for one in wrongly):
        yield (
            "To know: of a loss of 1e6 it refuses the right gradient, because rounding alone is "
            "larger than its tolerance. Divide the difference by the size of the two gradients."
        )


def judge_numeric(
    folder: Path,
    module: str,
    name: str,
    parameters: Sequence[str],
    limits: Limits | None = None,
    *,
    trust: bool = False,
) -> CheckReport:
    """Hold a numeric gradient of a student's own against the true one.

    Args and errors are those of `judge_check`.
    """
    data, given = trials()
    own = _Own(folder, module, name, tuple(parameters), limits, trust)
    answer = Returned()
    for arguments in _orders(parameters, ("loss", "W")):
        answer = own.differentiated(own.called(arguments), data)
        if answer.trouble is None and "G" in answer.values:
            found, left = np.asarray(answer.values["G"]), np.asarray(answer.values["W"])
            causes = tuple(_causes_of_numeric(found, given[0].gradient, left, data["W"]))
            refused = ("the right gradient itself",) if causes else ()
            return CheckReport(name, (), 0, refused, causes)
    raise own.cannot_be_called(answer, "numeric(f, x)")


def _causes_of_numeric(found: Array, right: Array, left: Array, before: object) -> Iterator[str]:
    if found.shape != right.shape:
        yield f"It returns shape {found.shape} for a point of shape {right.shape}."
        return
    error = float(np.abs(found - right).max() / np.abs(right).max())
    if not np.array_equal(left, np.asarray(before)):
        yield PUT_BACK
    elif not error < 1e-3:
        yield f"Its largest relative error is {error:.2g}: {BRACKETS}"
    elif error > 1e-6:
        yield (
            f"Its largest relative error is {error:.2g}: (f(x + h) − f(x)) / h is right to the "
            "first order of h alone. Go both ways, (f(x + h) − f(x − h)) / (2h), with h near "
            "1e-5; with a much smaller h rounding takes over."
        )


# How it is called


@dataclass(frozen=True)
class _Own:
    """A function of the student's own, which is called in the sandbox.

    Attributes:
        folder: where its file is.
        module: the file's name without its suffix.
        name: of the function.
        parameters: the names of its parameters without default values.
        limits: what it may use.
        trust: whether to run it where the machine has no safe sandbox.
    """

    folder: Path
    module: str
    name: str
    parameters: tuple[str, ...]
    limits: Limits | None
    trust: bool

    def called(self, arguments: Sequence[str]) -> str:
        """A call of it."""
        return f"{self.module}.{self.name}({', '.join(arguments)})"

    def form(self, data: Mapping[str, object], right: Trial) -> str:
        """The call that the check takes: the first that ends without an error."""
        answer = Returned()
        for gradient in ("G", "lambda *given: G"):
            for arguments in _orders(self.parameters, ("loss", "W", gradient)):
                form = self.called(arguments)
                (answer,) = self.answers(form, data, [right])
                if answer.trouble is None and answer.values:
                    return form
        raise self.cannot_be_called(answer, "check(f, x, g)")

    def answers(
        self, form: str, data: Mapping[str, object], given: Sequence[Trial]
    ) -> Sequence[Returned]:
        """What a check answers to gradients."""
        call = f"W = W.copy()\npassed, number = outcome_of(lambda: {form})"
        cases = ({**data, "scale": one.scale, "G": one.gradient} for one in given)
        return self._asked(call, {"passed": "passed", "number": "number", "W": "W"}, *cases)

    def differentiated(self, form: str, data: Mapping[str, object]) -> Returned:
        """What a numeric gradient gives, and the point as it is afterwards."""
        call = f"W = W.copy()\nG = {form}"
        return self._asked(call, {"G": "G", "W": "W"}, {**data, "scale": 1.0})[0]

    def _asked(
        self, call: str, returns: Mapping[str, str], *cases: Mapping[str, object]
    ) -> Sequence[Returned]:
        calls = Calls((self.module,), SETUP, call, returns, "definitions")
        probe = Probe("own", "a function of one's own", cases)
        return ask(self.folder, calls, [probe], self.limits, trust=self.trust)["own"]

    def cannot_be_called(self, answer: Returned, expected: str) -> ConfigError:
        """The error that no call of it goes through."""
        why = f": {answer.trouble.text}" if answer.trouble is not None else ""
        return ConfigError(
            Problem(
                f"{self.name}({', '.join(self.parameters)}) could not be called{why}. Expected is "
                f"{expected}: a function, the point, and for a check the gradient there or a "
                "function that gives it",
                self.folder / f"{self.module}.py",
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
