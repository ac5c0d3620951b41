"""What `chainrule check-code` does with a file: find out what is in it, and check each thing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem
from chainrule.marking.own_function import (
    CACHE,
    INPUTS,
    Inputs,
    OwnFunction,
    examined,
    guessed_inputs,
)
from chainrule.marking.program import Probe
from chainrule.marking.sandbox.running import Calls, Limits, Returned, ask

READING = """
def read(result):
    pair = isinstance(result, tuple) and len(result) == 2
    return (*result, 1.0) if pair else (result, None, 0.0)

def values(found):
    if isinstance(found, dict):
        return list(found.values())
    return list(found) if isinstance(found, (tuple, list)) else [found]

def keys(found):
    return ",".join(map(str, found)) if isinstance(found, dict) else ""
"""
"""Within the sandbox: the output and the cache of what a forward function returned, and the arrays
and names of what a backward function returned."""

MOST_GRADIENTS = 12
"""So many arrays are taken of what a backward function returns."""

_SIZES = re.compile(r"\d+(x\d+)*")


@dataclass(frozen=True)
class Pair:
    """Two functions of a file, or one that returns its gradients itself.

    Attributes:
        folder: where the file is.
        module: the file's name without its suffix.
        forward: the name of the function.
        backward: the name of its gradient function; None if the function returns its gradients.
        parameters: of the function, the names of those without default values.
        needed: how many arguments its gradient function needs.
    """

    folder: Path
    module: str
    forward: str
    backward: str | None
    parameters: tuple[str, ...]
    needed: int


class FunctionThere(OwnFunction):
    """A pair of functions that are called in the sandbox; only numbers come back.

    Args:
        pair: which.
        names: the inputs that are differentiated.
        limits: what they may use.
        trust: whether to run them where the machine has no safe sandbox.
    """

    def __init__(
        self,
        pair: Pair,
        names: Sequence[str],
        limits: Limits | None = None,
        *,
        trust: bool = False,
    ) -> None:
        self.pair, self.names, self.limits, self.trust = pair, tuple(names), limits, trust
        self.name, self.backward_name = pair.forward, pair.backward or pair.forward
        self.needed = pair.needed
        self.backward = None if pair.backward is None else self._not_here

    def _not_here(self) -> None:
        raise AssertionError("the function is in the sandbox")

    def run(self, case: Inputs) -> tuple[Array, Any]:
        """The output; in place of the cache, whether there is one."""
        (answer,) = self._asked("", {"out": "out", "has_cache": "has_cache"}, [case])
        _write_changes(answer, case)
        has_cache = bool(answer.values["has_cache"])
        if has_cache and self.backward is None:
            return _numbers(answer, self.name), self.gradients(case, True, np.ones(()))
        return _numbers(answer, self.name), has_cache or None

    def outputs(self, cases: Sequence[Inputs]) -> list[Array]:
        """The outputs of many cases, in one go."""
        return [_numbers(a, self.name) for a in self._asked("", {"out": "out"}, cases)]

    def gradients(self, case: Inputs, cache: Any, g: Array) -> Any:
        """What the backward function returns: a tuple, or a dictionary if it has names."""
        call = f"grads = {self._gradient_call(case, cache)}"
        (answer,) = self._asked(call, _gradients("grads"), [{**case, "_g": g}])
        _write_changes(answer, case, g)
        return _gathered(answer)

    def in_turn(self, case: Inputs, other: Inputs, g: Array) -> tuple[Any, Any]:
        """The gradients after another forward pass, and once more with the same cache."""
        given = {**case, **{f"_{name}": value for name, value in other.items()}}
        again = self._gradient_call(case, self._has_cache(case))
        call = (
            f"{self._function(self.name)}({', '.join(f'_{name}' for name in case)})\n"
            f"import copy\ngrads = copy.deepcopy({again})\nagain = {again}"
        )
        found = []
        for name in ("grads", "again"):
            (answer,) = self._asked(call, _gradients(name), [{**given, "_g": g}])
            found.append(_gathered(answer))
        return found[0], found[1]

    def _has_cache(self, case: Inputs) -> bool:
        (answer,) = self._asked("", {"has_cache": "has_cache"}, [case])
        return bool(answer.values["has_cache"])

    def _function(self, name: str) -> str:
        return f"{self.pair.module}.{name}"

    def _gradient_call(self, case: Inputs, cache: Any) -> str:
        if self.backward is None:
            return "cache"
        form, inputs = self.form(case, cache or None), ", ".join(case)
        given = "_g, cache" if form == CACHE else inputs if form == INPUTS else f"_g, {inputs}"
        return f"{self._function(self.backward_name)}({given})"

    def _asked(
        self, call: str, returns: Mapping[str, str], cases: Sequence[Inputs]
    ) -> Sequence[Returned]:
        names = ", ".join(self.pair.parameters)
        forward = f"out, cache, has_cache = read({self._function(self.name)}({names}))"
        calls = Calls(
            (self.pair.module,), READING, f"{forward}\n{call}", returns, load="definitions"
        )
        probe = Probe("own", "a function of one's own", tuple(cases))
        answers = ask(self.pair.folder, calls, [probe], self.limits, trust=self.trust)["own"]
        for answer in answers:
            if answer.trouble is not None and not answer.values:
                raise _failed(answer, self.pair)
        return answers


def _gradients(name: str) -> dict[str, str]:
    """The expressions of what a backward function returned."""
    arrays = {f"g{k}": f"values({name})[{k}]" for k in range(MOST_GRADIENTS)}
    return {"keys": f"keys({name})", **arrays}


def _gathered(answer: Returned) -> Any:
    arrays = [answer.values.get(f"g{k}") for k in range(MOST_GRADIENTS)]
    keys = str(answer.values.get("keys", ""))
    if keys:
        return dict(zip(keys.split(","), arrays, strict=False))
    while arrays and arrays[-1] is None:
        arrays.pop()
    return tuple(arrays)


def _numbers(answer: Returned, name: str) -> Array:
    if "out" not in answer.values:
        kind = answer.kinds.get("out")
        raise ConfigError(
            f"{name} returns {kind.name if kind else 'nothing'} where an array or (array, cache) "
            "of real numbers is expected"
        )
    return np.asarray(answer.values["out"], float)


def _write_changes(answer: Returned, case: Inputs, g: Array | None = None) -> None:
    """Write into the inputs that the call wrote into, so that it is seen as it would be here."""
    for name in answer.changed:
        changed = g if name == "_g" else case.get(name)
        if isinstance(changed, np.ndarray):
            changed += 1


def _failed(answer: Returned, pair: Pair) -> ConfigError:
    assert answer.trouble is not None
    file = pair.folder / (answer.trouble.file or f"{pair.module}.py")
    return ConfigError(Problem(answer.trouble.text or "it ended", file, answer.trouble.line))


# What a file is asked for


@dataclass(frozen=True)
class Checked:
    """What was found about one thing in a file.

    Attributes:
        name: of the function or the part.
        is_right: whether nothing is wrong with it.
        lines: what its author is told.
    """

    name: str
    is_right: bool
    lines: tuple[str, ...]


def inputs_from(words: str) -> dict[str, Any]:
    """The inputs that a text names: shapes, labels of classes, numbers.

    Args:
        words: ``NAME=SHAPE``, ``NAME=labels:CLASSES`` or ``NAME=NUMBER``, with spaces between.

    Raises:
        ConfigError: a word that is none of these.

    Example:
        >>> inputs_from("x=5x3 b=4 reg=0.1")
        {'x': (5, 3), 'b': (4,), 'reg': 0.1}
    """
    return dict(_input(word) for word in words.replace(",", " ").split())


def _input(word: str) -> tuple[str, Any]:
    name, _, value = word.partition("=")
    if name.isidentifier():
        if re.fullmatch(r"labels:\d+(:\d+)?", value):
            classes, *cases = map(int, value.split(":")[1:])
            return name, np.arange(cases[0] if cases else 5) % classes
        if _SIZES.fullmatch(value):
            return name, tuple(map(int, value.split("x")))
        try:
            return name, float(value)
        except ValueError:
            pass
    raise ConfigError(
        "an input is written x=5x3 (a shape), b=4 (a vector), y=labels:3 (classes of 5 cases), "
        f"y=labels:3:8 (of 8 cases) or reg=0.1 (a number); found {word!r}"
    )


def check_pair(pair: Pair, inputs: Inputs | None = None, *, trust: bool = False) -> Checked:
    """Check two functions of a file by differences.

    Args:
        pair: which.
        inputs: see `chainrule.check_function`; None to try some by the parameters' names.
        trust: whether to run them where the machine has no safe sandbox.

    Raises:
        ConfigError: they cannot be called, or run with none of the inputs that were tried.
    """
    plain = FunctionThere(pair, (), trust=trust)
    given = inputs or guessed_inputs(pair.parameters, lambda case: plain.run(case)[0])
    if given is None:
        raise ConfigError(
            Problem(
                f"{pair.forward}({', '.join(pair.parameters)}) ran with none of the inputs that "
                'were tried; say what they are, as in --inputs "x=5x3 w=3x4 b=4"',
                pair.folder / f"{pair.module}.py",
            )
        )
    report = examined(lambda names: FunctionThere(pair, names, trust=trust), given)
    return Checked(pair.forward, report.right, tuple(str(report).splitlines()))


def check_file(path: Path, *, trust: bool = False) -> Iterator[Checked]:
    """Check everything that is found in a student's file or folder."""
    raise NotImplementedError
