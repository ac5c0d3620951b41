"""``chainrule schema``."""

from __future__ import annotations

import json

from chainrule.cli.terminal import say


def command() -> None:
    """Print the JSON Schema of a configuration, for editors."""
    from chainrule.config.schema.configuration import json_schema

    say(json.dumps(json_schema(), indent=2, ensure_ascii=False))
