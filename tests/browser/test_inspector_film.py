"""The film of a training, its planes and its live form in a browser, served and in one file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from browser.opened import Browser

SPIRALS = {
    "network": {
        "layers": [{"size": 8, "activation": "tanh"}, {"size": 3}, "softmax"],
        "learning_rate": 0.05,
    },
    "data": {"generator": "spirals", "arms": 3, "count": 90, "standardize": True},
    "training": {
        "epochs": 20,
        "optimizer": "adam",
        "seed": 1,
        "callbacks": ["frames"],
        "engine": "numpy",
    },
}
SHAPES = {
    "network": {"layers": [{"size": 6}, {"size": 3}, "softmax"]},
    "data": {"generator": "shapes", "size": 10, "classes": 3, "count": 30},
    "training": {"epochs": 4},
}

LOSS = "document.querySelector('.film-head .train .number').textContent"
EPOCH = "document.querySelector('.film-head .epoch').textContent"
PLANES = "performance.getEntriesByName('planes-drawn').length"
SLIDER = "document.querySelector('.film-line input')"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film") / "run"
    chainrule.train(SPIRALS, run=folder)
    return folder


@pytest.fixture(scope="module")
def saved(trained) -> Path:
    return chainrule.inspect(trained, count=6).save(trained.parent / "page.html")


def until(browser: Browser, holds: Callable[[], Any], what: str = "") -> None:
    """Wait until something holds."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, f"{what}; the console says {browser.said}"
        time.sleep(0.02)


def wait(browser: Browser, script: str) -> None:
    """Wait until a script returns something true."""
    until(browser, lambda: browser.run(f"return {script}"), script)


def drawn(browser: Browser, count: int = 1) -> None:
    """Wait until the picture has been drawn so often."""
    wait(browser, f"performance.getEntriesByName('picture-drawn').length >= {count}")


def head_loss(browser: Browser) -> float:
    """The loss that the head of the page says, of the cases shown."""
    text = browser.run("return document.querySelector('#head').textContent")
    found = re.search(r"L (?:[\d.]+ → )?([\d.]+)(?:·10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    power = int(found[3].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))) if found[3] else 0
    return float(found[1]) * 10.0 ** (-power if found[2] else power)


def pixels(browser: Browser, selector: str) -> list[int]:
    """The colours of the pixels of a canvas."""
    return browser.run(
        "const c = document.querySelector(arguments[0]);"
        "return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]",
        selector,
    )


def looks(browser: Browser, selector: str) -> str:
    """What a canvas looks like, to be compared."""
    return browser.run("return document.querySelector(arguments[0]).toDataURL()", selector)


def go_to(browser: Browser, index: int) -> None:
    """Drag the slider to a frame."""
    browser.run(
        f"{SLIDER}.value = arguments[0]; {SLIDER}.dispatchEvent(new Event('input'))", index
    )


@pytest.mark.exhaustive
def test_a_frame_is_the_pass_with_the_parameters_of_its_epoch(browser, saved, trained):
    browser.open(saved)
    drawn(browser)
    assert browser.run(f"return {EPOCH}") == "after epoch 20 of 20"
    end = head_loss(browser)
    run = chainrule.load(trained)
    for index in (0, 5):
        go_to(browser, index)
        wait(browser, f"{EPOCH}.includes('{'before' if index == 0 else 'epoch 5 of 20'}')")
        found = chainrule.inspect(trained, count=6)
        found.network.theta = found.told.film.theta(index)
        right = pytest.approx(found.record.loss, rel=1e-3)
        until(browser, lambda right=right: head_loss(browser) == right)
    assert float(browser.run(f"return {LOSS}")) == pytest.approx(
        run.history["train_loss"][4], rel=1e-3
    )
    assert head_loss(browser) > end
    assert browser.said == []


@pytest.mark.exhaustive
def test_the_keys_go_from_frame_to_frame_and_play(browser, saved):
    from selenium.webdriver import ActionChains

    browser.open(saved)
    drawn(browser)
    for key, expected in (("<", 19), ("<", 18), (">", 19), ("f", None)):
        ActionChains(browser.driver).send_keys(key).perform()
        if expected is not None:
            wait(browser, f"{SLIDER}.value === '{expected}'")
    assert browser.run("return document.querySelector('.play').textContent") == "Pause"
    wait(browser, "document.querySelector('.play').textContent === 'Play'")
    assert browser.run(f"return {SLIDER}.value") == "20"
    ActionChains(browser.driver).send_keys("f").perform()  # at the end it begins anew
    wait(browser, f"Number({SLIDER}.value) < 15")
    ActionChains(browser.driver).send_keys("f").perform()
    assert browser.run("return document.querySelector('.play').textContent") == "Play"
    slider = browser.all(".film-line input")[0]
    browser.press("ARROW_RIGHT", slider)
    text = browser.run(f"return {SLIDER}.getAttribute('aria-valuetext')")
    assert text.startswith("after epoch ")


@pytest.mark.exhaustive
def test_who_wants_less_motion_is_not_offered_to_play(browser, saved):
    browser.open(saved)
    feature = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser._command("Emulation.setEmulatedMedia", {"media": "", "features": feature})
    browser.driver.refresh()
    drawn(browser)
    assert browser.run("return document.querySelector('.play').hidden")
    go_to(browser, 3)
    wait(browser, f"{EPOCH}.includes('epoch 3 of')")


@pytest.mark.exhaustive
def test_the_case_is_moved_on_the_plane_of_a_frame(browser, saved):
    from selenium.webdriver import ActionChains

    browser.open(saved)
    drawn(browser)
    go_to(browser, 2)
    browser.run("document.querySelector('.planes').scrollIntoView()")
    wait(browser, PLANES)
    before = head_loss(browser)
    picture = browser.all(".plane-picture")[0]
    ActionChains(browser.driver).move_to_element_with_offset(picture, 60, -50).click().perform()
    until(browser, lambda: head_loss(browser) != before)
    after = head_loss(browser)
    go_to(browser, 9)
    until(browser, lambda: head_loss(browser) != after)  # another frame, the same edit
    buttons = "[...document.querySelectorAll('#head button')]"
    browser.run(f"{buttons}.find(b => b.textContent === 'Undo').click()")
    go_to(browser, 2)
    until(browser, lambda: head_loss(browser) == before)


@pytest.mark.exhaustive
@pytest.mark.parametrize("form", ["saved", "served"])
def test_the_planes_follow_the_frame(browser, saved, trained, form):
    found = chainrule.inspect(trained, count=6)
    with found.open(browser=False) as served:
        if form == "saved":
            browser.open(saved)
        else:
            browser.visit(served.address)
        drawn(browser)
        browser.run("document.querySelector('.planes').scrollIntoView()")
        wait(browser, PLANES)
        assert len(browser.all(".unit-planes button")) == 8 + 3
        first = looks(browser, ".unit-planes canvas")
        go_to(browser, 0)
        until(browser, lambda: looks(browser, ".unit-planes canvas") != first)
        browser.all(".unit-planes button")[2].click()
        wait(
            browser,
            "document.querySelectorAll('.unit-planes button')[2].ariaPressed === 'true'",
        )
        assert browser.said == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_film_keeps_nobody_out(browser, saved, width, dark):
    browser.open(saved, width=width, dark=dark)
    drawn(browser)
    assert [one for one in browser.violations() if "film" in one or "plane" in one] == []
    browser.run("document.querySelector('.planes').scrollIntoView()")
    wait(browser, PLANES)
    assert browser.wider == []
    assert [one for one in browser.violations() if "film" in one or "plane" in one] == []


@pytest.mark.exhaustive
def test_of_four_inputs_two_are_chosen(browser, tmp_path):
    config = {**SPIRALS, "data": {"generator": "blobs", "features": 4, "classes": 3, "count": 60}}
    page = chainrule.inspect(config, count=5, film=True).save(tmp_path / "page.html")
    browser.open(page)
    drawn(browser)
    browser.run("document.querySelector('.planes').scrollIntoView()")
    wait(browser, PLANES)
    first = looks(browser, ".plane-picture")
    browser.run(
        "const [a] = document.querySelectorAll('.plane-choice select');"
        "a.value = [0, 1, 2, 3].find(k => ![...document.querySelectorAll('.plane-choice select')]"
        ".some(s => s.value === String(k))); a.dispatchEvent(new Event('change'))"
    )
    until(browser, lambda: looks(browser, ".plane-picture") != first)


@pytest.mark.exhaustive
def test_weights_are_images_where_the_inputs_are(browser, tmp_path):
    page = chainrule.inspect(SHAPES, count=3).save(tmp_path / "page.html")
    browser.open(page)
    drawn(browser)
    browser.run("document.querySelector('.weights').scrollIntoView()")
    wait(browser, "document.querySelector('.weights canvas').width === 10")
    assert len(browser.all(".weights button")) == 6
    W = chainrule.inspect(SHAPES, count=3).network.parameters["dense_1.W"]
    colours = np.array(pixels(browser, ".weights canvas")).reshape(100, 4)
    red_is_more = colours[:, 0] > colours[:, 2] + 20
    strong = np.abs(W[:, 0]) > 0.3 * np.abs(W).max()
    assert np.array_equal(red_is_more[strong], W[strong, 0] > 0)


@pytest.mark.exhaustive
def test_a_training_is_followed_and_stopped(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {**SPIRALS, "training": {**SPIRALS["training"], "epochs": 50_000}}
    with chainrule.inspect(config, count=6, train=True).open(browser=False) as served:
        browser.visit(served.address)
        drawn(browser, 4)
        wait(browser, f"{EPOCH}.includes('of 50000')")
        first = head_loss(browser)
        until(browser, lambda: head_loss(browser) != first)
        go_to(browser, 1)
        frames = browser.run(f"return {SLIDER}.max")
        wait(browser, f"{SLIDER}.max !== '{frames}'")
        assert browser.run(f"return {SLIDER}.value !== {SLIDER}.max")  # it no longer follows
        follow = "document.querySelectorAll('.film-head button')"
        browser.run(f"[...{follow}].find(b => b.textContent === 'Follow').click()")
        wait(browser, f"{SLIDER}.value === {SLIDER}.max")
        browser.run(f"[...{follow}].find(b => b.textContent === 'Stop training').click()")
        wait(browser, "document.querySelector('.live').textContent.startsWith('Stopped in epoch')")
        assert not browser.run("return document.querySelector('.play').hidden")
        assert browser.said == []
    run = chainrule.load(next((tmp_path / "runs").iterdir()))
    assert run.interrupted


@pytest.mark.exhaustive
def test_the_page_says_when_the_server_has_ended(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {**SPIRALS, "training": {**SPIRALS["training"], "epochs": 50_000}}
    with chainrule.inspect(config, count=6, train=True).open(browser=False) as served:
        browser.visit(served.address)
        drawn(browser, 2)
    text = "document.querySelector('.live').textContent"
    wait(browser, f"{text}.includes('ended') || {text}.includes('Stopped')")
