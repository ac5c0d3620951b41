from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.config.reading.yaml_writer import flow, write_yaml

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["true", "null", "~", "1e5", ".5", "", "- a", "a: b", "#", "[x]", "\ufeff", "-", "é", "a b"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_any_value_reads_back(value: Any) -> None:
    assert read_yaml(f"x: {flow(value)}").value == {"x": value}


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_any_section_reads_back(section: dict[str, Any]) -> None:
    assert read_yaml(write_yaml({"network": section})).value == {"network": section}


def test_lists_of_scalars_stand_on_one_line_and_layers_on_lines_of_their_own() -> None:
    text = write_yaml({"network": {"layers": [{"size": 1, "weights": [0, 1]}, {"size": 2}]}})
    assert text == ("network:\n  layers:\n    - {size: 1, weights: [0, 1]}\n    - {size: 2}\n")
