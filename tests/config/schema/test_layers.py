"""The keys of a layer are the arguments of its constructor."""

from __future__ import annotations

import pytest

from chainrule.config.schema.layers import section, section_of
from chainrule.core.errors import ConfigError
from chainrule.core.schema import validated
from chainrule.nn import Layer
from chainrule.nn.layer_types import LAYERS, arguments_of


@pytest.mark.parametrize("kind", LAYERS)
def test_the_keys_are_the_arguments(kind):
    assert set(section_of(kind).model_fields) == {"type", *arguments_of(LAYERS[kind])}


class Scaled(Layer):
    """Numbers times a factor."""

    def __init__(self, factor: float, times: int = 1, *, name: str | None = None) -> None:
        super().__init__(name=name)


def test_a_new_layers_keys_follow_from_its_signature():
    model = section("scaled", Scaled)
    found = validated(model.model_validate, {"type": "scaled", "factor": 2, "name": "a"})
    assert (found.factor, found.times, found.name, found.inputs) == (2.0, 1, "a", None)
    with pytest.raises(ConfigError) as caught:
        validated(model.model_validate, {"type": "scaled", "factor": "x", "times": 0, "twice": 1})
    assert [problem.message for problem in caught.value.problems] == [
        "factor must be a finite number, found 'x'",
        "times must be a whole number of at least 1, found 0",
        "unknown key 'twice'; did you mean 'times'? Known: type, factor, times, name, inputs",
    ]
