"""The written question on a graph: J's derivatives as formulas and numbers, each checked.

Run with: python3 graph_question.py [--at w11=0.5 x2=-1 ...] [--table] [--draw out/graph]

    z₁ = relu(w₁₁x₁ + w₂₁x₂)        ŷ₁ = σ(m₁₁z₁³ + c₁)
    z₂ = w₂₂x₂² + w₃₂x₃ + b₂        ŷ₂ = m₁₂ sin z₁ + m₂₂ cos z₂
    J = log((y₁ − ŷ₁)²) + log((y₂ − ŷ₂)²),   relu′(0) = 1

Every derivative is written by hand, one chain rule each in terms of those before it. Its number is
held against the library's pass back through the graph and against numeric differentiation; the
exit status is 1 if one is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.autodiff import (
    Node,
    apply,
    backpropagate,
    cos,
    formula,
    identity,
    log,
    print_graph,
    relu,
    sigmoid,
    sin,
    variable,
)
from chainrule.cli.terminal import failures_reported
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, unknown
from chainrule.gradients import complex_step

# Where the derivatives are taken unless --at says otherwise: the question leaves it open.
POINT: Mapping[str, float] = {
    "x1": 0.6, "x2": -0.4, "x3": 0.9,
    "w11": 0.7, "w21": -0.3, "w22": 0.5, "w32": 0.8, "b2": 0.1,
    "m11": 1.2, "m12": 0.4, "m22": -0.6, "c1": 0.2,
    "y1": 1.0, "y2": 0.5,
}  # fmt: skip

CASES: Mapping[str, str] = {"w₁₁": "0 where w₁₁x₁ + w₂₁x₂ < 0, ∂J/∂z₁ · x₁ elsewhere"}
"""What a formula says case by case, where relu stands in it."""

ASKED = ("ŷ₁", "z₁", "z₂", "m₁₁", "m₁₂", "c₁", "w₂₂", "b₂", "w₁₁")
LIMIT = 1e-12

_LOWERED = str.maketrans("123", "₁₂₃")

Graph = dict[str, Node]


def graph(point: Mapping[str, float], held: Mapping[str, complex] | None = None) -> Graph:
    """The question's graph, its nodes by their names in the question.

    Args:
        point: the value of every variable, by its name in plain letters, such as ``w11``.
        held: nodes with a value of their own instead of the computed one, by name.
    """
    held = held or {}
    names = {word.translate(_LOWERED): x for word, x in point.items()}
    n = {name: variable(held.get(name, x), name) for name, x in names.items()}

    def put(name: str, node: Node) -> None:
        n[name] = variable(held[name], name) if name in held else node.named(name)

    put("z₁", relu(n["w₁₁"] * n["x₁"] + n["w₂₁"] * n["x₂"], at_zero=1.0))
    put("z₂", n["w₂₂"] * n["x₂"] ** 2 + n["w₃₂"] * n["x₃"] + n["b₂"])
    put("ŷ₁", sigmoid(n["m₁₁"] * n["z₁"] ** 3 + n["c₁"]))
    put("ŷ₂", n["m₁₂"] * sin(n["z₁"]) + n["m₂₂"] * cos(n["z₂"]))
    put("J", log((n["y₁"] - n["ŷ₁"]) ** 2) + log((n["y₂"] - n["ŷ₂"]) ** 2))
    return n


def by_hand(n: Graph) -> Graph:
    """The answers: each derivative in terms of the graph and of those before it, by name.

    ``formula`` writes such a node down, so that what is printed is what was computed. ∂J/∂ŷ₂ is
    not asked for, but the others need it.
    """
    d: Graph = {}

    def put(name: str, node: Node) -> None:
        d[name] = node.named(f"∂J/∂{name}")

    put("ŷ₁", -2 / (n["y₁"] - n["ŷ₁"]))
    put("ŷ₂", -2 / (n["y₂"] - n["ŷ₂"]))
    slope = n["ŷ₁"] * (1 - n["ŷ₁"])
    put(
        "z₁",
        d["ŷ₁"] * slope * 3 * n["m₁₁"] * n["z₁"] ** 2 + d["ŷ₂"] * n["m₁₂"] * cos(n["z₁"]),
    )
    put("z₂", -d["ŷ₂"] * n["m₂₂"] * sin(n["z₂"]))
    put("m₁₁", d["ŷ₁"] * slope * n["z₁"] ** 3)
    put("m₁₂", d["ŷ₂"] * sin(n["z₁"]))
    put("c₁", d["ŷ₁"] * slope)
    put("w₂₂", d["z₂"] * n["x₂"] ** 2)
    put("b₂", identity(d["z₂"]))
    before = n["w₁₁"] * n["x₁"] + n["w₂₁"] * n["x₂"]
    put("w₁₁", d["z₁"] * apply("relu_slope", before, at_zero=1.0) * n["x₁"])
    return d


@dataclass(frozen=True)
class Answer:
    """One derivative of J and what two other derivations say.

    Attributes:
        name: of the node that J is differentiated by.
        formula: by hand.
        value: its number.
        by_graph: the same from the library's pass back.
        by_numbers: the same by the complex step, which takes J's values alone; None at the kink
            of relu, where no numeric derivative says what the question says.
    """

    name: str
    formula: str
    value: float
    by_graph: float
    by_numbers: float | None

    @property
    def error(self) -> float:
        """The larger difference from the two others; relative where the number is above 1."""
        others = [self.by_graph, *([] if self.by_numbers is None else [self.by_numbers])]
        return max(abs(self.value - b) for b in others) / max(1.0, abs(self.value))


def answers(point: Mapping[str, float] = POINT) -> list[Answer]:
    """Every derivative that is asked for, in the question's order.

    Raises:
        ChainruleError: J is not finite at the point, because ŷ₁ = y₁ or ŷ₂ = y₂.

    Example:
        >>> for answer in answers()[:2]:
        ...     print(f"∂J/∂{answer.name} = {answer.formula} = {answer.value:.6f}")
        ∂J/∂ŷ₁ = −2 / (y₁ − ŷ₁) = -4.950882
        ∂J/∂z₁ = ∂J/∂ŷ₁ · ŷ₁ · (1 − ŷ₁) · 3 · m₁₁ · z₁² + ∂J/∂ŷ₂ · m₁₂ · cos(z₁) = -2.279636
    """
    with np.errstate(all="ignore"):
        n = graph(point)
    if not np.isfinite(n["J"].value):
        raise ChainruleError(f"J is {n['J'].value} at this point: a logarithm has no value there")
    d = by_hand(n)
    from_graph = backpropagate(n["J"], [n[name] for name in ASKED])
    return [
        Answer(
            name,
            formula(d[name]),
            float(d[name].value),
            float(g.value),
            numeric(point, name, float(n[name].value)),
        )
        for name, g in zip(ASKED, from_graph, strict=True)
    ]


def numeric(point: Mapping[str, float], name: str, value: float) -> float | None:
    """∂J by one node, all that J is made of beside it held fixed; None at the kink of relu."""
    if name == "w₁₁" and graph(point)["z₁"].inputs[0].value == 0:
        return None

    def J(at: Array) -> complex:
        return complex(graph(point, {name: at[0]})["J"].value)

    return float(complex_step(J, np.array([value]))[0])


def tell(found: Sequence[Answer]) -> None:
    """Print each answer as formula and number, and how far the other derivations are from it."""
    for answer in found:
        verdict = "ok" if answer.error <= LIMIT else f"WRONG: above {LIMIT:g}"
        checked = (
            "graph and complex step"
            if answer.by_numbers is not None
            else "at the kink, where relu′(0) = 1 as the question says; graph"
        )
        print(f"∂J/∂{answer.name:3} = {answer.formula}")
        if answer.name in CASES:
            print(f"{'':8}= {CASES[answer.name]}")
        print(f"{'':8}= {answer.value:.12g}   {checked} within {answer.error:.0e}  {verdict}")


def point_from(words: Sequence[str]) -> dict[str, float]:
    """The point, some of its values given as ``NAME=VALUE``.

    Raises:
        ChainruleError: no such name, or no number.
    """
    point = dict(POINT)
    for word in words:
        name, _, text = word.partition("=")
        if name not in POINT:
            raise ChainruleError(unknown("variable", name, POINT))
        try:
            point[name] = float(text)
        except ValueError:
            raise ChainruleError(f"{name} is a number, found {text!r}") from None
    return point


def main(words: Sequence[str] | None = None) -> int:
    """Print the answers; 1 if one is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--at", nargs="+", default=[], metavar="NAME=VALUE", help="the point")
    parser.add_argument("--table", action="store_true", help="also print both passes")
    parser.add_argument("--draw", metavar="FILE", help="draw the graph into this file")
    options = parser.parse_args(words)
    point = point_from(options.at)
    found = answers(point)
    J = graph(point)["J"]
    print(f"J = {formula(J)} = {float(J.value):.12g}\n")
    tell(found)
    if options.table:
        print_graph(J, named_only=True)
    if options.draw:
        from chainrule.plots import graph_picture, save_figure

        picture = graph_picture(J, values=True, gradients=True, named_only=True)
        for path in save_figure(picture, options.draw, ("svg",)):
            print(f"drawn: {path}")
    return int(any(answer.error > LIMIT for answer in found))


if __name__ == "__main__":
    with failures_reported("graph_question"):
        raise SystemExit(main())
