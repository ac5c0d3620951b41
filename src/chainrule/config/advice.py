"""Messages for keys and values that belong in other programs or in the other form of a file.

They say where the key belongs, or what to write instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from chainrule.config.reading.tree import Tree, named_parent
from chainrule.config.schema.configuration import Network
from chainrule.config.schema.layers import ALIASES, section_of
from chainrule.core.schema import KeyPath
from chainrule.core.vocabulary import SYNONYMS
from chainrule.data.settings import GENERATORS
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.layer_types import LAYERS
from chainrule.training.settings import TRAINING

_OPTIONS = ("verbose", "jacobians", "quiet", "resume")
"""Keys that are options of the command and not part of a file."""

_OPTIMIZER = "an option of the optimizer, under training: optimizer: "
_SENTENCES: Mapping[str, str] = {
    **dict.fromkeys(("momentum", "nesterov"), _OPTIMIZER + "{type: momentum, momentum: 0.9}"),
    **dict.fromkeys(("beta1", "beta2"), _OPTIMIZER + "{type: adam, beta1: 0.9}"),
    "centered": _OPTIMIZER + "{type: rmsprop, centered: true}",
    "momentum_decay": _OPTIMIZER + "{type: nadam, momentum_decay: 0.004}",
    "memory": _OPTIMIZER + "{type: lbfgs, memory: 10}",
    "decay": "an option of the schedule, under training: "
    "schedule: {type: exponential, decay: 0.95}",
    "warm_up": "an option of the schedule, under training: schedule: {type: cosine, warm_up: 1.5}",
    "label_smoothing": "an option of the loss, under network: "
    "loss: {type: cross_entropy, label_smoothing: 0.1}",
    **dict.fromkeys(
        ("validation_split", "validation_fraction", "test_size", "val_split"),
        "said under data: split: [0.7, 0.2, 0.1], the shares of training, validation and test",
    ),
    **dict.fromkeys(
        ("patience", "monitor", "min_delta"),
        "an option of early stopping, under training: "
        "callbacks: [{type: early_stopping, monitor: validation_loss, patience: 5}]",
    ),
    **dict.fromkeys(
        ("early_stopping", "best_weights"),
        "a callback, under training: callbacks: [early_stopping, best_weights]",
    ),
    "dropout": "a layer, an item of layers: {type: dropout, rate: 0.5}",
    "batch_norm": "a layer, an item of layers: {type: batch_norm, activation: relu}",
    **dict.fromkeys(
        ("dataset", "data_set"),
        "said by one of generator: shapes, file: PATH, folder: PATH and name: iris",
    ),
}
_PENALTIES = ("weight_decay", "l2_rate", "penalty")
_COUNTS = ("hidden_layers", "hidden_sizes", "num_layers", "n_layers", "number_of_layers")

_LONGEST = 30
"""A message repeats only numbers with fewer characters than this."""

SECTIONS = {"network": "GLOBALS", "layers": "LAYERS", "data": "DATA", "training": "TRAINING"}
"""The parts of a configuration, and what the compact form calls them."""

_PENALTY_WORDS: Mapping[str, tuple[str, ...]] = {
    "wreg": ("penalty", "rate"),
    "wrt": ("penalty", "type"),
    "l1": ("penalty", "L1"),
    "l2": ("penalty", "L2"),
    "breg": ("penalty", "biases"),
}
"""The compact form's keys of a penalty, and the schema's path of each."""

NETWORK_WORDS: Mapping[str, tuple[str, ...]] = {
    "loss": ("loss",),
    "lrate": ("learning_rate",),
    **_PENALTY_WORDS,
    "dtype": ("dtype",),
    "bias_learning_rate": ("bias_learning_rate",),
    "explicit_jacobians": ("explicit_jacobians",),
}
"""The keys of GLOBALS in the compact form, and the schema's path of each below ``network``."""

LAYER_WORDS: Mapping[str, tuple[str, ...]] = {
    "size": ("size",),
    "act": ("activation",),
    "wr": ("weights",),
    "br": ("biases",),
    "ur": ("recurrent_weights",),
    "lrate": ("learning_rate",),
    **{word: (word,) for word in ("type", "name", "inputs", "outputs", "bias", "start")},
    **{word: (word,) for word in ("truncate", "filters", "stride", "padding", "rate")},
    **{word: (word,) for word in ("momentum", "epsilon", "classes")},
    **_PENALTY_WORDS,
}
"""The keys of a line of LAYERS in the compact form, and the schema's path of each in a layer."""

COMPACT_WORDS: Mapping[str, tuple[str, str]] = {
    word: (part, path[0])
    for part, words in (("layers", LAYER_WORDS), ("network", NETWORK_WORDS))
    for word, path in words.items()
    if word != path[0]
}
"""The keys that only the compact form has, with the schema's part and key for each."""


@cache
def _fields() -> dict[str, str]:
    """The part that each key belongs to; if to several, the one that is meant most often."""
    data = {name for known in GENERATORS.values() for name in known.model.model_fields}
    layers = {name for kind in LAYERS for name in section_of(kind).model_fields}
    parts = {
        "data": {*data, "generator", "file", "folder", "text"},
        "layers": layers - {"inputs", "type", "name", "start"},
        "training": set(TRAINING.model.model_fields),
        "network": set(Network.model_fields),
    }
    return {key: part for part, keys in parts.items() for key in keys}


def on_key(key: Any, here: str, known: list[str], *, compact: bool) -> str | None:
    """The advice on an unknown key; None if the nearest known key is the best advice.

    Args:
        key: as it was written.
        here: the part that holds it, ``network``, ``layers``, ``data`` or ``training``; inside
            another key, such as ``optimizer``, that key; ``""`` at the top.
        known: the keys that may stand there.
        compact: whether the file is in the compact form.
    """
    word = str(key).lower()
    if word in _OPTIONS:
        return f"{key} is not part of a configuration; write: chainrule train FILE --{word}"
    if word in _COUNTS or (word == "layers" and (compact or here == "layers")):
        own = "a line of LAYERS of its own, such as size: 100 act: relu"
        if not compact:
            own = "an item of layers of its own, such as - {size: 100, activation: relu}"
        return f"key {key!r}: each layer is {own}"
    if here == "layers" and word in (*LAYERS, *ALIASES):
        return f"{key} is a type of layer; write type: {word}"
    if word == "weight_decay" and here == "optimizer":
        adamw = "{type: adamw, weight_decay: 0.01} decays weights by themselves"
        return f"unknown key {key!r}; {adamw}, and {_penalty(here, compact=compact)}"
    if word in _PENALTIES and word not in known:
        return f"unknown key {key!r}; {_penalty(here, compact=compact)}"
    field = SYNONYMS.get(word, word)
    if field in known or (here not in ("", *SECTIONS) and field != "learning_rate"):
        return None
    sentence = _SENTENCES.get(word) or _SENTENCES.get(field)
    if sentence is not None:
        return f"unknown key {key!r}; that is {sentence}"
    part, field = home_of(word)
    if part is None:
        return None
    if part == here:
        if field == word or (compact and field != "penalty"):
            return None
        advice = f"in YAML and with --set that is {field!r}"
        return f"unknown key {key!r}; {_penalty(here, compact=True) if compact else advice}"
    other = f", not to {SECTIONS[here]}" if compact and here in SECTIONS else ""
    return f"key {key!r} belongs {_to(part, field, word, compact=compact)}{other}"


def home_of(word: str) -> tuple[str | None, str]:
    """The part that a key belongs to, None if it is unknown, and the key's name there."""
    field = SYNONYMS.get(word, word)
    return COMPACT_WORDS.get(word) or (_fields().get(field), field)


def _penalty(here: str, *, compact: bool) -> str:
    """How to write a penalty, and where, if this is the wrong place."""
    where, written = "under network: ", "penalty: {type: L2, rate: 0.001}"
    if compact:
        where, written = "in GLOBALS ", "wreg: 0.001 wrt: L2, or l1: 0.001 l2: 0.01"
    return f"a penalty is written {'' if here in ('network', 'layers') else where}{written}"


def _to(part: str, field: str, word: str, *, compact: bool) -> str:
    """Where a key belongs, and what it is called there."""
    if compact:
        short = next((w for w, (_, known) in COMPACT_WORDS.items() if known == field), field)
        name = word if word in COMPACT_WORDS else short
        place = f"to {SECTIONS[part]}"
    else:
        name = field
        place = "to a layer, an item of layers:" if part == "layers" else f"under {part}:"
    return place if name == word else f"{place.rstrip(':')} as {name!r}"


def on_value(tree: Tree, path: KeyPath, value: Any, expected: str) -> str | None:
    """The advice on a refused value; None if it is unclear what was meant.

    Args:
        tree: the configuration.
        path: of the value.
        value: as it was written.
        expected: what the value must be; ``""`` if the schema has another message.
    """
    if not isinstance(value, str):
        return None
    word = tree.word(path)
    if tree.is_compact and value.endswith(";"):
        return f"keys are separated by spaces and not by semicolons, found {value!r} for {word}"
    if path[:2] == ("network", "layers"):
        return _in_layer(tree, path, value, expected)
    return _on_number(word, value, expected)


def _on_number(word: str, value: str, expected: str) -> str | None:
    """A number written with a comma or in percent."""
    if not expected.startswith(("a finite number", "a number")):
        return None
    number = value.replace(",", ".", 1)
    if number != value and _is_number(number):
        return f"{word} is a number with a point, {number}, found {value!r}"
    if value.endswith("%") and _is_number(value[:-1]):
        return f"{word} is a share of 1, {float(value[:-1]) / 100:g}, found {value!r}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) < _LONGEST


def _in_layer(tree: Tree, path: KeyPath, value: str, expected: str) -> str | None:
    """A value inside a layer, or a word in place of a layer."""
    key = path[3] if len(path) == 4 else None
    if key == "activation":
        return _on_softmax(tree, path) if value.lower() == "softmax" else None
    if key == "type" or len(path) == 3:
        return _on_type(tree, key, value.lower())
    if key in ("weights", "biases", "recurrent_weights"):
        return _on_start(tree, path, value)
    return _on_number(tree.word(path), value, expected)


def _on_type(tree: Tree, key: str | int | None, word: str) -> str | None:
    """An activation (``relu``) or a position (``hidden``) written as the type of a layer."""
    compact = tree.is_compact
    if word in ACTIVATIONS:
        act = f"size: 10 act: {word}" if compact else f"{{size: 10, activation: {word}}}"
        return f"{word} is the activation of a layer and no layer of its own; write {act}"
    if word in ("hidden", "output"):
        return "a type is what a layer does, not where it stands; leave it out for a dense layer"
    if word == "input" and key == "type":
        where = "in LAYERS" if compact else "under network:"
        return f"the input is no layer; write its size as input: 20 {where}"
    return None


def _on_softmax(tree: Tree, path: KeyPath) -> str:
    """Softmax written as an activation."""
    number, key = path[2], tree.word(path)
    assert isinstance(number, int)
    following = tree.value["network"]["layers"][number + 1 :]
    if not following:
        own = "the line type: softmax" if tree.is_compact else "softmax as the last item of layers"
        instead = f"write {key}: linear here, and behind it {own}"
        return f"softmax is a layer of its own and no activation: {instead}"
    types = [item.get("type") if isinstance(item, dict) else item for item in following]
    if types == ["softmax"]:
        return f"softmax is a layer of its own, which follows already: write {key}: linear here"
    only = "softmax is a layer of its own, and the last one"
    return f"{only}; choose another activation here, such as relu"


def _on_start(tree: Tree, path: KeyPath, value: str) -> str | None:
    """A range written without brackets, or ``none`` for biases."""
    key = tree.word(path)
    ends = value.replace(",", " ").split()
    if len(ends) == 2 and all(map(_is_number, ends)):
        written = f"({' '.join(ends)})" if tree.is_compact else f"[{', '.join(ends)}]"
        return f"{key} is a range and stands in brackets: {key}: {written}"
    if path[-1] == "biases" and value.lower() == "none":
        return f"for a layer without biases write bias: false in place of {key}: none"
    return None


def part_of(parent: KeyPath) -> str:
    """The part of a configuration that the keys below ``parent`` belong to."""
    if parent[:2] == ("network", "layers") and len(parent) == 3:
        return "layers"
    return named_parent((*parent, ""))
