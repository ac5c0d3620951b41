"""What the signs of the page's formulas mean, as it says beneath each rule."""

from __future__ import annotations

from collections.abc import Mapping

FUNCTIONS: Mapping[str, str] = {
    "σ": "1 / (1 + e^(−z))",
    "σ′": "a · (1 − a), where a = σ(z)",
    "tanh": "(e^(z) − e^(−z)) / (e^(z) + e^(−z))",
    "tanh′": "1 − a², where a = tanh(z)",
    "relu": "z if z > 0, else 0",
    "relu′": "1 if z > 0, else 0",
    "leaky relu": "z if z > 0, else slope · z",
    "leaky relu′": "1 if z > 0, else slope",
    "elu": "z if z > 0, else alpha · (e^(z) − 1)",
    "elu′": "1 if z > 0, else alpha · e^(z)",
    "selu": "1.0507 · z if z > 0, else 1.7581 · (e^(z) − 1)",
    "selu′": "1.0507 if z > 0, else 1.7581 · e^(z)",
    "gelu": "z · Φ(z), where Φ(z) is the share of a standard normal distribution below z",
    "gelu′": (
        "Φ(z) + z · e^(−z² / 2) / √(2π), where Φ(z) is the share of a standard normal "
        "distribution below z"
    ),
    "silu": "z · σ(z), where σ(z) = 1 / (1 + e^(−z))",
    "silu′": "σ(z) + a · (1 − σ(z)), where σ(z) = 1 / (1 + e^(−z)) and a = z · σ(z)",
    "mish": "z · tanh(ln(1 + e^(z)))",
    "mish′": "tanh(s) + z · σ(z) / cosh(s)², where s = ln(1 + e^(z)) and σ(z) = 1 / (1 + e^(−z))",
    "softplus": "ln(1 + e^(z))",
    "softplus′": "1 / (1 + e^(−z))",
    "softsign": "z / (1 + |z|)",
    "softsign′": "1 / (1 + |z|)²",
    "ρ": "z² / 2 if |z| ≤ delta, else delta · (|z| − delta / 2)",
    "ρ′": "z, but no more than delta and no less than −delta",
    "sign": "1 above 0, −1 below, and 0 at 0",
}
"""Each function of z by its sign; options stand in it by their names."""

CONSTANTS: Mapping[str, str] = {
    "K": "the number of outputs",
    "N": "the number of cases",
    "batch_norm N": "how many numbers the mean is of",
    "layer_norm N": "how many numbers the mean is of",
    "η": "the learning rate",
    "λ": "the rate of the penalty",
    "½ λ": "half the rate of the penalty",
    "(1 − η λ)": "what the decay leaves of the weight",
    "ε": "a small number, so that nothing is divided by 0",
    "μ": "the momentum",
    "batch_norm μ": "the share of the new minibatch",
    "(1 − α)": "the share of the newest gradient in the mean",
    "(1 − β₁)": "the share of the newest gradient in the mean",
}
"""What each constant is, by its letter, or by a type of layer and the letter."""


def words() -> dict[str, str]:
    """What the page says of each sign: a function's definition, or what a constant is."""
    return {name: f"{name}(z) = {text}" for name, text in FUNCTIONS.items()} | dict(CONSTANTS)
