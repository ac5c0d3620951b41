"""Rules on several values of a configuration together.

The schema checks one value at a time. The rules read the values as written, so that their
problems are reported together with the schema's. A rule ignores a value that it cannot read,
because the schema reports it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chainrule.config.reading.tree import Tree
from chainrule.config.schema.layers import ALIASES, NAME_PATTERN, section_of
from chainrule.config.schema.starts import BESIDE, are_values
from chainrule.core.arguments import is_whole
from chainrule.core.errors import Problem
from chainrule.core.schema import KeyPath
from chainrule.data.settings import data_problems
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.graph import LayerNode, graph_problems, names_of
from chainrule.nn.layer_types import LAYERS

Broken = tuple[KeyPath, str]
"""A broken rule: the path of the value that its message is about, and the message."""

LIST: KeyPath = ("network", "layers")


def rule_problems(tree: Tree) -> list[Problem]:
    """A problem for every broken rule; none if the tree could only be read in part."""
    if tree.partial or not isinstance(tree.value, dict):
        return []
    broken: list[Broken] = []
    network, data = tree.value.get("network"), tree.value.get("data")
    if isinstance(network, dict) and isinstance(network.get("layers"), list):
        broken += _network_rules(network)
    if isinstance(data, dict):
        broken += [(("data", *path), message) for path, message in data_problems(data)]
    return [tree.problem(path, message) for path, message in broken]


def _name(value: Any) -> str | None:
    """A name, or the ``type`` of a mapping, in lower case; None if that is no string."""
    word = value.get("type") if isinstance(value, dict) else value
    return word.lower() if isinstance(word, str) else None


def _kind(layer: Any) -> str | None:
    """The layer's type; None if it is unknown."""
    word = "dense" if isinstance(layer, dict) and "type" not in layer else _name(layer)
    return ALIASES.get(word, word) if word in (*LAYERS, *ALIASES) else None


def _network_rules(network: Mapping[str, Any]) -> Iterator[Broken]:
    layers = network["layers"]
    kinds = [_kind(layer) for layer in layers]
    for k, kind in enumerate(kinds[:-1]):
        if kind is not None and LAYERS[kind].must_be_last:
            where = f"but it is layer {k + 1} of {len(layers)}"
            yield (*LIST, k), f"{kind} must be the last layer, {where}"
    has_weights = any(LAYERS[kind].has_weights for kind in kinds if kind is not None)
    if layers and None not in kinds and not has_weights:
        message = "a network needs at least one dense layer, or another with weights"
        yield LIST, f"{message}; write {{size: 10}}"
    for k, layer in enumerate(layers):
        if isinstance(layer, dict):
            for key, message in _own_rules(k, layers, kinds):
                yield (*LIST, k, key), message
    names = [*_names(layers, kinds)]
    yield from names or _graph(layers, kinds)
    yield from _losses(_name(network.get("loss")), layers, kinds)


def _own_rules(k: int, layers: list[Any], kinds: list[str | None]) -> Iterator[tuple[str, str]]:
    """The key and message of each rule that the values of layer k break."""
    layer, size, start = layers[k], layers[k].get("size"), layers[k].get("start")
    follows_dense = k > 0 and kinds[k - 1] == "dense" and "inputs" not in layer
    if kinds[k] == "softmax" and follows_dense and isinstance(layers[k - 1], dict):
        before = layers[k - 1].get("size")
        if is_whole(before, 1) and is_whole(size, 1) and before != size:
            yield "size", f"softmax has the size of the layer before it, {before}, found {size}"
    states = getattr(LAYERS.get(kinds[k] or ""), "state_names", ())
    start = start.get("learnt") if isinstance(start, dict) else start
    numbers = len(start) if states and isinstance(start, list) and is_whole(size, 1) else None
    if numbers is not None and numbers != len(states) * size:
        each = f"a number for each of the {size} units"
        if len(states) > 1:
            each = f"{len(states) * size} numbers, one a unit of {' and then of '.join(states)}"
        yield "start", f"start has {each}, found {numbers}"
    if layer.get("bias") is False and layer.get("forget_bias") is not None:
        message = "with bias: false there is no bias of the forget gate; leave one of the two out"
        yield "forget_bias", message
    for key in BESIDE:
        biases = layer.get(key)
        if layer.get("bias") is False and biases is not None and _name(biases) != "zeros":
            message = "with bias: false there are no biases to start; leave one of the two out"
            yield key, message
    if layer.get("forget_bias") is not None and are_values(layer, "biases"):
        message = (
            "biases that are given as numbers are taken as they are, those of the forget gate "
            "included; leave forget_bias out"
        )
        yield "forget_bias", message


def _names(layers: list[Any], kinds: list[str | None]) -> Iterator[Broken]:
    """Layers with equal names; a layer without a name is called by its type and number."""
    taken: dict[str, tuple[int, bool]] = {}
    for k, layer in enumerate(layers):
        given = layer.get("name") if isinstance(layer, dict) else None
        number = "" if kinds[k] == "softmax" else f"_{kinds[: k + 1].count(kinds[k])}"
        name = given if isinstance(given, str) else f"{kinds[k]}{number}"
        before, was_given = taken.setdefault(name, (k, given is not None))
        if kinds[k] and before < k and (given is not None or was_given):
            both = f"layer {before + 1} and layer {k + 1}"
            yield (*LIST, k, "name"), f"{both} are both named {name!r}"


def _graph(layers: list[Any], kinds: list[str | None]) -> Iterator[Broken]:
    """Inputs that do not exist, cycles and dead ends, if all layers can be read."""
    sources = [_inputs(layer) for layer in layers]
    if None in kinds or None in sources:
        return
    given = [layer.get("name") if isinstance(layer, dict) else None for layer in layers]
    types = [kind or "" for kind in kinds]
    names = names_of(types, [name if isinstance(name, str) else None for name in given])
    joins = [LAYERS[word].joins for word in types]
    nodes = [*map(LayerNode, names, types, [s or () for s in sources], joins)]
    for problem in graph_problems(nodes):
        at = layers[problem.layer] if problem.layer is not None else None
        has_key = problem.key is not None and isinstance(at, dict) and problem.key in at
        yield (*LIST, problem.layer or 0, *((problem.key,) if has_key else ())), problem.message


def _inputs(layer: Any) -> tuple[str, ...] | None:
    """The names of a layer's inputs; None where they cannot be read."""
    written = layer.get("inputs") if isinstance(layer, dict) else None
    names = [written] if isinstance(written, str) else written or []
    if isinstance(names, list) and all(
        isinstance(name, str) and re.match(NAME_PATTERN, name) for name in names
    ):
        return tuple(names)
    return None


def _losses(loss: str | None, layers: list[Any], kinds: list[str | None]) -> Iterator[Broken]:
    """Losses that need a distribution or probabilities, which the output is not."""
    last = kinds[-1] if kinds else None
    if last is None or (loss == "cross_entropy" and "softmax" in kinds):
        return
    output, function = f"layer {len(layers)}, the last one,", last
    if "activation" in section_of(last).model_fields:
        written = layers[-1].get("activation") if isinstance(layers[-1], dict) else None
        function = "linear" if written is None else _name(written) or ""
        if function not in ACTIVATIONS:
            return
    path: KeyPath = ("network", "loss")
    if loss == "cross_entropy":
        needs = f"cross_entropy needs a distribution as the output, and {output} is {function}"
        yield path, f"{needs}: {_instead_of_cross_entropy(function, layers[-1])}"
    if loss == "binary_cross_entropy" and function != "sigmoid":
        needs = f"binary_cross_entropy needs outputs from 0 to 1, and {output} is {function}"
        instead = "give a dense last layer the activation sigmoid, or choose another loss"
        yield path, f"{needs}: {instead}"


def _instead_of_cross_entropy(function: str, last: Any) -> str:
    """What to write where the output is no distribution; a softmax of one unit is always 1."""
    one = isinstance(last, dict) and last.get("size") == 1
    if function == "sigmoid":
        fits = "the loss that fits is binary_cross_entropy"
        if one:
            return f"{fits}, which tells two classes apart by one output"
        return f"{fits}, or make it linear and add softmax as the last layer"
    if one:
        return (
            "give it the activation sigmoid and choose the loss binary_cross_entropy, or choose "
            "another loss such as mse"
        )
    return "add softmax as the last layer, or choose another loss such as mse"
