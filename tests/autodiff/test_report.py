"""What tables and pictures of a graph show: both passes, and formulas."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chainrule.autodiff import (
    backpropagate,
    concatenate,
    conv2d,
    cos,
    formula,
    graph_table,
    jacobian,
    log,
    maximum,
    print_graph,
    relu,
    sin,
    sqrt,
    steps,
    tanh,
    variable,
)
from chainrule.autodiff.report import LONGEST, shown
from chainrule.core.errors import ShapeError


def small():
    """A graph in which z has two children."""
    x, w = variable(0.7, "x"), variable(-1.3, "w")
    z = tanh(w * x).named("z")
    p, q = sin(z).named("p"), (z * cos(z)).named("q")
    return (log(2 + p) + q**2).named("J"), {"x": x, "w": w, "z": z, "p": p, "q": q}


def by_name(found):
    return {step.name: step for step in found}


@pytest.mark.parametrize("named_only", [True, False])
def test_gradients_are_those_of_the_walk_and_the_sums_of_their_terms(named_only):
    J, nodes = small()
    found = by_name(steps(J, named_only=named_only))
    expected = backpropagate(J, list(nodes.values()))
    for (name, _), g in zip(nodes.items(), expected, strict=True):
        step = found[name]
        assert step.gradient == pytest.approx(g.value, rel=1e-14)
        assert sum(term.value for term in step.terms) == pytest.approx(step.gradient, rel=1e-15)
        for term in step.terms:
            product = term.child.gradient * term.local
            assert term.value == pytest.approx(product, rel=1e-14)


def test_named_nodes_alone_and_their_children():
    J, _ = small()
    found = steps(J, named_only=True)
    assert [step.name for step in found] == ["w", "x", "z", "p", "q", "J"]
    z = by_name(found)["z"]
    assert z.formula == "tanh(w · x)"
    assert [s.name for s in z.inputs] == ["w", "x"]
    assert [term.child.name for term in z.terms] == ["p", "q"]
    value = z.node.value
    assert z.terms[1].local == pytest.approx(np.cos(value) - value * np.sin(value), rel=1e-14)


def test_every_node_has_a_line_and_a_name():
    J, _ = small()
    found = steps(J)
    assert len(found) == len({step.name for step in found}) == 11
    assert by_name(found)["u₁"].formula == "w · x"


def test_local_derivatives_of_arrays():
    W, x = variable([[1.0, 2.0], [3.0, 4.0]], "W"), variable([0.5, -1.0], "x")
    z = (W @ x).named("z")
    a = tanh(z).named("a")
    found = by_name(steps(a.sum().named("L")))
    (to_z,) = found["x"].terms
    assert to_z.local.tolist() == W.value.tolist()
    (to_a,) = found["z"].terms
    assert to_a.local == pytest.approx(1 / np.cosh(z.value) ** 2, rel=1e-14)
    (from_W,) = found["W"].terms
    assert from_W.local == pytest.approx(jacobian(lambda W: W @ x.value, W.value).reshape(2, 4))


def test_large_jacobians_are_left_out():
    x = variable(np.ones((10, 10)), "x")
    (term,) = by_name(steps((x * 2).named("y").sum().named("L")))["x"].terms
    assert term.local is None
    assert term.value.tolist() == np.full((10, 10), 2.0).tolist()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_any_graph_some_nodes_of_which_have_names(pairs):
    nodes = [variable(1.1, "x0")]
    for k, (i, j) in enumerate(pairs):
        node = sin(nodes[i % len(nodes)]) * nodes[j % len(nodes)]
        nodes.append(node.named(f"n{k}") if k % 2 else node)
    found = by_name(steps(nodes[-1], named_only=True))
    if "x0" in found:
        expected = backpropagate(nodes[-1], nodes[:1])[0].value
        assert found["x0"].gradient == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_only_a_number_has_a_gradient():
    with pytest.raises(ShapeError, match=r"single number, found .* \(2,\)"):
        steps(variable([1.0, 2.0], "x") * 2)


def lines_of(table, width=150):
    file = io.StringIO()
    Console(width=width, file=file).print(table)
    return file.getvalue().splitlines()


def test_the_table_has_a_line_a_node():
    J, _ = small()
    lines = lines_of(graph_table(J, named_only=True))
    headings, z = (next(n for n in lines if n.strip().startswith(k)) for k in ("node", "z "))
    assert "∂J/∂node" in headings
    assert "tanh(w · x)" in z
    cells = by_name(steps(J, named_only=True))["z"]
    assert f"{shown(cells.gradient)}" in z
    assert "[p] + " in z
    assert z.rstrip().endswith("[q]")


def test_a_name_is_no_markup(capsys):
    x = variable(1.0, "[red]x")
    print_graph((x * x).named("[/y]"), width=120)
    assert "[red]x · [red]x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (1.0, "1"),
        ([1.0, -0.5], "[1 −0.5]"),
        (np.zeros((2, 2, 2)), "2×2×2: 0 … 0"),
        (np.zeros((0, 3)), "0×3: 0 … 0"),
        (None, "Jacobian"),
        (np.nan, "nan"),
    ],
)
def test_numbers_for_reading(values, words):
    assert shown(None if values is None else np.array(values)) == words


# Formulas as they are written: brackets where they are needed, and nowhere else


a, b, c = variable(2.0, "a"), variable(3.0, "b"), variable(5.0, "c")
v, W = variable([1.0, 2.0], "v"), variable(np.ones((2, 2)), "W")
X, F = variable(np.ones((1, 1, 3, 3)), "X"), variable(np.ones((2, 1, 2, 2)), "F")


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (a + b + c, "a + b + c"),
        (a - (b - c), "a − (b − c)"),
        (a - b - c, "a − b − c"),
        (a * (b + c), "a · (b + c)"),
        (a / (b * c), "a / (b · c)"),
        (a / b * c, "a / b · c"),
        (a / (b / c), "a / (b / c)"),
        (-a * b, "−a · b"),
        (a * -b, "a · (−b)"),
        (a - (-b), "a − (−b)"),
        (-(a + b), "−(a + b)"),
        (-2 / (a - b), "−2 / (a − b)"),
        ((-a) ** 2, "(−a)²"),
        ((a**2) ** 3, "(a²)³"),
        (a**-1, "a⁻¹"),
        (a**0.5, "a^0.5"),
        (a**b, "a^b"),
        (a ** (b + c), "a^(b + c)"),
        (variable(-2.0) ** 2, "(−2)²"),
        (relu(a * b) + 1.5, "relu(a · b) + 1.5"),
        (sqrt(a + b), "√(a + b)"),
        (maximum(a + b, c), "max(a + b, c)"),
        (abs(a - b), "|a − b|"),
        (log((a - b) ** 2), "log((a − b)²)"),
        (W @ v, "W v"),
        ((W + W) @ v, "(W + W) v"),
        ((v + a).sum(), "Σ (v + a)"),
        (v[0] * v[1:], "v[0] · v[1:]"),
        (W[:, 1], "W[:, 1]"),
        (concatenate([v, v]), "[v, v]"),
        (conv2d(X, F, v) * a, "(conv(X, F) + reshape(v)) · a"),
        (v * np.ones(2), "v · array(2,)"),
    ],
)
def test_formulas(node, written):
    assert formula(node) == written


def test_named_nodes_are_written_by_their_names():
    u = (a + b).named("u")
    assert formula(u * c) == "u · c"
    assert formula(u) == "a + b"
    assert formula(a) == "a"


def test_a_long_formula_is_cut():
    y = a
    for _ in range(1000):
        y = y + b
    assert len(formula(y)) < LONGEST + 10
    assert " … " in formula(y)
