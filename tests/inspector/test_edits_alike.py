"""The same edits give the same numbers in Python and in the page's own engine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_networks import drawn, js_number

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ChainruleError
from chainrule.explain.lesson import in_float64
from chainrule.inspector.edits import PassWanted, edited
from chainrule.inspector.inspected import Inspected
from chainrule.inspector.record import FirstStep
from chainrule.inspector.scene import Told
from chainrule.nn import BatchNorm
from chainrule.nn.activations import ACTIVATIONS
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "edited_passes.mjs"

pytestmark = needs_node

Rng = np.random.Generator


def inspected(seed: int) -> Inspected:
    """A random network with its cases."""
    made = drawn(seed)
    network = in_float64(made.network)
    x, t = network.prepare(made.x, made.t)
    weights = network.prepare_weights(made.weights, len(x))
    told = Told("a test", cases=[(n, f"case {n}") for n in range(len(x))])
    return Inspected(
        network, x, t, weights, told, FirstStep(made.rule, made.scale, made.most), seed
    )


def numbers(values: np.ndarray) -> list[Any]:
    return [float(one) if np.isfinite(one) else js_number(one) for one in values.ravel()]


def place(rng: Rng, shape: tuple[int, ...]) -> list[int]:
    return [int(rng.integers(length)) for length in shape]


def parameter_edit(rng: Rng, base: Inspected) -> dict[str, Any]:
    keys = [key for key, one in base.record.entries.items() if one.role == "parameter"]
    key = keys[int(rng.integers(len(keys)))]
    value = abs(float(rng.normal())) + 0.1  # a running variance is above 0
    return {"kind": "parameter", "key": key, "at": place(rng, base.record[key].shape)} | {
        "value": value
    }


def input_edit(rng: Rng, base: Inspected) -> dict[str, Any] | None:
    x = base.record["input.out"]
    at = place(rng, x.shape)
    classes = any(layer.takes_class_numbers for layer in base.network.layers)
    if np.isnan(x[tuple(at)]):
        return None
    value = float(rng.integers(0, 4)) if classes else float(rng.normal())
    return {"kind": "input", "at": at, "value": value}


def target_edits(rng: Rng, base: Inspected) -> list[dict[str, Any]]:
    t, loss = base.record["loss.t"], base.scene["loss"]["type"]
    at = place(rng, t.shape)
    if np.isnan(t[tuple(at)]):
        return []
    if loss in ("cross_entropy", "hinge"):
        row, right = at[:-1], int(rng.integers(t.shape[-1]))
        return [
            {"kind": "target", "at": [*row, k], "value": float(k == right)}
            for k in range(t.shape[-1])
        ]
    value = float(rng.random()) if loss == "binary_cross_entropy" else float(rng.normal())
    return [{"kind": "target", "at": at, "value": value}]


def activation_edit(rng: Rng, base: Inspected) -> dict[str, Any] | None:
    scene = base.scene
    fitting = [
        layer["name"]
        for layer in scene["layers"]
        if layer["activation"]
        and not (
            layer["name"] == scene["output"] and scene["loss"]["type"] == "binary_cross_entropy"
        )
    ]
    if not fitting:
        return None
    chosen = fitting[int(rng.integers(len(fitting)))]
    return {"kind": "activation", "layer": chosen, "value": str(rng.choice([*ACTIVATIONS]))}


def cases_edit(rng: Rng, base: Inspected) -> dict[str, Any] | None:
    """Other cases: some of those that there are, in another order."""
    x, t = base.record["input.out"], base.record["loss.t"]
    if np.isnan(x).any() or np.isnan(t).any() or base.network.layers[0].takes_class_numbers:
        return None
    least = fewest_cases(base)
    if len(x) < least:
        return None
    count = int(rng.integers(least, len(x) + 1))
    chosen = rng.permutation(len(x))[:count]
    moved = x[chosen] + rng.normal(scale=0.1, size=x[chosen].shape)
    return {
        "kind": "cases",
        "x": moved.reshape(count, -1).tolist(),
        "t": t[chosen].reshape(count, -1).tolist(),
        "labels": [f"pasted {n}" for n in range(count)],
    }


def fewest_cases(base: Inspected) -> int:
    """How many cases a pass needs: a layer that takes a mean over them needs several."""
    return max(layer.least_cases for layer in base.network.layers)


def wanted(seed: int, base: Inspected) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    edits: list[Any] = [parameter_edit(rng, base)]
    if rng.random() < 0.3:
        edits.append(cases_edit(rng, base))
    count = len(base.x)
    if edits[-1] is None:
        edits.pop()
    elif len(edits) > 1:
        count = len(edits[-1]["labels"])
    if count == len(base.x):
        edits += [input_edit(rng, base), *target_edits(rng, base)]
    edits += [
        activation_edit(rng, base) if rng.random() < 0.5 else None,
        parameter_edit(rng, base),
    ]
    only = int(rng.integers(count)) if rng.random() < 0.4 and fewest_cases(base) == 1 else None
    return {"edits": [one for one in edits if one], "bugs": [], "frame": None, "only": only}


def alike(seeds: range) -> None:
    """Hold the passes of both forms against each other on random networks with random edits."""
    given, expected = [], []
    for seed in seeds:
        base = inspected(seed)
        one = wanted(seed, base)
        arrays = {key: numbers(entry.values) for key, entry in base.record.entries.items()}
        given.append({"scene": base.scene, "arrays": arrays, "wanted": one})
        expected.append(edited(base, PassWanted.model_validate(one)))
    for seed, one, found, python in zip(seeds, given, run(SCRIPT, given), expected, strict=True):
        about = f"seed {seed}: {one['wanted']}"
        assert "refused" not in found, f"{about}: {found}"
        entries = python.record.entries
        if one["scene"]["optimizer"]["type"] == "lbfgs":
            # It searches along a line, which Python alone does; running means are no part of that.
            trained = [segment.full_name for segment in python.network.parameters.layout.trained]
            for name in trained:
                entries.pop(f"{name}_new")
        assert [*found["arrays"]] == [*entries], about
        assert found["cases"] == [label for _, label in python.told.cases], about
        assert found["letters"] == {key: entry.letter for key, entry in entries.items()}, about
        np.testing.assert_allclose(found["loss"], python.record.loss, rtol=1e-12, err_msg=about)
        for key, entry in entries.items():
            right = entry.values.ravel()
            values = np.array(found["arrays"][key], float)
            scale = np.maximum(1, np.abs(right))
            # A rule that divides by |gradient| + ε magnifies the rounding of a gradient near 0.
            most = 1e-8 if key.endswith("_new") else 1e-12
            np.testing.assert_allclose(
                values / scale, right / scale, rtol=0, atol=most, err_msg=f"{about}: {key}"
            )


def test_edits_give_the_same_numbers_in_both_forms():
    alike(range(4))


@pytest.mark.exhaustive
def test_edits_of_many_networks_give_the_same_numbers_in_both_forms():
    alike(range(4, 150))


def test_what_cannot_be_is_refused_in_both_forms():
    x, weight = np.ones((3, 2)), {"kind": "parameter", "key": "dense_1.W"}
    softmax = Network([Dense(2, "tanh"), Dense(3), Softmax()], input=2, seed=1).inspect(
        x, [0, 1, 2]
    )
    sigmoid = Network([Dense(1, "sigmoid")], input=2, loss="binary_cross_entropy", seed=1)
    labels = sigmoid.inspect(x, [[0], [1], [1]])
    normed = Network([Dense(2), BatchNorm()], input=2, loss="mse", seed=1).inspect(x, x)
    tried: list[tuple[Inspected, list[dict[str, Any]], int | None]] = [
        (softmax, [{**weight, "at": [2, 0], "value": 1.0}], None),
        (softmax, [{**weight, "at": [0], "value": 1.0}], None),
        (softmax, [{**weight, "key": "dense_9.W", "at": [0, 0], "value": 1.0}], None),
        (softmax, [{"kind": "input", "at": [3, 0], "value": 1.0}], None),
        (softmax, [{"kind": "target", "at": [0, 1], "value": 1.0}], None),
        (softmax, [{"kind": "activation", "layer": "softmax", "value": "relu"}], None),
        (softmax, [{"kind": "activation", "layer": "dense_1", "value": "rely"}], None),
        (softmax, [{"kind": "activation", "layer": "dense_9", "value": "relu"}], None),
        (softmax, [], 3),
        (labels, [{"kind": "activation", "layer": "dense_1", "value": "tanh"}], None),
        (labels, [{"kind": "target", "at": [0, 0], "value": 2.0}], None),
        (normed, [], 1),
        (normed, [{"kind": "cases", "x": [[1.0, 2.0]], "t": [[1.0, 2.0]], "labels": ["a"]}], None),
    ]
    given = []
    for base, edits, only in tried:
        one = {"edits": edits, "bugs": [], "frame": None, "only": only}
        with pytest.raises(ChainruleError):
            edited(base, PassWanted.model_validate(one))
        arrays = {key: numbers(entry.values) for key, entry in base.record.entries.items()}
        given.append({"scene": base.scene, "arrays": arrays, "wanted": one})
    for one, found in zip(given, run(SCRIPT, given), strict=True):
        sentence = found.get("refused", "")
        assert sentence[:1].isupper() or sentence.startswith(("dense", "softmax", "batch")), one
        assert sentence.endswith("."), one["wanted"]
