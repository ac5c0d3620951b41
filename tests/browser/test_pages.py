"""Every page as a browser shows it: whole, silent, readable by everybody, on any screen."""

from __future__ import annotations

import re

import pytest

from browser.opened import WIDTHS
from browser.pages_to_open import CONFIGURATIONS, EXPLAINED, HOSTILE, MARKED

pytestmark = pytest.mark.exhaustive

REPORTS = [*CONFIGURATIONS, "hostile", "several"]
EXPLANATIONS = [f"explained-{name}" for name in EXPLAINED]
PAGES = [*REPORTS, *EXPLANATIONS, *MARKED, "notebook"]

MOST_BYTES = 300_000
"""Of a report, without its images."""


@pytest.fixture(params=PAGES)
def page(request, pages):
    return pages[request.param]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_silent_and_keeps_nobody_out(browser, page, width, dark):
    browser.open(page, width=width, dark=dark)
    assert browser.wider == []
    browser.unfold()
    assert browser.wider == []
    if dark == (width > 600):  # each colour and each width once
        # A thousand formulas take half a minute; those of one page stand for all.
        few = "explained" not in page.stem or page.stem == "explained-values"
        assert browser.violations(*([] if few else ["math"])) == []
    assert browser.said == []
    assert browser.requested == {page.as_uri()}
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("name", [*REPORTS, *EXPLANATIONS, *MARKED])
def test_a_page_on_paper_is_whole_and_dark_on_white(browser, pages, name):
    browser.open(pages[name], width=700, dark=True, media="print")
    assert browser.wider == []
    color = browser.run("return getComputedStyle(document.querySelector('main')).color")
    assert max(map(int, re.findall(r"\d+", color)[:3])) < 80
    assert browser.printed().startswith(b"%PDF")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_small(pages, name):
    text = pages[name].read_text("utf-8")
    assert len(re.sub(r"data:image/png;base64,[\w+/=]*", "", text).encode()) <= MOST_BYTES


@pytest.mark.parametrize("dark", [False, True])
def test_a_report_follows_the_screen(browser, pages, dark):
    browser.open(pages["classes"], dark=dark)
    color = browser.run("return getComputedStyle(document.body).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", color)[:3])
    assert (red + green + blue < 150) == dark


@pytest.mark.parametrize("name", ["hostile", "several"])
def test_names_from_files_are_texts(browser, pages, name):
    browser.open(pages[name])
    browser.unfold()
    assert "taken" not in browser.driver.title
    assert browser.run("return document.querySelectorAll('img[src^=http]').length") == 0
    assert HOSTILE[:20] in browser.run("return document.querySelector('main').innerText")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_its_results_without_scripts(browser, pages, name):
    def look():
        browser.open(pages[name])
        return browser.wider, browser.run("return document.body.innerText")

    wider, text = browser.without_scripts(look)
    assert wider == []
    for words in ("training", "Configuration"):
        assert words in text


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_an_explanation_shows_its_formulas_without_a_script(browser, pages, name):
    text = pages[name].read_text("utf-8")
    assert "<script" not in text
    assert len(text.encode()) <= 2 * MOST_BYTES
    browser.open(pages[name])
    sizes = browser.run(
        "return [...document.querySelectorAll('math')].map(e => [e.getBoundingClientRect().width,"
        " e.getBoundingClientRect().height, getComputedStyle(e).display.includes('math')])"
    )
    assert len(sizes) > 100
    assert all(width > 2 and height > 2 and is_math for width, height, is_math in sizes)
