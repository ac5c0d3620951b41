"""Structured Jacobians against the explicit matrices that they stand for."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError
from chainrule.nn import jacobians
from chainrule.nn.jacobians import (
    BiasJacobian,
    Composed,
    Diagonal,
    Explicit,
    InputJacobian,
    LogSoftmaxJacobian,
    RowsOf,
    SoftmaxJacobian,
    WeightJacobian,
    explicit,
)
from chainrule.nn.layers.join import Reordering, SumJacobian
from chainrule.nn.layers.softmax import softmax
from networks import difference

TOLERANCE = 1e-13


def make(kind, cases, inputs, outputs, rng, dtype="float64"):
    """A Jacobian of a kind: of ``inputs`` numbers to ``outputs`` where the kind allows it."""

    def draw(*shape):
        return rng.normal(size=shape).astype(dtype)

    W = draw(inputs, outputs)
    x = draw(cases, inputs)
    ones = np.ones(cases, dtype)
    return {
        "diagonal": lambda: Diagonal(x),
        "softmax": lambda: SoftmaxJacobian(softmax(x)),
        "log softmax": lambda: LogSoftmaxJacobian(softmax(x)),
        "input": lambda: InputJacobian(W, cases),
        "weight": lambda: WeightJacobian(x, outputs),
        "bias": lambda: BiasJacobian(ones, outputs),
        "explicit": lambda: Explicit(draw(cases, outputs, inputs)),
        "composed": lambda: Composed(Diagonal(draw(cases, outputs)), InputJacobian(W, cases)),
        "composed with a parameter": lambda: Composed(
            InputJacobian(draw(outputs, 3), cases), WeightJacobian(x, outputs)
        ),
        "sum of arguments": lambda: SumJacobian(cases, inputs, outputs),
        "reordering": lambda: Reordering(cases, rng.permutation(inputs)),
        "rows of two": lambda: RowsOf(
            rng.random((cases, inputs)) < 0.5, LogSoftmaxJacobian(softmax(x)), Diagonal(x)
        ),
    }[kind]()


KINDS = (
    "diagonal",
    "softmax",
    "log softmax",
    "input",
    "weight",
    "bias",
    "explicit",
    "composed",
    "composed with a parameter",
    "sum of arguments",
    "reordering",
    "rows of two",
)
SHARED = ("weight", "bias", "composed with a parameter")
every_kind = pytest.mark.parametrize("kind", KINDS)
sizes = {
    "cases": st.integers(1, 4),
    "inputs": st.integers(1, 4),
    "outputs": st.integers(1, 4),
    "seed": st.integers(0, 10**6),
}


def operands(kind, J, rng):
    """g for vjp and v for jvp; a parameter is moved in all cases at once."""
    cases, m, *argument = J.dense_shape
    v = rng.normal(size=argument if kind in SHARED else (cases, *argument))
    return rng.normal(size=(cases, m)), v


@every_kind
@settings(max_examples=25, deadline=None)
@given(**sizes)
def test_vjp_and_jvp_are_adjoint(kind, cases, inputs, outputs, seed):
    """⟨v, g J⟩ = ⟨J v, g⟩."""
    rng = np.random.default_rng(seed)
    J = make(kind, cases, inputs, outputs, rng)
    g, v = operands(kind, J, rng)
    size = np.abs(J.dense()).sum() * np.abs(g).max() * np.abs(v).max()
    assert abs(np.sum(v * J.vjp(g)) - np.sum(J.jvp(v) * g)) <= TOLERANCE * size


@every_kind
@settings(max_examples=25, deadline=None)
@given(**sizes)
def test_vjp_and_jvp_multiply_by_the_dense_matrices(kind, cases, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    J = make(kind, cases, inputs, outputs, rng)
    g, v = operands(kind, J, rng)
    dense = J.dense()
    assert dense.shape == J.dense_shape
    rows = np.stack([np.tensordot(g[n], dense[n], 1) for n in range(cases)])
    expected = rows.sum(axis=0) if kind in SHARED else rows
    columns = [
        dense[n].reshape(dense.shape[1], -1) @ (v if kind in SHARED else v[n]).ravel()
        for n in range(cases)
    ]
    assert J.vjp(g) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
    assert J.jvp(v) == pytest.approx(np.stack(columns), rel=TOLERANCE, abs=TOLERANCE)


@every_kind
def test_vjp_writes_where_it_is_told(kind):
    rng = np.random.default_rng(1)
    J = make(kind, 3, 4, 2, rng)
    g, _ = operands(kind, J, rng)
    expected = J.vjp(g)
    out = np.full_like(expected, np.nan)
    assert J.vjp(g, out) is out
    assert np.array_equal(out, expected)


@every_kind
@pytest.mark.parametrize("chosen", [slice(0, 1), slice(1, 3), slice(None), slice(0, None, 2)])
def test_some_of_the_cases(kind, chosen):
    J = make(kind, 4, 3, 2, np.random.default_rng(2))
    part = J.cases(chosen)
    assert np.array_equal(part.dense(), J.dense()[chosen])
    assert part.dense_shape == part.dense().shape


@every_kind
def test_the_type_is_kept(kind):
    rng = np.random.default_rng(3)
    J = make(kind, 3, 4, 2, rng, "float32")
    g, v = (a.astype("float32") for a in operands(kind, J, rng))
    assert {J.dense().dtype, J.vjp(g).dtype, J.jvp(v).dtype} == {np.dtype("float32")}


@every_kind
def test_operands_are_left_as_they_were(kind):
    rng = np.random.default_rng(4)
    J = make(kind, 3, 4, 2, rng)
    g, v = operands(kind, J, rng)
    copies = g.copy(), v.copy(), J.dense().copy()
    J.vjp(g)
    J.jvp(v)
    for now, before in zip((g, v, J.dense()), copies, strict=True):
        assert np.array_equal(now, before)


def test_entries_are_value_over_argument():
    """J[j, i] = ∂value_j / ∂argument_i, with z = x W + b."""
    W, x = np.arange(6.0).reshape(2, 3), np.array([[2.0, 5.0]])
    assert np.array_equal(InputJacobian(W, 1).dense()[0], W.T)
    J_W = WeightJacobian(x, 3).dense()[0]
    for k in range(3):
        for i in range(2):
            for j in range(3):
                assert J_W[k, i, j] == (x[0, i] if j == k else 0)
    assert np.array_equal(BiasJacobian(np.ones(1), 3).dense()[0], np.eye(3))


def test_parameters_are_shared_so_their_products_are_summed_over_the_cases():
    x, g = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[10.0], [100.0]])
    assert WeightJacobian(x, 1).vjp(g).tolist() == [[310], [420]]
    assert BiasJacobian(np.ones(2), 1).vjp(g).tolist() == [110]


def softmax_jacobian(z):
    """diag(s) − s sᵀ to 60 digits."""
    with mpmath.workdps(60):
        e = [mpmath.exp(mpmath.mpf(float(v))) for v in z]
        s = [v / mpmath.fsum(e) for v in e]
        n = range(len(s))
        return np.array([[float((j == k) * s[j] - s[j] * s[k]) for k in n] for j in n])


@pytest.mark.parametrize("z", [[0, 1, 2], [10, -10], [10, -10, 9.9], [-20, 20, 0], [0.0]])
def test_the_softmax_jacobian_keeps_its_digits_where_softmax_is_nearly_1(z):
    J = SoftmaxJacobian(softmax(np.array([z], float)))
    exact = softmax_jacobian(z)
    assert J.dense()[0] == pytest.approx(exact, rel=1e-13, abs=0)
    by_rows = np.concatenate([J.vjp(row[None]) for row in np.eye(len(z))])
    assert by_rows == pytest.approx(exact, rel=1e-13, abs=0)


@pytest.mark.parametrize("z", [[0, 1, 2], [-20, 20, 0], [-800, 800, 0], [0, -1e4], [0.0]])
def test_the_jacobian_of_the_logarithms_keeps_its_digits_everywhere(z):
    J = LogSoftmaxJacobian(softmax(np.array([z], float)))
    with mpmath.workdps(60):
        e = [mpmath.exp(mpmath.mpf(v)) for v in z]
        s = [v / mpmath.fsum(e) for v in e]
        n = range(len(s))
        others = [mpmath.fsum(s[k] for k in n if k != j) for j in n]
        exact = np.array([[float(others[j] if j == i else -s[j]) for j in n] for i in n])
    assert J.dense()[0] == pytest.approx(exact, rel=1e-13, abs=0)
    by_rows = np.concatenate([J.vjp(row[None]) for row in np.eye(len(z))])
    assert by_rows == pytest.approx(exact, rel=1e-13, abs=0)


@pytest.mark.parametrize("size", [1, 3])
def test_rows_of_jacobians_of_other_shapes_are_refused(size):
    one = Diagonal(np.ones((1, 2)))
    with pytest.raises(ShapeError, match="cannot be chosen"):
        RowsOf(np.ones((1, size), bool), one, one)
    with pytest.raises(ShapeError, match="cannot be chosen"):
        RowsOf(np.ones((1, 2), bool), one, Diagonal(np.ones((1, size))))


def test_softmax_moves_along_no_common_shift():
    J = SoftmaxJacobian(softmax(np.array([[1.0, 2.0, 0.5]])))
    assert not J.jvp(np.full((1, 3), 7.0)).any()


def test_a_composition_is_the_product_of_the_matrices():
    rng = np.random.default_rng(5)
    outer, inner = Explicit(rng.normal(size=(2, 3, 4))), Explicit(rng.normal(size=(2, 4, 5)))
    J = Composed(outer, inner)
    assert difference(J.dense(), outer.matrices @ inner.matrices) <= TOLERANCE


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (Diagonal(np.ones((1, 2))), Diagonal(np.ones((1, 3)))),
        (WeightJacobian(np.ones((1, 2)), 2), Diagonal(np.ones((1, 2)))),
        (Diagonal(np.ones((2, 2))), Diagonal(np.ones((3, 2)))),
    ],
)
def test_what_does_not_compose_is_refused(outer, inner):
    with pytest.raises(ShapeError, match="does not compose with"):
        Composed(outer, inner)


@every_kind
def test_dense_matrices_above_the_limit_are_refused_and_at_the_limit_built(kind, monkeypatch):
    J = make(kind, 2, 3, 2, np.random.default_rng(6))
    # Parts of a composition may be larger than the whole.
    largest = max(J.dense().size, *(getattr(J, a).dense().size for a in parts_of(J)), 0)
    monkeypatch.setattr(jacobians, "DENSE_LIMIT", largest)
    J.dense()
    monkeypatch.setattr(jacobians, "DENSE_LIMIT", J.dense().size - 1)
    with pytest.raises(ShapeError, match=r"explicit Jacobian of shape .* take fewer cases"):
        J.dense()


def parts_of(J):
    return [a for a in ("outer", "inner", "first", "second") if hasattr(J, a)]


def test_the_limit_refuses_before_anything_is_built():
    J = InputJacobian(np.broadcast_to(1.0, (10**6, 10**6)), count=10**6)
    with pytest.raises(ShapeError, match="1,000,000,000,000,000,000 numbers"):
        J.dense()


@every_kind
def test_dense_matrices_can_be_written_to(kind):
    dense = make(kind, 3, 4, 2, np.random.default_rng(8)).dense()
    dense[0] = 0
    assert dense[1].any()


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 2, 2)])
def test_explicit_matrices_are_one_a_case(shape):
    with pytest.raises(ShapeError, match="one matrix a case"):
        Explicit(np.ones(shape))


def test_explicit_holds_the_dense_matrices():
    J = make("composed", 3, 4, 2, np.random.default_rng(7))
    assert np.array_equal(explicit(J).matrices, J.dense())


def test_a_jacobian_shows_its_structure_and_the_shape_of_its_matrices():
    assert repr(Diagonal(np.ones((2, 3)))) == "Diagonal(2, 3, 3)"
    assert repr(WeightJacobian(np.ones((2, 3)), 4)) == "WeightJacobian(2, 4, 3, 4)"
