"""Activations and their derivatives against 100 digits, and where floating point ends."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from chainrule.core.errors import ConfigError
from chainrule.core.registry import name_in
from chainrule.gradients import COMPLEX_STEP
from chainrule.nn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    Activation,
    LeakyReLU,
    ReLU,
    Tanh,
    activation,
    magnitude,
    sigmoid,
    softplus,
)

DIGITS = 100
SELU_ALPHA, SELU_SCALE = mpf("1.6732632423543772"), mpf("1.0507009873554805")


def exact_sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def exact_elu(z, alpha=1):
    return z if z > 0 else alpha * mpmath.expm1(z)


EXACT = {
    "linear": lambda z: z,
    "sigmoid": exact_sigmoid,
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else mpf(0.01) * z,
    "elu": exact_elu,
    "selu": lambda z: SELU_SCALE * exact_elu(z, SELU_ALPHA),
    "gelu": lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "silu": lambda z: z * exact_sigmoid(z),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "softsign": lambda z: z / (1 + abs(z)),
}
every_activation = pytest.mark.parametrize("name", ACTIVATIONS)

# Both signs, near 0 and far out; no point is a kink.
POINTS = np.concatenate([s * np.geomspace(1e-9, 36, 60) for s in (-1, 1)])
HUGE = np.array([[1e300, -1e300, 800.0, -800.0, 0.0, -0.0, 5e-324, -5e-324]])


def exact(name, points, order=0):
    """φ or its derivative, by arithmetic of 100 digits alone."""
    with mpmath.workdps(DIGITS):
        f = EXACT[name]
        if order:
            # Truncated at 1e-60 and rounded at 1e-70, this keeps 29 digits of 1e-31, tanh' at 36.
            h = mpf(10) ** -30
            return np.array([float((f(mpf(z) + h) - f(mpf(z) - h)) / (2 * h)) for z in points])
        return np.array([float(f(mpf(z))) for z in points])


def test_every_activation_has_its_formula():
    assert set(EXACT) == set(ACTIVATIONS)


def slack(name):
    """How far values may be off, relatively: erfc's tail is as steep as z²."""
    return (1e-15 * (1 + POINTS**2)) if name == "gelu" else 1e-15


@every_activation
def test_values_are_exact_to_the_last_digits(name):
    found, true = activation(name).value(POINTS), exact(name, POINTS)
    assert np.all(np.abs(found - true) <= slack(name) * np.abs(true))


@every_activation
def test_derivatives_are_exact_to_the_last_digits(name):
    """Relative to the derivative, and near a zero of it to its terms, which are below 1."""
    found, true = activation(name).derivative(POINTS), exact(name, POINTS, order=1)
    near_zero = 1e-16 if name in ("gelu", "silu", "mish") else 0.0
    assert np.all(np.abs(found - true) <= 2 * slack(name) * np.abs(true) + near_zero)


def test_sigmoid_is_within_2_ulp():
    wide = [np.linspace(-s, s, n) for s, n in ((2, 801), (40, 2001), (700, 401))]
    z = np.concatenate(wide)
    true = exact("sigmoid", z)
    assert np.all(np.abs(sigmoid(z) - true) <= 2 * np.spacing(true))


def test_tanh_has_a_derivative_where_tanh_has_rounded_to_1():
    assert np.tanh(19.5) == 1
    assert Tanh().derivative(np.array([19.5]))[0] == pytest.approx(4 * np.exp(-39), rel=1e-14)


@every_activation
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_number_is_too_large(name, dtype):
    z = np.clip(HUGE, *(np.finfo(dtype).max * np.array([-0.5, 0.5]))).astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        value, derivative = activation(name).value(z), activation(name).derivative(z)
    assert np.isfinite(value).all()
    assert np.isfinite(derivative).all()
    assert np.all((derivative > -0.2) & (derivative < 1.8))


@every_activation
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("method", ["value", "derivative"])
def test_shape_and_type_are_kept_and_z_is_left_alone(name, dtype, method):
    z = np.array([[1.5, -0.5, 0.25], [-3.0, 2.0, -0.0]], dtype)
    before = z.copy()
    z.setflags(write=False)
    function = getattr(activation(name), method)
    found = function(z)
    assert (found.shape, found.dtype) == (z.shape, z.dtype)
    assert np.array_equal(z, before)
    found[...] = 0  # not a view of z
    assert np.array_equal(z, before)


@every_activation
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", ["value", "derivative"])
def test_results_go_where_they_are_told(name, dtype, method):
    z = np.array([[1.5, -0.5, 0.0], [-3.0, 2.0, 40.0]], dtype)
    function = getattr(activation(name), method)
    out = np.full_like(z, np.nan)
    assert function(z, out) is out
    assert np.array_equal(out, function(z))


@every_activation
def test_strided_and_fortran_ordered_input(name):
    z = np.random.default_rng(0).normal(size=(6, 4))
    phi = activation(name)
    for view in (np.asfortranarray(z), np.repeat(z, 2, axis=1)[:, ::2]):
        assert np.array_equal(phi.value(view), phi.value(z))
        assert np.array_equal(phi.derivative(view), phi.derivative(z))


@every_activation
def test_the_complex_step_differentiates_the_value(name):
    phi = activation(name)
    moved = phi.value(POINTS + 1j * COMPLEX_STEP)
    assert moved.real == pytest.approx(phi.value(POINTS), rel=1e-13, abs=1e-15)
    assert moved.imag / COMPLEX_STEP == pytest.approx(phi.derivative(POINTS), rel=0, abs=1e-14)


@every_activation
def test_derivatives_of_complex_numbers_continue_those_of_real_ones(name):
    phi = activation(name)
    found = phi.derivative(POINTS + 0j)
    assert found.real == pytest.approx(phi.derivative(POINTS), rel=1e-14, abs=1e-15)
    assert not found.imag.any()


@every_activation
def test_the_derivative_jumps_at_the_kinks_and_nowhere_else(name):
    phi = {"elu": ELU(alpha=0.5)}.get(name) or activation(name)
    grid = np.arange(-5, 5.0001, 0.25)
    jump = np.abs(phi.derivative(grid + 1e-9) - phi.derivative(grid - 1e-9))
    assert set(grid[jump > 1e-3]) == set(phi.kinks)


@pytest.mark.parametrize(
    ("phi", "derivative"), [(ReLU(), 0.0), (LeakyReLU(0.2), 0.2), (ELU(0.5), 0.5)]
)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_derivative_at_a_kink_is_that_of_the_negative_side(phi, derivative, zero):
    assert phi.derivative(np.array([zero]))[0] == derivative
    assert phi.value(np.array([zero]))[0] == 0


def test_gelu_is_the_exact_form():
    """The approximation by tanh is 0.8411919906 at 1."""
    assert GELU().value(np.array([1.0]))[0] == pytest.approx(0.8413447460685429, rel=1e-15)


def test_softplus_takes_complex_numbers():
    z = np.array([30 + 1j, -30 + 1j])
    assert softplus(z) == pytest.approx(np.log(1 + np.exp(z)), rel=1e-3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("leaky_relu", LeakyReLU(0.01)),
        ({"type": "leaky_relu", "slope": 0.2}, LeakyReLU(0.2)),
        ({"type": "elu", "alpha": 2}, ELU(2.0)),
        (ELU(3.0), ELU(3.0)),
    ],
)
def test_an_activation_by_name_with_options_or_as_an_object(value, expected):
    assert activation(value) == expected


def test_options_matter():
    z = np.array([-2.0, 3.0])
    assert LeakyReLU(0.5).value(z).tolist() == [-1, 3]
    assert LeakyReLU(0.5).derivative(z).tolist() == [0.5, 1]
    assert ELU(2.0).value(z) == pytest.approx([2 * np.expm1(-2), 3])
    assert ELU(2.0).derivative(z) == pytest.approx([2 * np.exp(-2), 1])


def test_a_numpy_number_as_an_option_does_not_change_the_type():
    phi = activation({"type": "elu", "alpha": np.float64(1.5)})
    assert phi.value(np.array([-1.0], "float32")).dtype == "float32"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("rellu", "unknown activation 'rellu'; did you mean 'relu'?"),
        ("swish", "did you mean 'silu'?"),
        ("", "unknown activation ''"),
        ({"type": "leaky_relu", "slop": 0.1}, "option of leaky_relu 'slop'; did you mean 'slope'"),
        ({"type": "relu", "slope": 0.1}, "unknown option of relu 'slope'. Known: none"),
        ({"type": "elu", "alpha": float("nan")}, "alpha of elu must be a finite number"),
        ({"type": "elu", "alpha": "1"}, "found '1'"),
        ({"type": "elu", "alpha": True}, "found True"),
        ({"slope": 0.1}, "unknown activation"),
        ({"type": ["relu"]}, "activation is a name, or a mapping of type and options"),
        (7, "activation is a name, or a mapping of type and options, found 7"),
    ],
)
def test_what_describes_no_activation_is_refused(value, message):
    with pytest.raises(ConfigError) as caught:
        activation(value)
    assert message in str(caught.value)


def test_a_name_is_read_in_any_case_as_in_a_configuration():
    assert activation("ReLU") == activation({"type": "RELU"}) == activation("relu")


def test_the_mapping_that_was_given_is_left_as_it_was():
    value = {"type": "elu", "alpha": 2.0}
    activation(value)
    assert value == {"type": "elu", "alpha": 2.0}


@every_activation
def test_names_are_found_back(name):
    assert name_in(ACTIVATIONS, activation(name)) == name


def test_an_activation_outside_the_table_has_its_class_name():
    class Square(Activation):
        def value(self, z, out=None):
            return np.multiply(z, z, out=out)

        def derivative(self, z, out=None):
            return np.multiply(2, z, out=out)

    assert name_in(ACTIVATIONS, Square()) == "Square"


def test_relu_of_complex_numbers_goes_by_the_real_part_alone():
    z = np.array([1j, -1 + 2j, 1 - 3j])
    out = np.empty_like(z)
    assert ReLU().value(z, out) is out
    assert np.array_equal(out, [0, 0, 1 - 3j])


@pytest.mark.parametrize("z", [[-2.0, 0.0, 3.0], [-2 + 1j, 0j, 3 - 1j]])
def test_the_magnitude_of_complex_numbers_goes_by_the_sign_of_the_real_part(z):
    z = np.array(z)
    out = np.full_like(z, np.nan)
    assert magnitude(z, out) is out
    assert np.array_equal(out, [-z[0], 0, z[2]])
    assert np.array_equal(magnitude(z), out)


@pytest.mark.parametrize("z", [800 + 1e-200j, -1e300 + 1j])
def test_the_slope_of_tanh_is_0_far_out_for_complex_numbers_too(z):
    with np.errstate(all="raise", under="ignore"):
        assert Tanh().derivative(np.array([z]))[0] == 0
