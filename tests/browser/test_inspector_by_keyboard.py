"""The inspector by keys alone: a whole session, every control, and every state for everybody."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from browser.opened import WIDTHS, Browser
from browser.test_inspector_panel import Panel, number, small  # noqa: F401
from chainrule import inspect, train
from chainrule.inspector.inspection import Inspection

pytestmark = pytest.mark.exhaustive

FILMED = {
    "network": {"layers": [{"size": 5, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"name": "iris", "standardize": True},
    "training": {"epochs": 6, "seed": 1, "callbacks": ["frames"], "engine": "numpy"},
}
DOCS = Path(__file__).parents[2] / "docs" / "inspect.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Inspection:
    """What has everything on its page: a film, planes, names, classes and units."""
    folder = tmp_path_factory.mktemp("keyboard") / "run"
    train(FILMED, run=folder)
    return inspect(folder, count=8)


@pytest.fixture(scope="module")
def filmed(made, tmp_path_factory) -> Path:
    return made.save(tmp_path_factory.mktemp("keyboard") / "page.html")


@pytest.fixture(scope="module")
def served(made) -> Iterator[str]:
    """The address of that page while it is served."""
    with made.open(browser=False) as served:
        yield served.address


class Person(Panel):
    """Somebody who has a keyboard and nothing else."""

    def __init__(self, browser: Browser, page: Path | str, **how) -> None:
        if isinstance(page, Path):
            super().__init__(browser, page, **how)
        else:
            self.browser = browser
            browser.visit(page, **how)
            self.wait("document.querySelector('.operations button') !== null")

    def is_at(self, selector: str) -> bool:
        return self.browser.run("return document.activeElement.matches(arguments[0])", selector)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is there."""
        for _ in range(120):
            self.browser.press("TAB")
            if self.is_at(selector):
                return self.settle()
        raise AssertionError(f"Tab leads never to {selector}")

    def keys(self, *keys: str) -> None:
        """Press keys by their names, such as ARROW_DOWN, and type what is none."""
        for key in keys:
            if re.fullmatch("[A-Z_]{2,}", key):
                self.press(key)
            else:
                self.type(key)

    def undo(self) -> None:
        from selenium.webdriver import ActionChains, Keys

        chain = ActionChains(self.browser.driver, duration=0)
        chain.key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
        self.settle()

    def to_a_weight(self) -> None:
        """From the picture to the first weight."""
        self.tab_to(".area")
        for _ in range(40):
            self.type("]")
            if self.browser.run(
                "return document.querySelector('.edit .what').textContent.startsWith('W')"
            ):
                return
        raise AssertionError("no weight was found")

    def loss(self) -> str:
        return self.text("#head .loss")

    @property
    def status(self) -> str:
        return self.text("#status")


def predicted(person: Person, values: dict[str, np.ndarray]) -> float:
    """The number that is asked for, of the first weighted sum."""
    unit = int(re.search(r"(\d)\(1\)", person.text(".question .asked"))[1])
    return values["dense_1.z"][0, unit - 1]


def test_a_whole_session_by_keys_alone(browser, small):  # noqa: F811
    path, values = small
    person = Person(browser, path)
    person.keys("TAB")
    assert person.is_at(".skip")
    person.keys("ENTER")
    assert person.is_at("#panel")
    assert "#" not in browser.driver.current_url  # where the view and the key of a page stand
    person.keys("2")
    while "δ" not in person.text("h2"):
        person.keys("n")
    step_to_delta(person)
    edit_undo_and_nudge(person)
    predict_two(person, values)
    plant_a_bug(person)
    take_code_and_table(person)
    assert browser.said == []


def step_to_delta(person: Person) -> None:
    """Another cell of δ, and from there to what contributes to it."""
    before = person.status
    assert before.startswith("Step ")
    person.tab_to(".area")
    person.keys("ARROW_RIGHT")
    assert person.status != before
    assert not person.status.startswith("Step")  # the same step is not said again
    person.tab_to("#panel .terms .cell")
    name = person.browser.run("return document.activeElement.textContent")
    person.keys("ENTER")
    assert person.is_at("#panel h3")
    assert person.text("#panel h3").startswith(name[0])


def edit_undo_and_nudge(person: Person) -> None:
    person.to_a_weight()
    first = person.loss()
    person.keys("e")
    assert person.is_at("#head .number")
    person.keys("1.5", "ENTER")
    person.wait("document.querySelector('#status').textContent.startsWith('The loss went')")
    assert person.loss() != first
    person.keys("ESCAPE")
    assert person.is_at(".area")
    person.undo()
    person.wait("document.querySelector('#status').textContent.startsWith('Undone: the loss is')")
    assert person.loss() == first
    person.keys("d")
    assert person.is_at(".nudge input")
    person.wait("document.querySelector('.nudge tbody tr') !== null")
    person.keys("ESCAPE")
    assert person.is_at(".area")
    assert not [one for one in person.browser.all(".nudge") if one.is_displayed()]


def predict_two(person: Person, values: dict[str, np.ndarray]) -> None:
    person.keys("1", "q")
    person.keys(f"{predicted(person, values):.3g}", "ENTER")
    assert person.status.startswith("Right")
    person.keys("ENTER")
    person.keys(f"{-predicted(person, values):.3g}", "ENTER")
    assert person.status == "The size is right, the sign is not."
    person.keys(f"{predicted(person, values):.3g}", "ENTER")
    assert "2 of 2 right" in person.text(".mode-predict .where")
    person.keys("ESCAPE")
    assert person.browser.run("return document.body.dataset.mode") == "look"


def plant_a_bug(person: Person) -> None:
    person.keys("b")
    person.tab_to(".mode-break select")
    person.keys("ARROW_DOWN")
    person.wait("document.querySelector('.check tr.is-wrong') !== null")
    person.wait("document.querySelector('#status').textContent.startsWith('Wrong from step')")
    assert person.is_at(".mode-break select")  # the panel was filled anew around it
    person.keys("ARROW_DOWN")
    person.wait("document.querySelector('.check').ariaBusy !== 'true'")
    assert person.is_at(".mode-break select")
    person.tab_to(".check .cell")
    assert "wrong" in person.text(".check tbody")
    person.keys("ENTER")
    assert "derivative" in person.status
    person.keys("ESCAPE")
    person.wait("document.body.dataset.mode === 'look'")


def take_code_and_table(person: Person) -> None:
    person.keys("2", "c")
    assert person.is_at("dialog button")
    for _ in range(9):
        person.browser.press("TAB")
        assert person.browser.run(
            "const e = document.activeElement; return e === document.body || !!e.closest('dialog')"
        )
    person.tab_to("dialog textarea")
    person.keys("ESCAPE")
    assert not person.browser.all("dialog[open]")
    person.tab_to(".area")
    person.keys("t")
    assert person.is_at("td")
    before = person.status
    person.keys("ARROW_UP" if "case 5" in before else "ARROW_DOWN")
    assert person.is_at("td.is-chosen")
    assert person.status != before
    person.keys("ESCAPE")
    assert person.is_at(".area")
    assert not person.browser.run("return document.querySelector('details').open")


SEEN = """
const seen = e => e.checkVisibility({checkVisibilityCSS: true}) && !e.disabled
  && e.getBoundingClientRect().width > 0;
const controls = [...document.querySelectorAll(
  'button, input, select, textarea, summary, a, [tabindex="0"]')].filter(seen);
"""


@pytest.mark.parametrize("step", ["", "3"])
def test_tab_leads_to_every_control_and_shows_where_it_is(browser, filmed, step):
    person = Person(browser, filmed)
    person.type(step)
    wanted = browser.run(f"{SEEN} return controls.filter(e => e.tabIndex >= 0).length")
    found = browser.run("window.stops = []")
    for _ in range(wanted + 5):
        browser.press("TAB")
        found = browser.run(
            "const e = document.activeElement, box = e.getBoundingClientRect();"
            "if (e === document.body || stops.includes(e)) return null; stops.push(e);"
            "const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 300)];"
            "const there = document.elementFromPoint(x, y);"
            "return [e.outerHTML.slice(0, 90), getComputedStyle(e).outlineStyle,"
            " e === there || e.contains(there)];"
        )
        if found is None:
            break
        html, outline, is_seen = found
        assert outline != "none", html
        assert is_seen, html
    assert browser.run("return stops.length") == wanted
    assert browser.run(
        "return stops.every((e, k) => !k || stops[k - 1].compareDocumentPosition(e) & 4)"
    )


def test_the_case_is_said_where_no_number_of_it_is_chosen(browser, filmed):
    person = Person(browser, filmed)
    person.keys(".")
    assert re.match("Case 2 · (setosa|versicolor|virginica).", person.status)
    person.keys("1", ".")
    assert "case 3" in person.status


def test_the_arrow_keys_go_through_units_that_are_one_stop_of_tab(browser, filmed):
    person = Person(browser, filmed)
    person.tab_to(".unit-planes button")
    first = browser.run("return document.activeElement.ariaLabel")
    person.keys("ARROW_RIGHT")
    second = browser.run("return document.activeElement.ariaLabel")
    assert first != second
    assert person.text(".count") == "whole pass"  # no step was made
    person.keys("ARROW_LEFT")
    assert browser.run("return document.activeElement.ariaLabel") == first
    person.browser.press("TAB")
    assert not person.is_at(".unit-planes:first-of-type button[aria-label$='2']")


def test_the_keys_of_the_docs_are_those_of_the_page(browser, filmed):
    Person(browser, filmed).type("?")
    page = browser.run(
        "return [...document.querySelectorAll('.help dt')].map(e => [...e.children].map("
        "k => '`' + k.textContent + '`').join(', ') + ': ' + e.nextSibling.textContent)"
    )
    text = DOCS.read_text("utf-8").split("\n## By the keyboard alone\n")[1].split("\n## ")[0]
    _, _, *rows = [row for row in text.splitlines() if row.startswith("|")]
    docs = [one for row in rows for one in row.strip("| ").partition(" | ")[2].split(" · ")]
    assert sorted(docs) == sorted(page)


def at_weight(person: Person) -> None:
    person.to_a_weight()


def pointed_at(person: Person) -> None:
    left, top, width, height = person.browser.run(
        "const r = document.querySelector('.area').getBoundingClientRect();"
        "return [r.left, r.top, r.width, r.height]"
    )
    for y in range(20, int(height), 9):
        for x in range(int(width * 0.3), int(width), 17):
            event = {"type": "mouseMoved", "x": left + x, "y": top + y}
            person.browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)
            if person.browser.run("return !document.querySelector('.tooltip').hidden"):
                return
    raise AssertionError("nothing lies under the pointer")


def waits(condition: str) -> Callable[[Person], None]:
    return lambda person: person.wait(condition)


def clicks(words: str) -> Callable[[Person], None]:
    return lambda person: person.click(words)


CHECKED = waits("document.querySelector('.check tbody') !== null")
STATES: dict[str, tuple[str | Callable[[Person], None], ...]] = {
    "the whole pass": (),
    "forward": ("1",),
    "backward": ("2", "n"),
    "gradients": ("3",),
    "the update": ("4",),
    "pointed at": (pointed_at,),
    "influences all the way": (at_weight, "i", "I"),
    "edited": (at_weight, "e", "1.5", "ENTER"),
    "refused": (at_weight, "e", "abc", "ENTER"),
    "nudged": (at_weight, "d", waits("document.querySelector('.nudge tbody') !== null")),
    "code": ("2", "c", waits("document.querySelector('dialog[open] textarea') !== null")),
    "pasting": ("v",),
    "a paste refused": ("v", "1,2,x", "TAB", "ENTER"),
    "paths": (at_weight, "w"),
    "asked": ("1", "q"),
    "a wrong answer": ("1", "q", "77", "ENTER"),
    "hints": ("1", "q", clicks("Hint: the rule"), clicks("Hint: the numbers")),
    "revealed": ("1", "q", clicks("Reveal")),
    "to be broken": ("b", CHECKED),
    "a bug": (
        "b",
        "TAB",
        lambda person: person.tab_to(".mode-break select"),
        "ARROW_DOWN",
        CHECKED,
    ),
    "a bug to find": ("b", clicks("One to find"), clicks("Hint"), CHECKED),
    "an earlier frame": ("<", "<"),
    "the table": ("1", "t"),
    "the help": ("?",),
}

SMALL = (
    SEEN + "return controls.filter(e => !e.matches('.skip, [type=checkbox]'))"
    ".map(e => [e.getBoundingClientRect(), e.outerHTML.slice(0, 90)])"
    ".filter(([box]) => Math.min(box.width, box.height) < 24).map(([, html]) => html)"
)
CUT = (
    "return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()"
    " && !e.childElementCount && e.textContent.trim() && e.clientWidth"
    " && getComputedStyle(e).overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1)"
    ".map(e => e.outerHTML.slice(0, 120))"
)


def seen_as(browser: Browser, width: int, dark: bool) -> None:
    """Turn the screen that a page is on, without opening it again."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser._command("Emulation.setDeviceMetricsOverride", size)
    browser._command("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})


@pytest.mark.parametrize("state", STATES)
def test_no_state_keeps_anybody_out(browser, served, state):
    person = Person(browser, served)
    for step in STATES[state]:
        if isinstance(step, str):
            person.keys(step)
        else:
            step(person)
    for width, dark in zip(WIDTHS, (True, False), strict=True):
        seen_as(browser, width, dark)
        person.settle()
        assert browser.violations() == [], (width, dark)
        assert browser.wider == [], width
        assert browser.run(SMALL) == [], width
        assert browser.run(CUT) == [], width
    assert browser.said == []


def test_the_film_stands_still_where_less_motion_is_asked_for(browser, filmed):
    person = Person(browser, filmed)
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser._command("Emulation.setEmulatedMedia", {"features": features})
    browser.driver.refresh()
    person.wait("document.querySelector('.operations button') !== null")
    before = person.text(".film-head .epoch")
    person.keys("f", "a")
    time.sleep(0.3)
    assert person.text(".film-head .epoch") == before
    assert person.text(".count") == "whole pass"
    moves = browser.run(
        "return document.getAnimations().length + [...document.querySelectorAll('*')]"
        ".filter(e => getComputedStyle(e).transitionDuration !== '0s').length"
    )
    assert moves == 0


def test_paper_has_the_picture_and_the_step_and_no_controls(browser, filmed):
    person = Person(browser, filmed, dark=True)
    person.type("3")
    browser.run(
        f"window.printed = () => {{ {SEEN} return [controls.filter(e => !e.matches("
        "'.cell, .area, [tabindex]')).map(e => e.outerHTML.slice(0, 90)),"
        "['#picture canvas', '.rule', '.equation', '.terms'].filter(one =>"
        " !document.querySelector(one).checkVisibility())]; }"
    )
    browser._command("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.run("return printed()") == [[], []]
    assert browser.printed().startswith(b"%PDF")
