"""The same at every step: a user's layer that knows rows alone, and Jacobians of sequences."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from chainrule import Dense, Network, nn
from chainrule.core.errors import ShapeError
from chainrule.gradients import check
from chainrule.nn.jacobians import (
    BiasJacobian,
    Diagonal,
    InputJacobian,
    WeightJacobian,
    explicit,
)
from chainrule.nn.sequences.each_step import BlockDiagonal, EachStep, Stacked
from networks import difference, normal

CASES, STEPS, INPUTS, OUTPUTS = 3, 2, 4, 5
ROWS = CASES * STEPS
W = normal((INPUTS, OUTPUTS))
X = normal((ROWS, INPUTS))
G = normal((CASES, STEPS * OUTPUTS))
PADDED = np.array([[False, False], [False, True], [False, True]])

either = pytest.mark.parametrize("padded", [None, PADDED], ids=["whole", "padded"])


def by_input(padded=None):
    return BlockDiagonal(InputJacobian(W, count=ROWS), STEPS, padded)


def by_weights(padded=None):
    return Stacked(WeightJacobian(X, outputs=OUTPUTS), STEPS, padded)


def real_rows(padded):
    """1 at the rows of real steps, 0 at those of padding, (cases, steps, 1)."""
    return np.ones((CASES, STEPS, 1)) if padded is None else 1.0 - padded[:, :, None]


@either
def test_by_its_input_a_step_moves_that_step_alone(padded):
    dense = by_input(padded).dense()
    assert dense.shape == by_input(padded).dense_shape == (CASES, STEPS * OUTPUTS, STEPS * INPUTS)
    blocks = dense.reshape(CASES, STEPS, OUTPUTS, STEPS, INPUTS)
    for case, step, other in np.ndindex(CASES, STEPS, STEPS):
        real = step == other and (padded is None or not padded[case, step])
        block = blocks[case, step, :, other]
        assert np.array_equal(block, W.T if real else np.zeros_like(W.T))


@either
def test_by_its_input_both_products_are_those_of_the_matrix(padded):
    J = by_input(padded)
    v = normal((CASES, STEPS * INPUTS))
    dense = J.dense()
    assert J.vjp(G) == pytest.approx(np.einsum("nz,nzx->nx", G, dense), rel=1e-13, abs=1e-14)
    assert J.jvp(v) == pytest.approx(np.einsum("nzx,nx->nz", dense, v), rel=1e-13, abs=1e-14)


@either
def test_by_its_input_the_result_is_written_where_it_is_asked_for(padded):
    out = np.full((CASES, STEPS * INPUTS), np.nan)
    found = by_input(padded).vjp(G, out)
    assert np.shares_memory(found, out)
    assert np.array_equal(out, by_input(padded).vjp(G))


@either
def test_by_weights_the_steps_stand_one_above_the_other(padded):
    J = by_weights(padded)
    dense = J.dense()
    assert dense.shape == J.dense_shape == (CASES, STEPS * OUTPUTS, INPUTS, OUTPUTS)
    v = normal(W.shape, seed=1)
    expected = ((X @ v).reshape(CASES, STEPS, OUTPUTS) * real_rows(padded)).reshape(CASES, -1)
    assert J.jvp(v) == pytest.approx(expected, rel=1e-13, abs=1e-14)
    assert np.tensordot(dense, v, 2) == pytest.approx(expected, rel=1e-13, abs=1e-14)


@either
def test_by_weights_the_gradient_is_the_sum_over_real_steps(padded):
    before = G.copy()
    rows = (G.reshape(CASES, STEPS, OUTPUTS) * real_rows(padded)).reshape(ROWS, OUTPUTS)
    out = np.full(W.shape, np.nan)
    found = by_weights(padded).vjp(G, out)
    assert np.shares_memory(found, out)
    assert found == pytest.approx(X.T @ rows, rel=1e-13, abs=1e-14)
    assert by_weights(padded).vjp(G) == pytest.approx(X.T @ rows, rel=1e-13, abs=1e-14)
    assert np.array_equal(G, before)


@either
@pytest.mark.parametrize("chosen", [slice(0, 1), slice(1, 3), slice(1, None), slice(2, 2)])
def test_some_cases_have_their_own_steps(padded, chosen):
    for J in (by_input(padded), by_weights(padded)):
        some = J.cases(chosen)
        assert type(some) is type(J)
        assert np.array_equal(some.dense(), J.dense()[chosen])
        part = np.zeros_like(G)
        part[chosen] = G[chosen]
        expected = J.vjp(part)[chosen] if isinstance(J, BlockDiagonal) else J.vjp(part)
        assert some.vjp(G[chosen]) == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_none_behind_its_own_end():
    assert by_input().cases(slice(2, 1)).dense_shape[0] == 0


def test_cases_are_neighbours():
    with pytest.raises(ShapeError) as caught:
        by_input().cases(slice(0, 3, 2))
    assert str(caught.value) == "cases of a sequence are chosen as one run of neighbours"


@pytest.mark.parametrize("steps", [4, 0, -1])
def test_rows_are_whole_cases(steps):
    for make in (BlockDiagonal, Stacked):
        with pytest.raises(ShapeError) as caught:
            make(BiasJacobian(np.ones(ROWS), 1), steps)
        assert str(caught.value) == f"6 rows are not whole cases of {steps} steps"


def test_one_step_is_no_sequence_but_allowed():
    assert BlockDiagonal(InputJacobian(W, count=1), 1).dense_shape == (1, OUTPUTS, INPUTS)


def test_the_type_of_the_numbers_stays():
    J = BlockDiagonal(InputJacobian(W.astype(np.float32), count=ROWS), STEPS)
    assert J.dense().dtype == np.float32


class Sin(nn.Activation):
    def value(self, z, out=None):
        return np.sin(z, out=out)

    def derivative(self, z, out=None):
        return np.cos(z, out=out)


class Sine(nn.Layer):
    """A user's layer, a = sin(x W), that has never heard of sequences."""

    type = "sine"
    formula = "x W"
    output_letter = "a"
    has_weights = True
    x = z = a = None

    def __init__(self, size, **options):
        super().__init__(**options)
        self.size, self.activation = size, Sin()

    def connect(self, *shapes):
        ((features,),) = shapes
        self.input_shape, self.output_shape = (features,), (self.size,)

    def shapes(self):
        return {"W": (self.inputs, self.size)}

    def draw(self, name, rng):
        return rng.uniform(-1, 1, self.shapes()[name])

    def evaluate(self, x, values):
        z = x @ values["W"]
        return z, np.sin(z)

    def forward_pass(self, x):
        self.x = x
        self.z, self.a = self.evaluate(x, self._values)
        return self.a

    def jacobians(self):
        return {
            "a": Diagonal(np.cos(self.z)),
            "x": InputJacobian(self._values["W"], len(self.x)),
            "W": WeightJacobian(self.x, self.size),
        }

    def backward_pass(self, J, *, to_input=True):
        slopes = self.jacobians()["a"]
        return self.backward_from_delta((explicit(slopes) if self.explicit else slopes).vjp(J))

    def backward_from_delta(self, delta, *, to_input=True):
        local, self.delta = self.jacobians(), delta
        self._gradients["W"][...] = local["W"].vjp(delta)
        return (explicit(local["x"]) if self.explicit else local["x"]).vjp(delta)


def sines(steps=3, **options):
    layers = [nn.Recurrent(4), Sine(3), Dense(2)]
    return Network(layers, input=[steps, 2], loss="mse", seed=2, **options)


def cases(lengths=(3, 1, 2)):
    """Padded cases and targets."""
    real = np.arange(3) < np.array(lengths)[:, None]
    x, t = normal((len(lengths), 3, 2)), normal((len(lengths), 3, 2))
    return np.where(real[:, :, None], x, np.nan), np.where(real[:, :, None], t, np.nan)


def test_a_users_layer_of_rows_takes_padded_sequences():
    network, (x, t) = sines(), cases()
    y = network.forward_pass(x).reshape(3, 3, 2)
    assert np.array_equal(np.isnan(y), np.isnan(x))
    network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    one_by_one = []
    for case, steps in enumerate([3, 1, 2]):
        alone = sines(steps)
        alone.theta = network.theta
        alone.loss(x[case : case + 1, :steps], t[case : case + 1, :steps])
        one_by_one.append(alone.backward_pass(t[case : case + 1, :steps]).vector.copy())
    assert difference(gradient, np.mean(one_by_one, axis=0)) <= 1e-14


def test_a_users_layer_of_rows_is_checked_on_sequences():
    report = check(sines(), *cases(), methods=["central", "complex", "projection"])
    assert report.right, report
    named = {finding.what for finding in report.by_layer if finding.place == "sine_1"}
    assert {"∂a/∂z", "∂z/∂x", "∂z/∂W", "step to x", "step to W"} <= named


def test_a_users_layer_of_rows_has_explicit_jacobians_of_sequences():
    network, (x, t) = sines(), cases()
    network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    shapes = {name: J.dense().shape for name, J in network.layers[1].jacobians().items()}
    assert shapes == {"a": (3, 9, 9), "x": (3, 9, 12), "W": (3, 9, 4, 3)}
    network.explicit_jacobians = True
    assert difference(network.backward_pass(t).vector, gradient) <= 1e-14


def test_a_users_layer_of_rows_learns_from_sequences():
    network, (x, t) = sines(), cases()
    before = network.loss(x, t)
    for _ in range(200):
        network.loss(x, t)
        network.theta -= 0.1 * network.backward_pass(t).vector
    assert network.loss(x, t) < before / 10


def test_a_layer_at_each_step_stands_for_its_layer():
    layer = Dense(3, "tanh")
    network = Network([layer], input=[5, 2], loss="mse", learning_rate=0.1)
    found = network.layers[0]
    assert type(found) is EachStep
    assert isinstance(found, Dense)
    assert repr(found) == "Dense dense_1: 5 x 2 → 5 x 3"
    assert (found.inputs, found.outputs, found.size, found.uses_of_weights) == (10, 15, 3, 5)
    assert found.z_shape == (5, 3)
    found.W = 2.0
    assert (layer.W == 2).all()
    found.activation = "relu"
    assert layer.activation is found.activation
    with pytest.raises(AttributeError, match="no attribute 'filters'"):
        _ = found.filters


def test_a_layer_at_each_step_keeps_its_pass_as_cases():
    network, (x, t) = sines(), cases()
    network.loss(x, t)
    network.backward_pass(t)
    layer, padding = network.layers[1], np.repeat(np.isnan(x[:, :, 0]), 3, axis=1)
    assert layer.x.shape == (9, 4)
    for values in (layer.z, layer.a):
        assert np.array_equal(np.isnan(values), padding)
    assert (layer.delta[padding] == 0).all()
    assert np.array_equal(layer.a[~padding], np.sin(layer.z[~padding]))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_has_layers_and_parameters_of_its_own(copied):
    network, (x, t) = sines(), cases()
    network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    other = copied(network)
    network.theta[...] = 0
    other.loss(x, t)
    assert np.array_equal(other.backward_pass(t).vector, gradient)


def test_no_cases_give_no_outputs():
    network = sines()
    assert network.forward_pass(np.zeros((0, 3, 2))).shape == (0, 6)
    assert network.layers[1].z.shape == (0, 9)
    assert network.evaluate(np.zeros((0, 6)))[0].shape == (0, 6)
