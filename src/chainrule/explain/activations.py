"""The activations as formulas: a = φ(z), and its slope φ′(z)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.core.registry import name_in
from chainrule.explain.expressions import PI, Expression, Number, Variable, function
from chainrule.nn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)

Formulas = tuple[Expression, ...]
"""Equal formulas, the most instructive first."""


@dataclass(frozen=True)
class Rule:
    """An activation on the board.

    Attributes:
        about: what it does, as a sentence.
        value: from φ and z to the formulas of φ(z).
        slope: from φ, z and a to the formulas of φ′(z).
        slope_about: how the slope follows, as a sentence, in which {a} is the unit's output.
    """

    about: str
    value: Callable[[Any, Variable], Formulas]
    slope: Callable[[Any, Variable, Variable], Formulas]
    slope_about: Callable[[Any, Variable], str]


def _exp(x: Expression) -> Expression:
    return function("exp", x)


def _sigmoid_slope(phi: Sigmoid, z: Variable, a: Variable) -> Formulas:
    t = _exp(-z) if z.value >= 0 else _exp(z)
    return (a * (1 - a), t / (1 + t) ** 2)


def _piece(above: Callable[[Any, Variable], Formulas], below: Any) -> Any:
    """A function of two pieces, of which the one that z lies in is written."""
    return lambda phi, z, *a: above(phi, z, *a) if z.value > 0 else below(phi, z, *a)


def _of_piece(above: str, below: str) -> Callable[[Any, Variable], str]:
    return lambda phi, z: above if z.value > 0 else below


def _elu(phi: ELU, z: Variable) -> Formulas:
    return (Number(phi.alpha) * (_exp(z) - 1),)


def _elu_slope(phi: ELU, z: Variable, a: Variable) -> Formulas:
    return (Number(phi.alpha) * _exp(z),)


_SCALE, _ALPHA = Number(1.0507009873554805), Number(1.6732632423543772)


def _softplus(phi: Any, z: Variable) -> Formulas:
    t = _exp(-z) if z.value > 0 else _exp(z)
    far = z + function("ln", 1 + t) if z.value > 0 else t
    return (function("ln", 1 + _exp(z)), far)


def _density(z: Variable) -> Expression:
    return _exp(-(z**2) / 2) / function("sqrt", 2 * PI)


def _softplus_of(z: Variable) -> Expression:
    return function("ln", 1 + _exp(z))


def _mish_slope(z: Variable) -> Formulas:
    s = _softplus_of(z)
    plain = function("tanh", s) + z * function("σ", z) / function("cosh", s) ** 2
    # Far from 0 the square of cosh is too large for a number, or 1 + e^z is 1.
    return (Number(1.0),) if z.value > 300 else (plain, (1 + z) * _exp(z))


RULES: Mapping[type[Activation], Rule] = {
    Sigmoid: Rule(
        "the sigmoid σ, which squeezes every number into the range from 0 to 1",
        lambda _, z: (1 / (1 + _exp(-z)), _exp(z) / (1 + _exp(z))),
        _sigmoid_slope,
        lambda _, z: (
            "The slope of the sigmoid 1 / (1 + e^(−z)) is, by the quotient rule, "
            "e^(−z) / (1 + e^(−z))². That is {a} (1 − {a}), since {a} = 1 / (1 + e^(−z)) and so "
            "1 − {a} = e^(−z) / (1 + e^(−z))."
        ),
    ),
    Tanh: Rule(
        "the hyperbolic tangent, which squeezes every number into the range from −1 to 1",
        lambda _, z: (function("tanh", z),),
        lambda _, z, a: (1 - a**2, 1 / function("cosh", z) ** 2),
        lambda _, z: (
            "The slope of tanh = sinh/cosh is, by the quotient rule, 1 − tanh²(z), which is "
            "1 − {a}²."
        ),
    ),
    ReLU: Rule(
        "relu, which keeps what is above 0 and turns the rest into 0",
        lambda _, z: (function("max", 0.0, z),),
        _piece(lambda *_: (Number(1.0),), lambda *_: (Number(0.0),)),
        _of_piece(
            "The slope of relu is 1, because z is above 0.",
            "The slope of relu is 0, because z is not above 0: a small change of z changes "
            "nothing, and no gradient passes.",
        ),
    ),
    LeakyReLU: Rule(
        "leaky relu, which keeps what is above 0 and flattens the rest",
        _piece(lambda _, z: (z,), lambda phi, z: (Number(phi.slope) * z,)),
        _piece(lambda *_: (Number(1.0),), lambda phi, *_: (Number(phi.slope),)),
        _of_piece(
            "The slope of leaky relu is 1, because z is above 0.",
            "The slope of leaky relu is the small one, because z is not above 0.",
        ),
    ),
    ELU: Rule(
        "elu, which keeps what is above 0 and bends the rest towards −α",
        _piece(lambda _, z: (z,), _elu),
        _piece(lambda *_: (Number(1.0),), _elu_slope),
        _of_piece(
            "The slope of elu is 1, because z is above 0.",
            "The slope of elu is α e^(z), because z is not above 0.",
        ),
    ),
    SELU: Rule(
        "selu, an elu times a constant, chosen so that numbers keep mean 0 and variance 1",
        _piece(lambda _, z: (_SCALE * z,), lambda _, z: (_SCALE * _ALPHA * (_exp(z) - 1),)),
        _piece(lambda *_: (_SCALE,), lambda _, z, a: (_SCALE * _ALPHA * _exp(z),)),
        _of_piece(
            "The slope of selu is its constant, because z is above 0.",
            "The slope of selu falls with e^(z), because z is not above 0.",
        ),
    ),
    GELU: Rule(
        "gelu, z times the share Φ(z) of a normal distribution that lies below z",
        lambda _, z: (z * function("Φ", z),),
        lambda _, z, a: (function("Φ", z) + z * _density(z),),
        lambda _, z: (
            "The product rule gives the slope Φ(z) + z Φ′(z), where Φ′ is the normal density."
        ),
    ),
    SiLU: Rule(
        "silu, z times its sigmoid σ(z) = 1 / (1 + e^(−z))",
        lambda _, z: (z * function("σ", z),),
        lambda _, z, a: (function("σ", z) * (1 + z * function("σ", -z)),),
        lambda _, z: "The product rule gives the slope σ(z) + z σ(z) σ(−z).",
    ),
    Mish: Rule(
        "mish, z times tanh(s) with s = ln(1 + e^(z))",
        lambda _, z: (z * function("tanh", _softplus_of(z)), z * _exp(z)),
        lambda _, z, a: _mish_slope(z),
        lambda _, z: (
            "The product rule gives the slope tanh(s) + z σ(z) / cosh²(s) with s = ln(1 + e^(z))."
        ),
    ),
    Softplus: Rule(
        "softplus, a relu without its corner",
        _softplus,
        lambda _, z, a: (1 / (1 + _exp(-z)), _exp(z) / (1 + _exp(z))),
        lambda _, z: "The slope of softplus is the sigmoid σ(z).",
    ),
    Softsign: Rule(
        "softsign, which squeezes every number into the range from −1 to 1",
        lambda _, z: (z / (1 + function("abs", z)),),
        lambda _, z, a: (1 / (1 + function("abs", z)) ** 2,),
        lambda _, z: "The slope of softsign is 1 / (1 + |z|)².",
    ),
}
"""The activations that have a formula here; one of your own is shown by its values."""


def is_linear(activation: Activation | None) -> bool:
    """Whether a = z, so that the two are one number."""
    return activation is None or isinstance(activation, Linear)


def activation_word(activation: Activation | None) -> str:
    """The activation's name, as a configuration writes it."""
    return "linear" if activation is None else name_in(ACTIVATIONS, activation)
