"""What a generator's signature says is what a configuration, and an editor, know of it."""

from __future__ import annotations

import inspect

import pytest

from chainrule.data.generators.base import GENERATORS as DECLARED
from chainrule.data.settings import COMMON_KEYS, GENERATORS


def test_every_generator_is_known_and_shapes_come_first():
    assert set(DECLARED) == set(GENERATORS)
    assert next(iter(GENERATORS)) == "shapes"


@pytest.mark.parametrize("name", list(GENERATORS))
def test_a_generator_is_described_by_its_signature_and_docstring(name):
    model, maker = GENERATORS[name].model, GENERATORS[name].function
    parameters = {k: p for k, p in inspect.signature(maker).parameters.items() if k != "rng"}
    assert set(model.model_fields) == {"generator", *COMMON_KEYS, *parameters}
    assert model.keys()[0] == "generator"
    for key in set(parameters) - set(COMMON_KEYS):
        field, default = model.model_fields[key], parameters[key].default
        assert field.description, key
        assert field.description[-1] != ".", key
        assert field.default == (list(default) if isinstance(default, tuple) else default), key
