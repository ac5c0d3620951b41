"""Numbers against many digits, of both engines, and where floating point ends."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from chainrule.nn.activations import ACTIVATIONS, SiLU, sigmoid
from chainrule.nn.losses import SoftmaxCrossEntropy
from proof import compiled, edges, exact, numbers

pytestmark = pytest.mark.exhaustive

POINTS = numbers.points(60)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_within_a_few_ulp(name, engine):
    z = POINTS[np.abs(POINTS) < 6] if name == "gelu" else POINTS
    limits = {"sigmoid": 2, "gelu": 40}
    found = {kind: error for kind, error, _ in numbers.errors_of(name, z, engine)}
    assert found["φ"] <= limits.get(name, 4)
    assert found["φ'"] <= 2.5 * limits.get(name, 4)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_the_sigmoid_is_within_2_ulp_at_very_many_points(engine):
    line = numbers.dense_sigmoid(engine, 1_000_000)
    if line.holds is None:
        pytest.skip(line.measured)
    assert line.holds, line.measured


def test_the_sigmoid_is_within_2_ulp_down_to_the_smallest_number():
    z = np.linspace(-745.2, -700, 400)
    assert exact.ulps(sigmoid(z), z, exact.VALUES["sigmoid"], end=5e-324).max() <= 2


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["silu", "mish", "gelu"])
def test_far_below_0_nothing_is_left_in_compiled_code(name, dtype):
    z = -np.array([1e3, 1e10, 1e30, np.finfo(dtype).max / 2], dtype)
    value, slope = compiled.activation(name, z)
    assert np.abs(value).max() < 1e-30
    assert np.abs(slope).max() < 1e-30
    value, slope = compiled.activation(name, -z)
    assert np.array_equal(value, -z)
    assert slope == pytest.approx(1, abs=1e-30)


def test_not_a_number_stays_none_in_compiled_code():
    for name in ACTIVATIONS:
        value, _ = compiled.activation(name, np.array([np.nan, 1.0]))
        assert np.isnan(value[0]), name
        assert np.isfinite(value[1]), name


@pytest.mark.parametrize("engine", range(3), ids=["numpy", "one case", "minibatches"])
def test_cross_entropy_from_the_logits_is_exact(engine):
    name, of_classes, of_two = list(numbers.engines())[engine]
    z, t = numbers.logits(25)
    assert max(numbers.classes(z, t, of_classes)) <= 1e-12, name
    assert max(numbers.two(z[:, 0], of_two)) <= 1e-12, name


def test_a_confident_right_answer_has_a_small_loss_and_a_wrong_one_a_large():
    line = numbers.confident()
    assert line.holds
    assert line.measured.startswith("4.24835e-18")
    for engine, of_classes, _ in numbers.engines():
        losses, _ = of_classes(np.array([[0.0, -40.0]] * 2), np.array([0, 1]))
        assert losses == pytest.approx([4.248354255291589e-18, 40.0], rel=1e-14), engine


def test_nothing_warns_where_floating_point_ends():
    found, tried = edges.warnings_of()
    assert not found
    assert tried > 750


def test_a_warning_would_be_found(monkeypatch):
    monkeypatch.setattr(SiLU, "value", lambda self, z, out=None: z * z)
    found, _ = edges.warnings_of()
    assert any("silu of huge z, float64" in name and "overflow" in name for name in found)


def test_the_callers_arrays_are_left_alone():
    found, tried = edges.disturbed()
    assert not found
    assert tried > 800


def test_a_change_would_be_found(monkeypatch):
    from chainrule.nn.network import Network

    right = Network.prepare_inputs

    def spoiling(self, x):
        if isinstance(x, np.ndarray) and x.dtype == float and x.flags.writeable:
            x += 1
        return right(self, x)

    monkeypatch.setattr(Network, "prepare_inputs", spoiling)
    found, _ = edges.disturbed()
    assert any(name.startswith("Fortran-ordered") for name in found)


# The yardstick itself


def test_ulps_by_hand():
    z = np.array([1.0, 2.0])
    found = np.array([1.0 + 3 * 2**-52, 2.0])
    assert exact.ulps(found, z, lambda v: v).tolist() == [3, 0]
    assert exact.ulps(found, z, lambda v: v, lambda v: mpf(4)).tolist() == [0.75, 0]


def test_losses_by_hand():
    loss, delta = exact.cross_entropy(np.array([0.0, 0.0]), 1)
    assert float(loss) == pytest.approx(np.log(2), rel=1e-15)
    assert [float(v) for v in delta] == [0.5, -0.5]
    loss, slope = exact.binary_cross_entropy(0.0, 1)
    assert (float(loss), float(slope)) == (pytest.approx(np.log(2), rel=1e-15), -0.5)


def test_the_yardstick_tells_right_from_wrong():
    z, t = np.array([[3.0, 1.0]]), np.array([1])
    good = numbers.by_numpy(SoftmaxCrossEntropy(), numbers.softmax)
    assert max(numbers.classes(z, t, good)) < 1e-15
    bad = lambda z, t: tuple(v * (1 + 1e-11) for v in good(z, t))  # noqa: E731
    assert min(numbers.classes(z, t, bad)) > 9e-12


def test_relative_errors():
    assert exact.relative(2.0, mpf(1)) == 1
    assert exact.relative(0.0, mpmath.mpf("1e-400")) == 0
    assert exact.relative(1.0, mpf(0)) == np.inf
