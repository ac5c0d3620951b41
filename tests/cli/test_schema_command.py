"""``chainrule schema``."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from chainrule.config.schema.configuration import json_schema


def test_it_prints_the_json_schema(command):
    outcome = command("schema")
    assert (outcome.status, outcome.err) == (0, "")
    schema = json.loads(outcome.out)
    assert schema == json_schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {"network", "data", "training"}
