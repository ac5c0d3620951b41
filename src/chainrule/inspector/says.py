"""What the arrays of a pass are, each in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

_SAYS: Mapping[str, str] = {
    "input.out": "What goes in: one row, image or sequence for each case.",
    "input.J": "How the loss moves with each number that went in.",
    "z": "What the activation is applied to: one number for each output.",
    "out": "What the layer gives to the layers after it.",
    "softmax.out": "The probability of each class: above 0, and 1 together.",
    "dense.z": "The weighted sum of each unit, to which the activation is applied.",
    "dense.out": "The output of each unit.",
    "flatten.out": "The same numbers, as one row for each case.",
    "dropout.out": "What is left of the input: some numbers are 0, the others larger.",
    "embedding.out": "The vector of each class number.",
    "add.out": "The sum of what its sources give.",
    "concatenate.out": "What its sources give, one behind the other.",
    "conv2d.out": "What each filter finds at each place of the image.",
    "locally_connected2d.out": "What the filters of each place find there.",
    "max_pool2d.out": "The largest number of each window.",
    "winners": "Where in its window the largest number lies, counted row by row from 0.",
    "average_pool2d.out": "The mean of each window.",
    "global_average_pool2d.out": "The mean of each channel.",
    "m": "The mean of the numbers that are normalised together.",
    "v": "Their variance: the mean squared distance from their mean.",
    "s": "Their spread: the root of the variance, with ε under it.",
    "xhat": "x̂: how many spreads each number lies above the mean.",
    "xhat_J": "How the loss moves with each x̂.",
    "v_J": "How the loss moves with the variance.",
    "m_J": "How the loss moves with the mean, the variance held fixed.",
    "J": "How the loss moves with each number that the layer gives.",
    "delta": "δ: how the loss moves with each z.",
    "W": "The weights: in row i and column j, the one from input i to unit j.",
    "b": "The biases, one for each unit.",
    "conv2d.W": "The filters: a weight for each pixel of a window, in each channel.",
    "conv2d.b": "The biases, one for each filter.",
    "locally_connected2d.W": "The filters of each place: no two places share a weight.",
    "locally_connected2d.b": "The biases, one for each filter at each place.",
    "mean": "The running mean, which evaluation uses instead of a minibatch's.",
    "variance": "The running variance, which evaluation uses instead of a minibatch's.",
    "lstm.W": "The weights of the inputs: a block of columns for each of the gates i, f, g, o.",
    "gru.W": "The weights of the inputs: a block of columns for each of the gates r, u, g.",
    "U": "The weights of the state before: in row i and column j, from state i to unit j.",
    "lstm.U": "The weights of the state before: a block of columns for each of i, f, g, o.",
    "gru.U": "The weights of the state before: a block of columns for each of r, u, g.",
    "lstm.b": "The biases: a block for each of the gates i, f, g, o.",
    "gru.b": "The biases: a block for each of the gates r, u, g.",
    "b_hn": "The biases of the part of the candidate that comes from the state before.",
    "h0": "h⁰, the state before the first step, which is learnt.",
    "c0": "c⁰, the cell before the first step, which is learnt.",
    "E": "The vectors that are learnt, one row for each class number.",
    "gamma": "γ, by which each normalised number is multiplied.",
    "beta": "β, which is added to each normalised number.",
}
"""The sentences, by the name of the array, or by the type of its layer and the name."""

_SUFFIXES: Mapping[str, str] = {
    "_grad": "How the loss moves with each number of {letter}; the cases add up.",
    "_new": "{letter} after the update.",
}

_LETTERS: Mapping[str, str] = {
    "gamma": "γ",
    "beta": "β",
    "b_hn": "bʰ",
    "h0": "h⁰",
    "c0": "c⁰",
    "mean": "m̄",
    "variance": "v̄",
}


def letter_of(name: str) -> str:
    """The letter of a parameter.

    Example:
        >>> letter_of("gamma"), letter_of("W")
        ('γ', 'W')
    """
    return _LETTERS.get(name, name)


def sentence(kind: str, name: str) -> str:
    """What an array is.

    Args:
        kind: the type of its layer, such as ``dense``, or ``input``.
        name: its name in the layer, such as ``W_grad``.

    Example:
        >>> sentence("dense", "W_new")
        'W after the update.'
    """
    for suffix, text in _SUFFIXES.items():
        if name.endswith(suffix):
            return text.format(letter=letter_of(name.removesuffix(suffix)))
    if name.startswith("delta_"):
        return f"How the loss moves with each number of the sum of gate {name[6:]}."
    return _SAYS.get(f"{kind}.{name}", _SAYS.get(name, ""))
