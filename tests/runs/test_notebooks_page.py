"""docs/notebooks.md: its lines run, and what it says of each object is what is shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "notebooks.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.*?)` \| .* \| `(.*)` \|$", PAGE, re.MULTILINE)


@pytest.mark.exhaustive
def test_every_object_shows_itself_as_the_page_says():
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], names)
    assert len(ROWS) == 9
    for expression, text in ROWS:
        if expression.startswith("check("):
            expression = expression.replace(")", ", coordinates=1)")
            text = r"<Report of \d+ comparisons: every gradient is right; .*>"
        else:
            text = re.escape(text)
        found = eval(expression, names)
        assert re.fullmatch(text, repr(found)), expression
        assert 500 < len(found._repr_html_()) < 60_000, expression
