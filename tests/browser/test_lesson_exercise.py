"""docs/lessons.md: the links that hand out a bug to find, in files beside each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import chainrule

ROOT = Path(__file__).parents[2]
LESSONS = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
BROKEN = "const one = document.querySelector('.mode-break'); return one ? one.innerText : '';"


@pytest.mark.exhaustive
def test_the_links_plant_what_the_page_says(browser, tmp_path):
    folder = tmp_path / "a stick, für alle"
    folder.mkdir()
    chainrule.inspect(ROOT / "examples" / "textbook.yaml", save=folder / "page.html")
    (handed_out,) = re.findall(r"```html\n(.*?)```", LESSONS, re.DOTALL)
    (folder / "bugs.html").write_text(handed_out, encoding="utf-8")
    for k, wrong in enumerate(("10 of 19", "2 of 19")):
        browser.open(folder / "bugs.html", width=1024)
        browser.all("a")[k].click()
        said = next(filter(lambda text: wrong in text, (browser.run(BROKEN) for _ in range(500))))
        assert "Which bug is it?" in said
        assert "Right" not in said.split("The gradient check")[0].splitlines()
        assert browser.all(".mode-break select")[0].get_attribute("value") == ""
        assert browser.wider == []
        assert browser.said == []
