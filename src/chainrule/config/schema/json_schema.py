"""The JSON Schema of the YAML form, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from chainrule.config.schema.configuration import Configuration


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of a configuration.

    It describes each key with its default and its words, and the sort of every value. What
    holds between values (softmax is last, fractions sum to 1) only `load_config` checks.

    Example:
        >>> sorted(json_schema()["properties"])
        ['data', 'network', 'training']
    """
    schema = Configuration.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chainrule configuration",
        **_cleaned(schema),
    }


def _cleaned(node: Any) -> Any:
    """A schema without titles that repeat the keys' names, and without defaults that are None."""
    if isinstance(node, list):
        return [_cleaned(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _cleaned(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _cleaned(value)
        for key, value in node.items()
        if key != "title" and (key, value) != ("default", None)
    }
