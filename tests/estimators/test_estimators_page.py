"""docs/estimators.md: every example runs, and every value that it shows is the one that it has."""

import re
from pathlib import Path

import pytest

pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 is not installed")

PAGE = (Path(__file__).parents[2] / "docs" / "estimators.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHOWN = re.compile(r"^(\S.*?)\s+# (.+)$", re.MULTILINE)


def as_check(match: re.Match) -> str:
    """The line with a comparison of its value with the one that it shows."""
    line, value = match.groups()
    return f"assert ({line}) == ({value}), {line!r}"


@pytest.mark.exhaustive
def test_the_examples_run_one_after_the_other():
    assert len(EXAMPLES) >= 8
    names: dict[str, object] = {}
    values = 0
    for example in EXAMPLES:
        code, found = SHOWN.subn(as_check, example)
        values += found
        exec(compile(code, "docs/estimators.md", "exec"), names)
    assert values >= 15
