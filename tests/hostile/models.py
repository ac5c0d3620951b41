"""Hostile files in the place of an exported network, which ``chainrule.load`` reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from safetensors.numpy import save

from hostile import tensors
from hostile.configurations_yaml import special_files
from hostile.made import Bytes, Hostile, contents
from hostile.readers import NETWORK, network


def described(**changes: Any) -> dict[str, Any]:
    """The description of a good network, with some of its keys changed."""
    return {
        "format": "chainrule model",
        "version": 1,
        "chainrule": "0",
        "network": NETWORK,
        "classes": ["a", "b"],
        **changes,
    }


def as_json(**changes: Any) -> bytes:
    """A good network in JSON, with some of its keys changed."""
    arrays = {
        name: {"shape": list(view.shape), "values": view.ravel().tolist()}
        for name, view in network().parameters.items()
    }
    return json.dumps(described(**{"parameters": arrays, **changes})).encode()


def as_tensors(text: str | None = None, **changes: Any) -> bytes:
    """A good network in safetensors, with some keys of its description changed."""
    arrays = {name: np.array(view) for name, view in network().parameters.items()}
    return save(arrays, metadata={"model": text or json.dumps(described(**changes))})


def _wide(**changes: Any) -> dict[str, Any]:
    return {**NETWORK, **changes}


def _layers(count: int) -> list[Any]:
    return [{"size": 3}] * count + [{"size": 2}, {"type": "softmax"}]


def _column(**changes: Any) -> dict[str, Any]:
    inputs = [{"name": "x", "kind": "number"}, {"name": "y", "kind": "number", **changes}]
    return {"columns": ["x", "y"], "has_names": True, "inputs": inputs, "labels": []}


CHANGES: dict[str, dict[str, Any]] = {
    "a network of 10^12 inputs": {"network": _wide(input=10**12)},
    "a network of 10^30 inputs": {"network": _wide(input=10**30)},
    "a layer of 10^11 units": {"network": _wide(layers=[{"size": 10**11}, *_layers(0)])},
    "ten thousand layers": {"network": _wide(layers=_layers(10_000))},
    "an image of 10^15 pixels": {"network": _wide(input=[1000, 10**6, 10**6])},
    "a network that is a list": {"network": [1]},
    "a network of deep lists": {"network": {"layers": json.loads("[" * 900 + "]" * 900)}},
    "a layer without a size": {"network": _wide(layers=[{"type": "dense"}])},
    "a key that is no key": {"network": _wide(__class__="os.system")},
    "another loss": {"network": _wide(loss="os.system")},
    "a million classes": {"classes": [str(k) for k in range(10**6)]},
    "classes that are numbers": {"classes": [1, 2]},
    "a class that clears the screen": {"classes": ["\x1b[2J", "b"]},
    "a type of labels that is none": {"label_type": "complex"},
    "a label that is no number": {"label_type": "int"},
    "a scaling of infinity": {"scaling": {"mean": [1e999, 0.0], "scale": [1.0, 1.0]}},
    "a scaling of texts": {"scaling": {"mean": ["a", "b"], "scale": ["a", "b"]}},
    "a scaling of lists": {"scaling": {"mean": [[0.0], [0.0]], "scale": [[1.0], [1.0]]}},
    "a negative scale": {"scaling": {"mean": [0.0, 0.0], "scale": [-1.0, 1.0]}},
    "a scaling of targets too many": {"target_scaling": {"mean": [0.0], "scale": [1.0]}},
    "an encoding of no columns": {"encoding": {**_column(), "inputs": []}},
    "an encoding of a column twice": {"encoding": _column(name="x")},
    "an encoding of a million categories": {
        "encoding": _column(kind="one_hot", categories=[str(k) for k in range(10**6)])
    },
    "an encoding with a fill of texts": {"encoding": _column(fill="x", on_missing="mean")},
    "channels of their own": {"channels": "middle"},
    "a version that is a text": {"version": "1"},
    "a format that is a number": {"format": 1},
}

PARAMETERS: dict[str, Any] = {
    "no arrays": {},
    "a list of arrays": [],
    "an array that is a number": {"dense_1.W": 1.0},
    "an array without a shape": {"dense_1.W": {"values": [1.0]}},
    "an array of a thousand dimensions": {"dense_1.W": {"shape": [1] * 1000, "values": [1.0]}},
    "an array of 2^62 numbers": {"dense_1.W": {"shape": [2**62], "values": []}},
    "an array of 10^40 numbers": {"dense_1.W": {"shape": [10**40], "values": []}},
    "an array of nested values": {"dense_1.W": {"shape": [2, 3], "values": [[1.0] * 3] * 2}},
    "an array nobody asked for": {"eval": {"shape": [0], "values": []}},
}

TEXTS: dict[str, Bytes] = {
    "only a brace": b"{",
    "a brace and zeros": b"{" + bytes(200),
    "braces": lambda: b"{" * 200_000,
    "brackets in a mapping": lambda: b'{"network":' + b"[" * 200_000,
    "a text of 64 MiB": lambda: b'{"chainrule":"' + b"x" * 2**26 + b'"}',
    "eight million zeros": lambda: b'{"parameters":[' + b"0," * 8_000_000 + b"0]}",
    "a number of a million digits": lambda: b'{"version":' + b"9" * 1_000_000 + b"}",
    "NaN": b'{"version": NaN}',
    "a key twice": b'{"version": 1, "version": 1}',
    "not UTF-8": b'{"format": "\xff"}',
    "cut short": as_json()[:-40],
    "a byte behind it": as_json() + b"}",
}


def files() -> Iterator[Hostile]:
    """Each through ``chainrule.load``, in both formats."""
    found: dict[str, Bytes] = dict(TEXTS)
    found |= {name: as_json(**changes) for name, changes in CHANGES.items()}
    found |= {name: as_json(parameters=changed) for name, changed in PARAMETERS.items()}
    yield from contents("model", "model.json", found)
    packed: dict[str, Bytes] = {
        f"{name}, in metadata": as_tensors(**changes) for name, changes in CHANGES.items()
    }
    packed["a description that is no JSON"] = as_tensors("os.system")
    packed["parameters in the description"] = as_tensors(parameters={})
    packed |= {f"{name}, as a tensor file": content for name, content in tensors.FILES.items()}
    yield from contents("model", "model.safetensors", packed)
    yield from special_files("model", "model.json")
