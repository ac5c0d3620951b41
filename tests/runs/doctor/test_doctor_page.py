"""What docs/doctor.md shows is what the doctor says, but for digits, which rounding may change."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from chainrule.runs.doctor.diagnosis import ILLNESSES

PAGE = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```console\n\$ chainrule (.*?)\n(.*?)```", PAGE, re.DOTALL)


def without_digits(text):
    """A text with a mark for each number, in lines that are not wrapped."""
    return re.sub(r"-?\d[\d.,e+-]*", "#", " ".join(text.split()))


class Words(doctest.OutputChecker):
    """Compares the words of what is printed with those of the page."""

    def check_output(self, want, got, optionflags):
        lines = "\n".join(line or "<BLANKLINE>" for line in got.splitlines())
        return without_digits(want) == without_digits(lines)


def test_there_is_a_section_for_each_illness():
    sections = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert sorted(sections) == sorted(ILLNESSES)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("arguments", "shown"), SHOWN, ids=[words[-40:] for words, _ in SHOWN])
def test_a_command_prints_what_the_page_shows(arguments, shown, command, folder):
    (folder / "rings.yaml").write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert without_digits(command(*shlex.split(arguments)).out) == without_digits(shown)


@pytest.mark.exhaustive
def test_the_python_of_the_page_prints_what_it_shows():
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    page = doctest.DocTestParser().get_doctest(code, {}, "docs/doctor.md", None, 0)
    found = doctest.DocTestRunner(Words()).run(page)
    assert found.attempted > 10
    assert not found.failed
