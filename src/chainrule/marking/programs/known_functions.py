"""A table of elementwise functions: their value, their derivative and what goes wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import erf, sqrt
from typing import Any

import numpy as np

from chainrule.core.arrays import Array


def sigmoid(z: Array) -> Array:
    """1/(1 + e^−z), which never overflows."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z)))


def softplus(z: Array) -> Array:
    """log(1 + e^z), which never overflows."""
    return np.logaddexp(0.0, z)


def normal_share(z: Array) -> Array:
    """How often a normal random number is below z."""
    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(np.asarray(z) / sqrt(2)))


@dataclass(frozen=True)
class Known:
    """A function that is known by name.

    Attributes:
        rules: of its lines, by their names, in order: those up to ``a`` are its value, those up to
            ``da`` its derivative.
        says: what the lines are, beside ``a`` and ``da``.
        by_output: the derivative as a rule in ``a`` alone, where there is one.
        bugs: name: (title, sentence, hint, the other rule of ``da``).
        choices: conventions: name: (group, title, sentence, the other rules).
        others: further names of it.
    """

    rules: Mapping[str, str]
    says: Mapping[str, str] = field(default_factory=dict)
    by_output: str = ""
    bugs: Mapping[str, tuple[str, str, str, str]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, str, str, Mapping[str, str]]] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def _at_zero() -> Mapping[str, tuple[str, str, str, Mapping[str, str]]]:
    """The choices of a slope at the kink z = 0."""
    return {
        f"slope_at_zero_{name}": (
            "slope at 0",
            f"the derivative at z = 0 is {shown}",
            "At the kink there is no derivative, so any value between the two sides is a choice; "
            "most libraries take the left one.",
            {"at_zero": value},
        )
        for name, shown, value in (("one", "1", "1.0"), ("half", "½", "0.5"))
    }


_TWO_TERMS = "The product rule gives two terms, one for each factor that depends on z."

FUNCTIONS: Mapping[str, Known] = {
    "sigmoid": Known(
        {"a": "sigmoid(z)", "rest": "1 - a", "da": "a * rest"},
        {"rest": "1 − σ(z)"},
        by_output="{0} * (1 - {0})",
        bugs={
            "no_one_minus": (
                "the factor 1 − a of the sigmoid's derivative is missing",
                "σ′ = a(1 − a); the code returns a.",
                "At which z is the sigmoid steepest?",
                "a",
            ),
            "one_minus_alone": (
                "the factor a of the sigmoid's derivative is missing",
                "σ′ = a(1 − a); the code returns 1 − a, which is also what e^−z/(1 + e^−z)² gives "
                "without its square.",
                "At which z is the sigmoid steepest?",
                "1 - a",
            ),
            "tanh_formula": (
                "the derivative of tanh is used for the sigmoid",
                "1 − a² belongs to tanh; the sigmoid has a(1 − a).",
                "What is the slope of the sigmoid at 0?",
                "1 - a**2",
            ),
        },
        others=("sigma", "logistic", "expit", "sig"),
    ),
    "tanh": Known(
        {"a": "np.tanh(z)", "square": "a**2", "da": "1 - square"},
        {"square": "tanh² z"},
        by_output="1 - {0}**2",
        bugs={
            "sech": (
                "the derivative of tanh is taken as sech in place of sech²",
                "tanh′ = 1/cosh² = 1 − tanh²; the code has 1/cosh.",
                "Compare with 1 − tanh(z)² at z = 1.",
                "1 / np.cosh(z)",
            ),
            "no_square": (
                "the square in 1 − tanh² is missing",
                "tanh′ = 1 − a²; the code has 1 − a.",
                "What is the slope of tanh at 0 and at −5?",
                "1 - a",
            ),
            "sigmoid_formula": (
                "the derivative of the sigmoid is used for tanh",
                "a(1 − a) belongs to the sigmoid; tanh has 1 − a².",
                "What is the slope of tanh at 0?",
                "a * (1 - a)",
            ),
            "one_plus": (
                "1 + tanh² in place of 1 − tanh²",
                "tanh′ = 1 − a²: it is never above 1.",
                "How steep is tanh far from 0?",
                "1 + square",
            ),
        },
        others=("tanh_activation", "hyperbolic_tangent"),
    ),
    "relu": Known(
        {
            "a": "np.maximum(z, 0.0)",
            "at_zero": "0.0",
            "da": "np.where(z > 0, 1.0, np.where(z == 0, at_zero, 0.0))",
        },
        {"at_zero": "the slope at z = 0"},
        bugs={
            "value_for_slope": (
                "the output is returned in place of the slope",
                "relu′ is 1 where z > 0, not z.",
                "How steep is relu at z = 5?",
                "a",
            ),
            "turned": (
                "the slope is 1 where z is negative",
                "relu lets positive z through: its slope is 1 there and 0 elsewhere.",
                "How steep is relu at z = 5, and at z = −5?",
                "np.where(z < 0, 1.0, 0.0)",
            ),
            "sign_for_slope": (
                "the slope is the sign of z",
                "np.sign gives −1 for negative z, where relu is flat.",
                "How steep is relu at z = −5?",
                "np.sign(z)",
            ),
        },
        choices=_at_zero(),
        others=("rectifier", "relu_activation", "rectified_linear"),
    ),
    "leaky_relu": Known(
        {
            "leak": "0.01",
            "a": "np.where(z > 0, z, leak * z)",
            "at_zero": "leak",
            "da": "np.where(z > 0, 1.0, np.where(z == 0, at_zero, leak))",
        },
        {"leak": "the slope of the negative side", "at_zero": "the slope at z = 0"},
        bugs={
            "leak_times_z": (
                "the negative side returns αz in place of its slope α",
                "The derivative of αz is α.",
                "How steep is it at z = −5?",
                "np.where(z > 0, 1.0, np.where(z == 0, at_zero, leak * z))",
            ),
            "relu_slope": (
                "the slope of the negative side is 0, as relu's",
                "The negative side is αz, whose slope is α: that is what the leak is for.",
                "How steep is it at z = −5?",
                "np.where(z > 0, 1.0, 0.0)",
            ),
            "minus_leak": (
                "the slope of the negative side is −α",
                "The derivative of αz is α, also for negative z.",
                "Does the function grow or fall at z = −5?",
                "np.where(z > 0, 1.0, np.where(z == 0, at_zero, -leak))",
            ),
        },
        choices={
            **_at_zero(),
            **{
                f"leak_{value}": (
                    "leak",
                    f"the negative side has the slope {value}",
                    "The slope of the negative side is a choice.",
                    {"leak": value},
                )
                for value in ("0.1", "0.2", "0.3", "0.05", "0.02", "0.001", "1 / 5.5", "0.25")
            },
        },
        others=("lrelu", "leakyrelu", "leaky", "prelu"),
    ),
    "elu": Known(
        {
            "below": "np.exp(np.minimum(z, 0.0))",
            "a": "np.where(z > 0, z, below - 1)",
            "da": "np.where(z > 0, 1.0, below)",
        },
        {"below": "e^z where z is negative"},
        bugs={
            "value_for_slope": (
                "the negative side returns e^z − 1 in place of its derivative e^z",
                "The 1 is a constant: the derivative of e^z − 1 is e^z.",
                "How steep is it just below 0?",
                "np.where(z > 0, 1.0, below - 1)",
            ),
            "relu_slope": (
                "the slope of the negative side is 0, as relu's",
                "The negative side is e^z − 1, whose derivative is e^z.",
                "How steep is it just below 0?",
                "np.where(z > 0, 1.0, 0.0)",
            ),
        },
        others=("exponential_linear", "elu_activation"),
    ),
    "softplus": Known(
        {"a": "softplus(z)", "da": "sigmoid(z)"},
        bugs={
            "turned": (
                "the derivative of softplus is taken as 1/(1 + e^z)",
                "It is e^z/(1 + e^z) = 1/(1 + e^−z), the sigmoid. The code has σ(−z): the inner "
                "derivative e^z is missing, or the sign in the exponent is wrong.",
                "How steep is softplus at z = 10?",
                "sigmoid(-z)",
            ),
            "sigmoid_slope": (
                "the second derivative is returned: σ(1 − σ)",
                "softplus′ = σ(z); the code differentiates once more.",
                "How steep is softplus at z = 10?",
                "sigmoid(z) * sigmoid(-z)",
            ),
        },
        others=("smooth_relu", "soft_plus"),
    ),
    "silu": Known(
        {
            "s": "sigmoid(z)",
            "a": "z * s",
            "ds": "s * (1 - s)",
            "second": "z * ds",
            "da": "s + second",
        },
        {"s": "σ(z)", "ds": "σ′(z)", "second": "the second term z·σ′(z)"},
        bugs={
            "second_term_missing": (
                "the second term of the product rule is missing: z·σ′(z)",
                f"{_TWO_TERMS} Of z·σ(z) the code has σ(z) alone.",
                "Write the product rule for z·σ(z).",
                "s",
            ),
            "first_term_missing": (
                "the first term of the product rule is missing: σ(z)",
                f"{_TWO_TERMS} Of z·σ(z) the code has z·σ′(z) alone.",
                "How steep is it for large z?",
                "second",
            ),
            "factor_z_missing": (
                "the factor z is missing in the second term",
                f"{_TWO_TERMS} The second is z·σ′(z): z stays, and σ is differentiated.",
                "Write the product rule for z·σ(z).",
                "s + ds",
            ),
            "one_minus_sigma": (
                "1 − σ stands where 1 − a belongs in a + σ(z)(1 − a)",
                "With a = z·σ(z) the derivative can be written a + σ(z)·(1 − a); the code has "
                "1 − σ(z) in the brackets.",
                "Expand σ + zσ(1 − σ) and compare.",
                "a + s * (1 - s)",
            ),
            "inner_missing": (
                "the factor 1 − σ(z) is missing in the second term",
                "σ′ = σ(1 − σ); the second term is z·σ·(1 − σ).",
                "How steep is it for large z?",
                "s + z * s",
            ),
        },
        others=("swish", "swish_1"),
    ),
    "gelu": Known(
        {
            "u": "np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)",
            "t": "np.tanh(u)",
            "a": "0.5 * z * (1 + t)",
            "du": "np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)",
            "dt": "(1 - t**2) * du",
            "first": "0.5 * (1 + t)",
            "second": "0.5 * z * dt",
            "da": "first + second",
        },
        {
            "u": "√(2/π)(z + 0.044715 z³)",
            "t": "tanh u",
            "du": "u′",
            "dt": "(tanh u)′",
            "first": "the first term ½(1 + tanh u)",
            "second": "the second term ½z·(tanh u)′",
        },
        bugs={
            "second_term_missing": (
                "the second term of the product rule is missing: ½z·(tanh u)′",
                f"{_TWO_TERMS} The code has ½(1 + tanh u) alone.",
                "Write the product rule for ½z·(1 + tanh u).",
                "first",
            ),
            "first_term_missing": (
                "the first term of the product rule is missing: ½(1 + tanh u)",
                f"{_TWO_TERMS} The code has ½z·(tanh u)′ alone.",
                "How steep is it for large z?",
                "second",
            ),
            "factor_z_missing": (
                "the factor z is missing in the second term",
                f"{_TWO_TERMS} The second is ½z·(tanh u)′: z stays, and tanh u is differentiated.",
                "Write the product rule for ½z·(1 + tanh u).",
                "first + 0.5 * dt",
            ),
            "inner_missing": (
                "the inner derivative u′ is missing",
                "u depends on z, so (tanh u)′ = (1 − tanh² u)·u′; the code leaves out u′.",
                "Which chain leads from z to tanh u?",
                "first + 0.5 * z * (1 - t**2)",
            ),
            "power_missing": (
                "the 3 of (z³)′ = 3z² is missing in u′",
                "u′ = √(2/π)(1 + 3·0.044715 z²).",
                "Differentiate u by hand.",
                "first + 0.5 * z * (1 - t**2) * np.sqrt(2 / np.pi) * (1 + 0.044715 * z**2)",
            ),
            "sech": (
                "(tanh u)′ is taken as sech u in place of sech² u",
                "tanh′ = 1/cosh² = 1 − tanh²; the code has 1/cosh.",
                "Compare with 1 − tanh(u)² at u = 1.",
                "first + 0.5 * z * np.sqrt(1 - t**2) * du",
            ),
        },
        choices={
            "exact": (
                "form",
                "gelu is z·Φ(z) with the normal distribution itself",
                "The form with tanh is an approximation of it; both are called gelu.",
                {
                    "a": "z * normal_share(z)",
                    "da": "normal_share(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)",
                },
            ),
        },
        others=("gelu_tanh", "gaussian_error_linear"),
    ),
    "mish": Known(
        {
            "s": "softplus(z)",
            "t": "np.tanh(s)",
            "a": "z * t",
            "sech2": "1 - t**2",
            "ds": "sigmoid(z)",
            "dt": "sech2 * ds",
            "second": "z * dt",
            "da": "t + second",
        },
        {
            "s": "softplus z",
            "t": "tanh(softplus z)",
            "sech2": "1 − tanh² of it",
            "ds": "the derivative of softplus",
            "dt": "(tanh s)′, for s = softplus z",
            "second": "the second term z·(tanh s)′",
        },
        bugs={
            "second_term_missing": (
                "the second term of the product rule is missing",
                f"{_TWO_TERMS} Of z·tanh(s) the code has tanh(s) alone.",
                "Write the product rule for z·tanh(softplus z).",
                "t",
            ),
            "first_term_missing": (
                "the first term of the product rule is missing: tanh(softplus z)",
                f"{_TWO_TERMS} Of z·tanh(s) the code has z·(tanh s)′ alone.",
                "How steep is it for large z?",
                "second",
            ),
            "factor_z_missing": (
                "the factor z is missing in the second term",
                f"{_TWO_TERMS} The second is z·(tanh s)′: z stays, and tanh s is differentiated.",
                "Write the product rule for z·tanh(softplus z).",
                "t + dt",
            ),
            "square_missing": (
                "the square of the denominator δ is missing",
                "By the quotient rule the denominator δ = e^(2z) + 2e^z + 2 is squared: "
                "e^z·ω/δ². The code divides by δ.",
                "Apply the quotient rule to (e^(2z) + 2e^z)/(e^(2z) + 2e^z + 2).",
                "RIGHT * (np.exp(2 * z) + 2 * np.exp(z) + 2)",
            ),
            "square_missing_scaled": (
                "the square of the denominator is missing in the derivative of the quotient",
                "tanh(softplus z) = n/d, whose derivative is (n′d − nd′)/d²; the code divides by "
                "d. Here n and d are divided by e^(2z) where z is positive, to be safe from "
                "overflow.",
                "Apply the quotient rule to n/d.",
                "t + second * (1 + 2 * np.exp(-np.abs(z)) + 2 * np.exp(-2 * np.abs(z)) + "
                "np.where(z < 0, 1 - np.exp(-2 * np.abs(z)), 0.0))",
            ),
            "square_missing_inside": (
                "the square of the denominator is missing in the derivative of the quotient",
                "tanh(softplus z) = n/d with d = e^(2z) + 2e^z + 2, whose derivative is "
                "(n′d − nd′)/d²; the code divides by d.",
                "Apply the quotient rule to (e^(2z) + 2e^z)/(e^(2z) + 2e^z + 2).",
                "t + second * (np.exp(2 * z) + 2 * np.exp(z) + 2)",
            ),
            "inner_missing": (
                "the inner derivative of softplus is missing: σ(z)",
                "The chain is z → softplus → tanh, so (tanh s)′ = (1 − tanh² s)·σ(z); the code "
                "leaves out σ(z).",
                "Which chain leads from z to tanh(softplus z)?",
                "t + z * sech2",
            ),
            "sech": (
                "(tanh s)′ is taken as sech s in place of sech² s",
                "tanh′ = 1/cosh² = 1 − tanh²; the code has 1/cosh.",
                "Compare with 1 − tanh(s)² at s = 1.",
                "t + z * np.sqrt(sech2) * ds",
            ),
        },
        others=("mish_activation",),
    ),
    "softsign": Known(
        {"b": "1 + np.abs(z)", "a": "z / b", "da": "1 / b**2"},
        {"b": "1 + |z|"},
        bugs={
            "square_missing": (
                "the square of the denominator is missing",
                "By the quotient rule the derivative is 1/(1 + |z|)².",
                "Apply the quotient rule for z > 0.",
                "1 / b",
            ),
            "square_inside": (
                "the square stands within the denominator: 1/(1 + z²)",
                "(1 + |z|)² is not 1 + z²: that is the derivative of arctan.",
                "Apply the quotient rule for z > 0.",
                "1 / (1 + z**2)",
            ),
            "sign_in_slope": (
                "the derivative has the sign of z",
                "softsign grows everywhere: its derivative is 1/(1 + |z|)², never negative.",
                "Does the function grow or fall at z = −5?",
                "np.sign(z) / b**2",
            ),
        },
        others=("soft_sign",),
    ),
    "exp": Known(
        {"a": "np.exp(z)", "da": "a"},
        bugs={
            "input_for_slope": (
                "the derivative of exp is taken as z",
                "exp is its own derivative: the output, not the input.",
                "How steep is e^z at 0?",
                "z",
            ),
            "power_rule": (
                "the power rule is used on e^z: z·e^(z−1)",
                "z stands in the exponent, so (e^z)′ = e^z.",
                "How steep is e^z at 0?",
                "z * np.exp(z - 1)",
            ),
        },
        others=("exponential", "exp_activation"),
    ),
    "arctan": Known(
        {"a": "np.arctan(z)", "b": "1 + z**2", "da": "1 / b"},
        {"b": "1 + z²"},
        bugs={
            "root": (
                "the derivative of arcsin is used: 1/√(1 + z²)",
                "arctan′ = 1/(1 + z²), without a root.",
                "How steep is it at z = 3?",
                "1 / np.sqrt(b)",
            ),
        },
        others=("atan",),
    ),
    "gaussian": Known(
        {"a": "np.exp(-(z**2))", "inner": "-2 * z", "da": "inner * a"},
        {"inner": "(−z²)′ = −2z"},
        bugs={
            "inner_missing": (
                "the inner derivative −2z is missing",
                "The chain is z → −z² → e^…; the code has e^(−z²) alone.",
                "How steep is it at 0?",
                "a",
            ),
            "factor_2_missing": (
                "the 2 of (−z²)′ = −2z is missing",
                "The derivative of −z² is −2z; the code has −z.",
                "Differentiate −z² by hand.",
                "-z * a",
            ),
        },
        others=("rbf", "gauss"),
    ),
}
"""The functions that are known, by name."""

HELPERS: Mapping[str, Any] = {
    "sigmoid": sigmoid,
    "softplus": softplus,
    "normal_share": normal_share,
}
