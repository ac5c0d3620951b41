"""The activations a = φ(z), elementwise, each with its own derivative.

Every derivative is computed from z to full precision, not from a: 1 − tanh² keeps no correct
digit at z = 19, where 1/cosh² keeps all of them. Inputs may be complex, so that the complex
step can check the derivatives; a piecewise function then chooses its piece by the real part.

The table `ACTIVATIONS` holds the classes by name; the fields of a class are its options. Only
classes with options of their own are decorated as dataclasses: each decoration costs half a
millisecond of the package's import.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.registry import Entry, from_table


@dataclass(frozen=True)
class Activation(Entry, ABC):
    """An elementwise function and its derivative.

    Attributes:
        kinks: the points where the derivative jumps; a numeric check must avoid them.
        bends: the points where only the second derivative jumps; a central difference across
            one has only a few correct digits.
    """

    kinks: ClassVar[tuple[float, ...]] = ()
    bends: ClassVar[tuple[float, ...]] = ()

    @abstractmethod
    def value(self, z: Array, out: Array | None = None) -> Array:
        """φ(z), of the shape and type of z, written into ``out`` where given."""

    @abstractmethod
    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """φ'(z), of the shape and type of z, written into ``out`` where given."""


def magnitude(z: Array, out: Array | None = None) -> Array:
    """|z|, continued to complex z as z or −z by the sign of the real part."""
    if np.iscomplexobj(z):
        return into(out, np.where(z.real < 0, -z, z))
    return np.abs(z, out=out)


def into(out: Array | None, values: Array) -> Array:
    """``values``, copied into ``out`` where that is given."""
    if out is None:
        return values
    out[...] = values
    return out


def _decay(z: Array) -> Array:
    """exp(−|z|), which never overflows."""
    t = magnitude(z)
    return np.exp(np.negative(t, out=t), out=t)


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """σ(z) = 1 / (1 + e⁻ᶻ), within 2 ulp everywhere.

    With t = e^(−|z|), it is 1 / (1 + t) for z ≥ 0 and t / (1 + t) for z < 0, so that neither form
    overflows or cancels. The rounding errors of 1 + t and of the quotient q = n / (1 + t) are then
    corrected by adding the residual ((n − q) − q t) / (1 + t), in which n − q is exact. Without
    this the error reaches 2.4 ulp.
    """
    t = _decay(z)
    s = t + 1
    numerator = np.where(z.real >= 0, t.dtype.type(1), t)
    quotient = np.divide(numerator, s)
    residual = np.subtract(numerator, quotient, out=numerator)
    residual -= np.multiply(quotient, t, out=t)
    residual /= s
    return np.add(quotient, residual, out=out)


def sigmoid_derivative(z: Array, out: Array | None = None) -> Array:
    """σ'(z) = t / (1 + t)² with t = e^(−|z|)."""
    t = _decay(z)
    denominator = t + 1
    np.multiply(denominator, denominator, out=denominator)
    return np.divide(t, denominator, out=out)


def softplus(z: Array, out: Array | None = None) -> Array:
    """ln(1 + eᶻ) = max(z, 0) + ln(1 + e^(−|z|))."""
    return np.add(np.where(z.real >= 0, z, z.dtype.type(0)), _log1p(_decay(z)), out=out)


def _log1p(t: Array) -> Array:
    """ln(1 + t); for a small complex t, NumPy's log1p loses the real part, ln |1 + t|."""
    if not np.iscomplexobj(t):
        return np.log1p(t)
    u, v = t.real, t.imag
    return 0.5 * np.log1p(u * (2 + u) + v * v) + 1j * np.arctan2(v, 1 + u)


class Linear(Activation):
    """φ(z) = z, φ'(z) = 1."""

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return z.copy() if out is None else into(out, z)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        out = np.empty_like(z) if out is None else out
        out.fill(1)
        return out


class Sigmoid(Activation):
    """φ(z) = σ(z) = 1 / (1 + e⁻ᶻ), φ'(z) = σ(z) σ(−z)."""

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `sigmoid`."""
        return sigmoid(z, out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `sigmoid_derivative`."""
        return sigmoid_derivative(z, out)


class Tanh(Activation):
    """φ(z) = tanh z, φ'(z) = 1 / cosh² z."""

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return np.tanh(z, out=out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`; it is 0, correctly, where cosh overflows."""
        if np.iscomplexobj(z):  # a complex cosh would overflow to nan
            t = np.exp(-2 * magnitude(z))
            return into(out, 4 * t / ((1 + t) * (1 + t)))
        with np.errstate(over="ignore"):
            cosh = np.cosh(z, out=out)
            np.multiply(cosh, cosh, out=cosh)
        return np.reciprocal(cosh, out=cosh)


class ReLU(Activation):
    """φ(z) = max(z, 0), φ'(z) = 1 for z > 0, else 0; the derivative at 0 is 0."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        if np.iscomplexobj(z):
            return into(out, np.where(z.real > 0, z, z.dtype.type(0)))
        return np.maximum(z, 0, out=out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        return np.greater(z.real, 0, out=np.empty_like(z) if out is None else out)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """φ(z) = z for z > 0, else slope · z.

    Attributes:
        slope: the derivative for z ≤ 0.
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    slope: float = 0.01

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return np.multiply(z, self.derivative(z), out=out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        one = z.dtype.type(1)
        return into(out, np.where(z.real > 0, one, z.dtype.type(self.slope)))


@dataclass(frozen=True)
class ELU(Activation):
    """φ(z) = z for z > 0, else alpha (eᶻ − 1); φ'(z) = 1 for z > 0, else alpha eᶻ.

    Source: Clevert et al., *Fast and accurate deep network learning by exponential linear
    units* (2015). With an alpha other than 1 there is a kink at 0.
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    alpha: float = 1.0

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return into(out, np.where(z.real > 0, z, self.alpha * np.expm1(_negative_part(z))))

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        one = z.dtype.type(1)
        return into(out, np.where(z.real > 0, one, self.alpha * np.exp(_negative_part(z))))


def _negative_part(z: Array) -> Array:
    """z where its real part is not positive, else 0."""
    return np.where(z.real > 0, z.dtype.type(0), z)


_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


class SELU(Activation):
    """φ(z) = scale · elu(z), with alpha and scale chosen to keep mean 0 and variance 1.

    Source: Klambauer et al., *Self-normalizing neural networks* (2017), equation 14.
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`."""
        return np.multiply(ELU(_SELU_ALPHA).value(z), _SELU_SCALE, out=out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        return np.multiply(ELU(_SELU_ALPHA).derivative(z), _SELU_SCALE, out=out)


class Gated(Activation):
    """φ(z) = z g(z); at the zero of φ'(z) = g(z) + z g'(z) the two terms cancel."""

    @abstractmethod
    def gate(self, z: Array) -> Array:
        """g(z), of the shape and type of z."""

    def value(self, z: Array, out: Array | None = None) -> Array:
        """z g(z)."""
        return np.multiply(z, self.gate(z), out=out)

    def slope_terms(self, z: Array) -> Array:
        """|g| + |z g'|, to which the rounding error of φ'(z) is proportional."""
        gate = self.gate(z)
        return np.abs(gate) + np.abs(self.derivative(z) - gate)


class GELU(Gated):
    """φ(z) = z Φ(z), φ'(z) = Φ(z) + z N(z), with the standard normal's Φ and density N.

    The exact form, not the approximation by tanh. Source: Hendrycks and Gimpel, *Gaussian error
    linear units* (2016).
    """

    def gate(self, z: Array) -> Array:
        """Φ(z) = ½ erfc(−z / √2)."""
        from scipy.special import erfc

        values: Array = 0.5 * erfc(z / -sqrt(2))
        return values

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`; for |z| ≥ 40 the density is 0 in every type."""
        near = np.where(np.abs(z.real) < 40, z, z.dtype.type(40))
        density = np.exp(-0.5 * near * near) / sqrt(2 * pi)
        return np.add(self.gate(z), near * density, out=out)


class SiLU(Gated):
    """φ(z) = z σ(z), also called swish; φ'(z) = σ(z) (1 + z σ(−z)).

    Source: Elfwing et al., *Sigmoid-weighted linear units* (2017).
    """

    def gate(self, z: Array) -> Array:
        """See `Gated.gate`."""
        return sigmoid(z)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        return np.add(sigmoid(z), z * sigmoid_derivative(z), out=out)


class Mish(Gated):
    """φ(z) = z tanh(softplus z), φ'(z) = tanh(s) + z σ(z) / cosh²(s) with s = softplus z.

    Source: Misra, *Mish: a self regularized non-monotonic activation function* (2019).
    """

    def gate(self, z: Array) -> Array:
        """tanh(ln(1 + eᶻ)), from t = e^(−|z|).

        It is (1 + 2t) / (1 + 2t + 2t²) for z ≥ 0 and t (t + 2) / (t (t + 2) + 2) for z < 0.
        """
        t = _decay(z)
        above, below = 1 + 2 * t, t * (t + 2)
        return np.where(z.real >= 0, above / (above + 2 * t * t), below / (below + 2))

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        slope = Tanh().derivative(softplus(z)) * sigmoid(z)
        return np.add(self.gate(z), z * slope, out=out)


class Softplus(Activation):
    """φ(z) = ln(1 + eᶻ), φ'(z) = σ(z)."""

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `softplus`."""
        return softplus(z, out)

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `sigmoid`."""
        return sigmoid(z, out)


class Softsign(Activation):
    """φ(z) = z / (1 + |z|), φ'(z) = 1 / (1 + |z|)²."""

    bends: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.value`; for complex z, z / (1 + |z|) cancels where |z| > 1."""
        size = magnitude(z) + 1
        if not np.iscomplexobj(z):
            return np.divide(z, size, out=out)
        far = np.sign(z.real) * (1 - 1 / size)
        return into(out, np.where(size.real > 2, far, z / size))

    def derivative(self, z: Array, out: Array | None = None) -> Array:
        """See `Activation.derivative`."""
        inverse = np.reciprocal(magnitude(z) + 1)
        return np.multiply(inverse, inverse, out=out)


ACTIVATIONS: Mapping[str, type[Activation]] = {
    "linear": Linear,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "softplus": Softplus,
    "softsign": Softsign,
}
"""The activations by name."""


def activation(value: str | Mapping[str, Any] | Activation) -> Activation:
    """The activation that ``value`` describes: a name, or ``type`` with its options.

    Raises:
        ConfigError: no such name or option, or an option that is not a finite number.

    Example:
        >>> activation({"type": "leaky_relu", "slope": 0.2})
        LeakyReLU(slope=0.2)
    """
    if isinstance(value, str) and value.lower() == "softmax" and value not in ACTIVATIONS:
        raise ConfigError(
            "softmax is a layer of its own and no activation; leave the activation out here, and "
            "put the layer Softmax() behind this one"
        )
    return from_table("activation", ACTIVATIONS, value)
