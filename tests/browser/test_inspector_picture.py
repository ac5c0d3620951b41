"""The inspector's picture of a pass, in a browser: pointed at, chosen, moved, printed."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chainrule
from browser.opened import Browser


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A page of twelve irises, with their classes and columns."""
    config = {
        "network": {
            "layers": [{"size": 4, "activation": "tanh"}, {"size": 3}, {"type": "softmax"}]
        },
        "data": {"name": "iris", "standardize": True},
    }
    path: Path = chainrule.inspect(config, count=12).save(
        tmp_path_factory.mktemp("seen") / "p.html"
    )
    return path


LEGEND = (
    "[...document.querySelectorAll('#picture .legend > .number, .legend > .of')]"
    ".map(one => one.textContent)"
)


def drawn(browser: Browser, page: Path, **how: Any) -> None:
    """Open a page and wait until its picture is drawn."""
    browser.open(page, **how)
    browser.driver.execute_async_script(
        "const [done] = arguments; const look = () =>"
        " performance.getEntriesByName('picture-drawn').length ? done() : setTimeout(look, 15);"
        "look();"
    )


def mouse(browser: Browser, kind: str, x: float, y: float, **more: Any) -> None:
    left, top = browser.run(
        "const r = document.querySelector('.area').getBoundingClientRect();return [r.left, r.top];"
    )
    event = {"type": f"mouse{kind}", "x": left + x, "y": top + y, **more}
    browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def tooltip(browser: Browser) -> str:
    """What the tooltip says; empty where there is none."""
    return browser.run(
        "const tip = document.querySelector('.tooltip'); return tip.hidden ? '' : tip.innerText;"
    )


def swept(browser: Browser) -> list[tuple[float, float, str, list[str]]]:
    """Places all over the picture, what the tooltip says of each, and what the legend says."""
    found: list[tuple[float, float, str, list[str]]] = browser.run(
        "const area = document.querySelector('.area'), tip = document.querySelector('.tooltip');"
        "const {left, top} = area.getBoundingClientRect(), found = [];"
        "for (let y = 30; y < area.clientHeight; y += 19)"
        " for (let x = 30; x < area.clientWidth; x += 37) {"
        "  const at = {clientX: left + x, clientY: top + y};"
        "  area.dispatchEvent(new PointerEvent('pointermove', at));"
        f"  const legend = {LEGEND};"
        "  found.push([x, y, tip.hidden ? '' : tip.innerText, legend]);"
        " } return found;"
    )
    return found


def found_cell(browser: Browser, name: str = "W⁽¹⁾") -> tuple[float, float, str]:
    """A place in the picture that shows a number of an array, and what is said of it."""
    found = [(x, y) for x, y, said, _ in swept(browser) if said.startswith(name)]
    assert found, f"there is no {name} in the picture"
    mouse(browser, "Moved", *found[0])
    return *found[0], tooltip(browser)


def press(browser: Browser, key: str) -> None:
    browser.driver.switch_to.active_element.send_keys(key)


def until(browser: Browser, holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < end, browser.said


def canvas(browser: Browser, name: str) -> str:
    """The picture of a canvas as it is now."""
    return browser.driver.execute_async_script(
        "const [name, done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() =>"
        "done(document.querySelector(`canvas.${name}`).toDataURL())));",
        name,
    )


@pytest.mark.exhaustive
def test_pointing_choosing_and_keys(browser, page):
    drawn(browser, page)
    x, y, said = found_cell(browser)
    number = re.search(r"= (−?[\d.]+)", said)
    assert number, said
    assert "∂L/∂W⁽¹⁾" in said
    assert "(cm) → " in said  # by the user's own columns
    before = canvas(browser, "base")
    for kind in ("Pressed", "Released"):
        mouse(browser, kind, x, y, button="left", clickCount=1)
    assert canvas(browser, "base") != before  # what it influences is lit
    assert browser.run("return document.querySelector('.foot .light').innerText").startswith(
        "What it influences"
    )
    press(browser, "]")
    chosen = browser.run("return document.querySelector('#status').textContent")
    assert chosen.startswith("b 1 of layer 1 is 0")
    assert browser.said == []


@pytest.mark.exhaustive
def test_zoom_shows_numbers_and_a_map_and_whole_goes_back(browser, page):
    drawn(browser, page)
    whole = canvas(browser, "base")
    browser.run("document.querySelector('.area').focus()")
    assert browser.run("return document.querySelector('.minimap').hidden")
    for _ in range(3):
        press(browser, "+")
    near = canvas(browser, "base")
    assert near != whole
    assert not browser.run("return document.querySelector('.minimap').hidden")
    for kind, x in (("Pressed", 200), ("Moved", 260), ("Released", 260)):
        mouse(browser, kind, x, 200, button="left", buttons=1, clickCount=1)
    assert canvas(browser, "base") != near
    press(browser, "0")
    canvas(browser, "base")
    assert browser.run("return document.querySelector('.minimap').hidden")


def legend(browser: Browser) -> list[str]:
    """What the legend says: the ends of the scale, and of what array."""
    found: list[str] = browser.run(f"return {LEGEND}")
    return found


@pytest.mark.exhaustive
def test_what_a_number_was_is_said_under_the_pointer(browser, page):
    drawn(browser, page)
    x, y, said = found_cell(browser)
    assert "was" not in said
    assert "The weights: in row i and column j" in said
    for kind in ("Pressed", "Released"):
        mouse(browser, kind, x, y, button="left", clickCount=1)
    field = browser.all("#head .number")[0]
    field.clear()
    field.send_keys("1.5")
    browser.press("ENTER", field)
    canvas(browser, "base")
    mouse(browser, "Moved", x + 1, y)
    found = re.search(r"= 1\.5, was (\S+)\n", tooltip(browser))
    assert found, tooltip(browser)
    was = re.search(r"= (\S+)\n", said)
    assert was
    assert float(found[1].replace("−", "-")) == pytest.approx(
        float(was[1].replace("−", "-")), rel=1e-3
    )


@pytest.mark.exhaustive
def test_gradients_are_compared_on_one_scale(browser, page):
    drawn(browser, page)
    found_cell(browser, "δ⁽¹⁾")
    own = canvas(browser, "base")
    scale_of_its_own = legend(browser)
    assert scale_of_its_own[2] == "δ⁽¹⁾"
    press(browser, "g")
    compared = canvas(browser, "base")
    assert compared != own
    shared = legend(browser)
    assert shared[2] == "δ⁽¹⁾"
    assert float(shared[1]) > float(scale_of_its_own[1])
    found_cell(browser, "∂L/∂a⁽¹⁾")
    assert legend(browser)[:2] == shared[:2]
    found_cell(browser, "W⁽¹⁾")
    values = legend(browser)
    press(browser, "g")
    assert canvas(browser, "base") != compared
    assert legend(browser) == values  # what is no gradient keeps its scale


@pytest.mark.exhaustive
def test_the_legend_gives_away_nothing_that_is_to_be_predicted(browser, page):
    drawn(browser, page)
    browser.press("ARROW_RIGHT")
    press(browser, "q")
    canvas(browser, "base")
    seen = {tuple(said) for *_, said in swept(browser)}
    assert ("−", "+", "z⁽¹⁾") in seen
    assert ("−", "+", "δ⁽¹⁾") in seen
    assert any(name == "W⁽¹⁾" and low != "−" for low, high, name in seen)


@pytest.mark.exhaustive
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_nobody_is_kept_out(browser, page, width, dark):
    drawn(browser, page, width=width, dark=dark)
    assert browser.violations(without="#film") == []
    assert browser.wider == []
    assert browser.said == []


@pytest.mark.exhaustive
def test_it_is_printed_light_and_whole(browser, page):
    drawn(browser, page, dark=True)
    dark = canvas(browser, "base")
    browser.run(
        "window.seen = []; addEventListener('beforeprint', () => seen.push("
        "getComputedStyle(document.documentElement).getPropertyValue('--ground')));"
    )
    assert browser.printed().startswith(b"%PDF")
    assert browser.run("return seen") == ["#fcfcfa"]
    until(browser, lambda: canvas(browser, "base") == dark)  # as before


@pytest.mark.exhaustive
def test_other_colours_and_other_sizes_are_followed(browser, page):
    drawn(browser, page)
    light = canvas(browser, "base")
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    until(browser, lambda: canvas(browser, "base") != light)
    dark = canvas(browser, "base")
    assert base64.b64decode(dark.split(",")[1]).startswith(b"\x89PNG")
