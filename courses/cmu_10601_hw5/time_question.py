"""The written question on a network in time: the gradients as formulas and numbers, each checked.

Run with: python3 time_question.py [--steps 1 2 3] [--loss squared] [--seed 0]

    h⁽ⁿ⁾ = U x⁽ⁿ⁾ + h⁽ⁿ⁻¹⁾,   o⁽ⁿ⁾ = V h⁽ⁿ⁾,   J = Σ_{t=1}^{N} l(y⁽ᵗ⁾, o⁽ᵗ⁾),   h⁽⁰⁾ given

x, h, o and y are columns. With g⁽ᵗ⁾ = ∂l(y⁽ᵗ⁾, o⁽ᵗ⁾)/∂o⁽ᵗ⁾, a column as well, for any N:

    ∂J/∂h⁽ⁿ⁾ = Σ_{t=n}^{N} Vᵀ g⁽ᵗ⁾
    ∂J/∂V    = Σ_{n=1}^{N} g⁽ⁿ⁾ h⁽ⁿ⁾ᵀ
    ∂J/∂U    = Σ_{n=1}^{N} Σ_{t=n}^{N} Vᵀ g⁽ᵗ⁾ x⁽ⁿ⁾ᵀ

because h⁽ⁿ⁾ enters o⁽ⁿ⁾ and, by h⁽ⁿ⁺¹⁾ = … + h⁽ⁿ⁾, everything after it. A gradient has the shape
of what it is taken by. Every number is held against the library's pass back through the graph and
against numeric differentiation; the exit status is 1 if one is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.autodiff import Node, apply, backpropagate, formula, log_softmax, softmax, variable
from chainrule.autodiff import sum as total
from chainrule.cli.terminal import failures_reported
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError
from chainrule.gradients import central_difference, complex_step

INPUTS, STATES, OUTPUTS = 2, 3, 2
"""The sizes of x, h and o: where two are equal, a forgotten transpose would go unseen."""

LIMIT, CENTRAL_LIMIT = 1e-12, 1e-9
MOST_STEPS = 50
WRITTEN_OUT = 3
"""Up to so many steps a sum is printed term by term."""

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

LossNode = Callable[[Node, Node], Node]

LOSSES: Mapping[str, tuple[str, LossNode, LossNode]] = {
    "squared": (
        "l(y, o) = ½ ‖o − y‖²,  g = o − y",
        lambda y, o: 0.5 * total((o - y) ** 2),
        lambda y, o: o - y,
    ),
    "cross_entropy": (
        "l(y, o) = −Σ y log softmax(o) with Σ y = 1,  g = softmax(o) − y",
        lambda y, o: -total(y.T * log_softmax(o.T)),
        lambda y, o: softmax(o.T).T - y,
    ),
}
"""What l may be, which is left open: in words, as a graph, and its derivative g by hand."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The question at some numbers.

    Attributes:
        U: (states, inputs).
        V: (outputs, states).
        x: (N, inputs, 1), the columns x⁽¹⁾ to x⁽ᴺ⁾.
        y: (N, outputs, 1).
        h0: h⁽⁰⁾, (states, 1).
        loss: a name from `LOSSES`.
    """

    U: Array
    V: Array
    x: Array
    y: Array
    h0: Array
    loss: str = "squared"

    @classmethod
    def drawn(cls, steps: int, loss: str = "squared", seed: int = 0) -> Problem:
        """N steps with numbers drawn by ``seed``; each y sums to 1."""
        rng = np.random.default_rng(seed)
        y = rng.uniform(0.1, 1, (steps, OUTPUTS, 1))
        return cls(
            U=rng.normal(size=(STATES, INPUTS)),
            V=rng.normal(size=(OUTPUTS, STATES)),
            x=rng.normal(size=(steps, INPUTS, 1)),
            y=y / y.sum(axis=1, keepdims=True),
            h0=rng.normal(size=(STATES, 1)),
            loss=loss,
        )


def raised(name: str, n: int) -> str:
    """Such as ``h⁽²⁾``."""
    return f"{name}⁽{str(n).translate(_RAISED)}⁾"


Graph = dict[str, Node]


def graph(problem: Problem, held: Mapping[str, Array] | None = None) -> Graph:
    """The network's graph, its nodes by their names in the question.

    Args:
        problem: its numbers.
        held: states with a value of their own instead of the computed one, by name.
    """
    held, loss = held or {}, LOSSES[problem.loss][1]
    n: Graph = {"U": variable(problem.U, "U"), "V": variable(problem.V, "V")}
    h = n[raised("h", 0)] = variable(problem.h0, raised("h", 0))
    for t, (x, y) in enumerate(zip(problem.x, problem.y, strict=True), start=1):
        for name, value in (("x", x), ("y", y)):
            n[raised(name, t)] = variable(value, raised(name, t))
        state = raised("h", t)
        h = product(n["U"], n[raised("x", t)]) + h
        h = n[state] = variable(held[state], state) if state in held else h.named(state)
        o = n[raised("o", t)] = product(n["V"], h).named(raised("o", t))
        term = loss(n[raised("y", t)], o)
        n["J"] = term if t == 1 else n["J"] + term
    return n


def by_hand(problem: Problem, n: Graph) -> Graph:
    """The answers: the sums of the module's first lines, term by term."""
    N, slope = len(problem.x), LOSSES[problem.loss][2]
    steps = range(1, N + 1)
    Vt = n["V"].T.named("Vᵀ")
    g = [slope(n[raised("y", t)], n[raised("o", t)]).named(raised("g", t)) for t in steps]
    d: Graph = {}
    for k in steps:
        d[raised("h", k)] = _sum([product(Vt, g[t - 1]) for t in range(k, N + 1)])
    columns = {name: n[name].T.named(f"{name}ᵀ") for t in steps for name in _rows_at(t)}
    d["V"] = _sum([product(g[k - 1], columns[raised("h", k)]) for k in steps])
    d["U"] = _sum(
        [product(Vt, g[t - 1], columns[raised("x", k)]) for k in steps for t in range(k, N + 1)]
    )
    return d


def product(first: Node, *others: Node) -> Node:
    """The product of matrices as one of the library's graph."""
    result = first
    for other in others:
        result = apply("matmul", result, other)
    return result


def _rows_at(t: int) -> tuple[str, str]:
    return raised("x", t), raised("h", t)


def _sum(terms: Sequence[Node]) -> Node:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


@dataclass(frozen=True, eq=False)
class Answer:
    """One gradient of J and what three other derivations say.

    Attributes:
        name: of what J is differentiated by.
        formula: by hand.
        value: its numbers, of the shape of what J is differentiated by.
        by_graph: the same from the library's pass back.
        by_complex_step: the same from J's values alone.
        by_central_difference: likewise, without complex numbers.
    """

    name: str
    formula: str
    value: Array
    by_graph: Array
    by_complex_step: Array
    by_central_difference: Array

    @property
    def error(self) -> float:
        """The largest difference from graph and complex step, relative to numbers above 1."""
        others = (self.by_graph, self.by_complex_step)
        return max(self._apart(other) for other in others)

    @property
    def central_error(self) -> float:
        """The largest difference from the central difference, likewise."""
        return self._apart(self.by_central_difference)

    @property
    def is_right(self) -> bool:
        """Whether all agree."""
        return self.error <= LIMIT and self.central_error <= CENTRAL_LIMIT

    def _apart(self, other: Array) -> float:
        if other.shape != self.value.shape:
            return float("inf")
        return float(np.abs(self.value - other).max() / max(1.0, np.abs(self.value).max()))


def answers(problem: Problem) -> list[Answer]:
    """The gradients by h⁽¹⁾ to h⁽ᴺ⁾, V and U.

    Example:
        >>> for answer in answers(Problem.drawn(2)):
        ...     print(f"∂J/∂{answer.name} = {answer.formula}")
        ∂J/∂h⁽¹⁾ = Vᵀ g⁽¹⁾ + Vᵀ g⁽²⁾
        ∂J/∂h⁽²⁾ = Vᵀ g⁽²⁾
        ∂J/∂V = g⁽¹⁾ h⁽¹⁾ᵀ + g⁽²⁾ h⁽²⁾ᵀ
        ∂J/∂U = Vᵀ g⁽¹⁾ x⁽¹⁾ᵀ + Vᵀ g⁽²⁾ x⁽¹⁾ᵀ + Vᵀ g⁽²⁾ x⁽²⁾ᵀ
    """
    n = graph(problem)
    d = by_hand(problem, n)
    from_graph = backpropagate(n["J"], [n[name] for name in d])
    written_out = len(problem.x) <= WRITTEN_OUT
    return [
        Answer(
            name,
            formula(node) if written_out else in_general(name, len(problem.x)),
            node.value,
            found.value,
            *_numeric(problem, name, n[name].value),
        )
        for (name, node), found in zip(d.items(), from_graph, strict=True)
    ]


def in_general(name: str, steps: int | str = "N") -> str:
    """The formula for any number of steps, as a sum."""
    if name == "V":
        return f"Σ_{{n=1}}^{{{steps}}} g⁽ⁿ⁾ h⁽ⁿ⁾ᵀ"
    if name == "U":
        return f"Σ_{{n=1}}^{{{steps}}} Σ_{{t=n}}^{{{steps}}} Vᵀ g⁽ᵗ⁾ x⁽ⁿ⁾ᵀ"
    first = name[2:-1].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    return f"Σ_{{t={first}}}^{{{steps}}} Vᵀ g⁽ᵗ⁾"


def _numeric(problem: Problem, name: str, value: Array) -> tuple[Array, Array]:
    """∂J by one node, by the complex step and the central difference of J's values."""

    def J(at: Array) -> complex:
        moved = at.reshape(value.shape)
        if name == "U":
            return complex(graph(replace(problem, U=moved))["J"].value)
        if name == "V":
            return complex(graph(replace(problem, V=moved))["J"].value)
        return complex(graph(problem, {name: moved})["J"].value)

    by_complex_step = complex_step(J, value.ravel())
    by_difference = central_difference(lambda at: J(at).real, value.ravel())
    return by_complex_step.reshape(value.shape), by_difference.reshape(value.shape)


def tell(found: Sequence[Answer]) -> None:
    """Print each answer as formula and number, and how far the other derivations are from it."""
    for answer in found:
        verdict = "ok" if answer.is_right else f"WRONG: above {LIMIT:g} or {CENTRAL_LIMIT:g}"
        print(f"∂J/∂{answer.name} = {answer.formula}")
        numbers = np.array2string(answer.value, precision=8, suppress_small=True, prefix=" " * 6)
        print(f"    = {numbers}")
        print(
            f"      graph and complex step within {answer.error:.0e}, "
            f"central difference within {answer.central_error:.0e}  {verdict}"
        )


def main(words: Sequence[str] | None = None) -> int:
    """Print the answers; 1 if one is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--steps", nargs="+", type=int, default=[1, 2, 5], metavar="N", help="numbers of steps"
    )
    parser.add_argument("--loss", choices=list(LOSSES), default="squared", help="what l is")
    parser.add_argument("--seed", type=int, default=0, help="of the numbers")
    options = parser.parse_args(words)
    for steps in options.steps:
        if not 1 <= steps <= MOST_STEPS:
            raise ChainruleError(f"--steps are from 1 to {MOST_STEPS}, found {steps}")
    if options.seed < 0:
        raise ChainruleError(f"--seed is at least 0, found {options.seed}")
    print(LOSSES[options.loss][0])
    print("\nany N:")
    for name, general in (("h⁽ⁿ⁾", "Σ_{t=n}^{N} Vᵀ g⁽ᵗ⁾"), *((w, in_general(w)) for w in "VU")):
        print(f"∂J/∂{name} = {general}")
    right = True
    for steps in options.steps:
        print(f"\nN = {steps}:")
        found = answers(Problem.drawn(steps, options.loss, options.seed))
        tell(found)
        right &= all(answer.is_right for answer in found)
    return int(not right)


if __name__ == "__main__":
    with failures_reported("time_question"):
        raise SystemExit(main())
