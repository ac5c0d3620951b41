"""Random valid configurations, and the compact way to write them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.initializers import INITIALIZERS

YAML_EXAMPLE = """\
network:
  input: 256                   # or left out, and taken from the data
  loss: cross_entropy
  learning_rate: 0.1
  penalty: {type: L2, rate: 0.001}
  layers:
    - {size: 100, activation: relu, weights: [-0.1, 0.1], learning_rate: 0.01}
    - {size: 4, activation: linear, weights: glorot, biases: [0, 1]}
    - softmax
data:
  generator: shapes            # or file: letters.csv, or name: iris
  size: 16                     # images of 16 x 16
  classes: [circle, rectangle, triangle, cross]
  count: 1000
  noise: 0.02
  width: [6, 14]
  height: [6, 14]
  centered: false
  flatten: true
  split: [0.7, 0.2, 0.1]
training: {epochs: 30, batch_size: 32, seed: 1}
"""

COMPACT_EXAMPLE = """\
GLOBALS
loss: cross_entropy lrate: 0.1 wreg: 0.001 wrt: L2
LAYERS
input: 20
size: 100 act: relu wr: (-0.1 0.1) lrate: 0.01
size: 5 act: relu wr: glorot br: (0 1)
type: softmax
DATA
generator: blobs features: 20 classes: 5 count: 600 spread: 1.5
split: (0.7 0.2 0.1)
TRAINING
epochs: 30 batch_size: 32 seed: 1
"""

MINIMAL: dict[str, Any] = {"network": {"loss": "mse", "layers": [{"size": 1}]}}

rates = st.floats(0, 10, allow_nan=False) | st.integers(0, 3)
ranges = st.lists(st.floats(-2, 2) | st.integers(-2, 2), min_size=2, max_size=2).map(sorted)
starts = ranges | st.floats(0, 2) | st.sampled_from(sorted(INITIALIZERS))
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
activations = st.sampled_from(sorted(ACTIVATIONS)) | st.fixed_dictionaries(
    {"type": st.just("leaky_relu"), "slope": st.floats(0, 1)}
)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


one_penalty = st.builds(
    lambda rate, rest: {"rate": rate, **rest},
    rates,
    some(type=st.sampled_from(["L1", "L2", "none"]), biases=st.booleans()),
)
both_penalties = st.builds(
    lambda kind, rate, rest: {kind: rate, **rest},
    st.sampled_from(["L1", "L2"]),
    rates,
    some(L1=rates, L2=rates, biases=st.booleans()),
)
penalties = one_penalty | both_penalties
own_penalties = (
    both_penalties
    | st.just({"type": "none"})
    | one_penalty.map(lambda penalty: {"type": "L1", **penalty})
)
dense = st.builds(
    lambda size, rest, biases: {"size": size, **rest, **biases},
    st.integers(1, 1000),
    some(
        type=st.sampled_from(["dense", "basic_layer"]),
        activation=activations,
        weights=starts,
        learning_rate=rates,
        penalty=own_penalties,
    ),
    some(bias=st.just(True), biases=starts) | st.just({"bias": False}),
)
losses = st.sampled_from(["mse", "mae", "hinge", {"type": "huber", "delta": 0.5}])
data = st.one_of(
    st.builds(
        lambda rest: {"generator": "shapes", **rest},
        some(
            size=st.integers(14, 50),
            classes=st.just(["circle", "cross"]) | st.integers(2, 8),
            noise=st.floats(0, 1),
            width=st.just([3, 9]) | st.integers(3, 14),
            centered=st.booleans(),
            split=st.sampled_from([[0.5, 0.25, 0.25], [1, 0, 0], [70, 20, 10]]),
        ),
    ),
    st.builds(
        lambda rest: {"generator": "blobs", **rest},
        some(features=st.integers(1, 9), classes=st.integers(2, 5), spread=st.floats(0, 9)),
    ),
    st.builds(lambda name: {"file": name}, st.sampled_from(["a.csv", "my letters.csv", "1"])),
)
training = some(
    epochs=st.integers(0, 99),
    batch_size=st.integers(1, 99) | st.just("full"),
    seed=st.integers(0, 10**12),
    shuffle=st.booleans(),
    optimizer=st.sampled_from(["sgd", "adam", {"type": "momentum", "nesterov": True}]),
)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """A valid configuration as a mapping."""
    layers: list[Any] = draw(st.lists(dense, min_size=1, max_size=4))
    named = draw(st.lists(names, unique=True, max_size=len(layers)))
    layers = [
        {**layer, "name": f"{name}-x"} if name else layer
        for layer, name in zip(layers, named + [""] * len(layers), strict=False)
    ]
    network = {"loss": draw(losses), **draw(some(penalty=penalties, learning_rate=rates))}
    network |= draw(some(input=st.integers(1, 99), explicit_jacobians=st.booleans()))
    if draw(st.booleans()):
        layers.append({"type": "softmax"})
        network["loss"] = draw(st.sampled_from(["cross_entropy", "mse"]))
    return {
        "network": {**network, "layers": layers},
        "data": draw(data),
        "training": draw(training),
    }


GLOBAL_WORDS = {"loss": "loss", "learning_rate": "lrate", "explicit_jacobians": None}
PENALTY_WORDS = {"rate": "wreg", "type": "wrt", "L1": "l1", "L2": "l2", "biases": "breg"}
LAYER_WORDS = {"activation": "act", "weights": "wr", "biases": "br", "learning_rate": "lrate"}


def compact(config: dict[str, Any]) -> str:
    """A configuration in the compact form."""
    network = config["network"]
    lines = ["GLOBALS"]
    lines += [
        pair(word or key, network[key]) for key, word in GLOBAL_WORDS.items() if key in network
    ]
    lines.append("  ".join(penalty_pairs(network)))
    lines.append("layers  # in any case")
    if "input" in network:
        lines.append(pair("input", network["input"]))
    for layer in network["layers"]:
        said = [item for item in layer.items() if item[0] != "penalty"]
        pairs = [pair(LAYER_WORDS.get(key, key), value) for key, value in said]
        lines.append(" ".join([*pairs, *penalty_pairs(layer)]) + "  # a layer")
    lines += ["DATA", *(pair(key, value) for key, value in config["data"].items())]
    lines += ["TRAINING", *(pair(key, value) for key, value in config["training"].items())]
    return "\n".join(lines) + "\n"


def penalty_pairs(part: dict[str, Any]) -> list[str]:
    """What a network or a layer says of penalties, in the compact form's words."""
    return [pair(PENALTY_WORDS[key], value) for key, value in part.get("penalty", {}).items()]


def pair(key: str, value: Any) -> str:
    """A key and its value in the compact form."""
    return f"{key}: {written(value)}"


def written(value: Any) -> str:
    """A value in the compact form."""
    if isinstance(value, list):
        return f"({' '.join(written(item) for item in value)})"
    if isinstance(value, dict):
        return f"{{{', '.join(pair(key, item) for key, item in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if value == "1" else value
    return repr(value)
