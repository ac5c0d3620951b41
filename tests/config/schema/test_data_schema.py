"""The schema of ``data:`` against the readers and generators that take it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from chainrule.config.schema.data import GENERATORS, Cifar10, Cifar100, File, Folder, Named, Shapes
from chainrule.data import settings
from chainrule.data.generators.points import POINT_SETS
from chainrule.data.generators.sequences import SEQUENCES
from chainrule.data.generators.shapes import ImageGenerator

EXAMPLES = [
    *(({"generator": name}, model) for name, model in GENERATORS.items()),
    ({"file": "a.csv"}, File),
    ({"folder": "images"}, Folder),
    ({"name": "iris"}, Named),
    ({"name": "cifar10"}, Cifar10),
    ({"name": "cifar100"}, Cifar100),
]


@pytest.mark.parametrize(("data", "model"), EXAMPLES, ids=lambda item: str(item))
def test_the_readers_know_the_same_keys(data: dict[str, str], model: Any) -> None:
    assert set(model.keys()) == set(settings.known_keys(data))


def test_the_generators_are_the_same() -> None:
    assert tuple(GENERATORS) == settings.GENERATORS


@pytest.mark.parametrize("name", list(GENERATORS))
def test_the_described_defaults_are_those_of_the_generators(name: str) -> None:
    maker = ImageGenerator if name == "shapes" else {**POINT_SETS, **SEQUENCES}[name]
    fields = GENERATORS[name].model_fields
    for key, parameter in inspect.signature(maker).parameters.items():
        if key in ("rng", "seed"):
            continue
        default = parameter.default
        described = fields[key].default
        if isinstance(described, list) and isinstance(default, int):  # one number is a range
            default = (default, default)
        assert described == (list(default) if isinstance(default, tuple) else default), key


def test_shapes_come_first() -> None:
    assert Shapes.keys()[0] == "generator"
