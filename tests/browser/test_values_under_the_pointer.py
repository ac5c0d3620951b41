"""What a report says under the pointer and for the keyboard, against the history of the run."""

from __future__ import annotations

import re

import pytest

import chainrule
from browser.pages_to_open import CONFIGURATIONS
from chainrule.runs.checkpoint import read_checkpoint

pytestmark = pytest.mark.exhaustive

RUNS = [name for name, config in CONFIGURATIONS.items() if config["training"]["epochs"]]
COLUMNS = {"training": "train", "validation": "validation"}
HEADINGS = {"R²": "r2", "F1": "f1", "log loss": "log_loss", "MAE": "mae", "RMSE": "rmse"}


EVERY_MINIBATCH = "loss of every minibatch"


def charts(browser, of="#curves figure"):
    """The figures of the learning curves that have a slider."""
    found = browser.all(of)
    assert found
    return found


def reading(browser, figure):
    """The epoch and the values that a chart says: their names and their texts."""
    epoch = browser.all(".at", figure)[0].text
    values = {}
    for key in browser.all(".reading .key", figure):
        value = browser.all("b", key)[0].text
        values[key.text.removesuffix(value).strip()] = value
    return int(epoch.replace(",", "").split()[1]), values


def number(text):
    """The number of a reading; a share where it was written in percent."""
    value = float(re.sub(r"[ ,%]", "", text).replace("−", "-"))
    return value / 100 if "%" in text else value


def expected(run, title, name, epoch):
    """What the run's files say of a line of a chart in an epoch, or of a minibatch."""
    if title == EVERY_MINIBATCH:
        return read_checkpoint(run.folder / "checkpoint.safetensors").arrays["losses"][epoch - 1]
    measure = HEADINGS.get(title, title.replace(" ", "_"))
    column = measure if measure == "learning_rate" else f"{COLUMNS[name]}_{measure}"
    return run.history[column][epoch - 1]


def require_right(browser, run, figure):
    """The epoch that a chart says, if all its values are those of the history."""
    title = browser.all("figcaption", figure)[0].text.split(" (")[0]
    epoch, values = reading(browser, figure)
    assert values
    for name, text in values.items():
        value = expected(run, title, name, epoch)
        assert number(text) == pytest.approx(value, rel=5e-9), (title, name, epoch)
    return epoch


SHIFTS = """
const figure = arguments[0], at = arguments[1], cursor = figure.querySelector(".cursor");
const middle = e => {
  const b = e.getBoundingClientRect();
  return [b.x + b.width / 2, b.y + b.height / 2];
};
const spots = [...figure.querySelectorAll(".spot")].filter(e => e.style.display != "none");
const off = spots.map(spot => {
  const [x, y] = middle(spot);
  const far = [...figure.querySelectorAll(".plot path.curve")].map(path => {
    const matrix = path.getScreenCTM(), length = path.getTotalLength();
    let best = 1e9;
    for (let k = 0; k <= 600; k++) {
      const point = path.getPointAtLength(length * k / 600).matrixTransform(matrix);
      best = Math.min(best, Math.hypot(point.x - x, point.y - y));
    }
    return best;
  });
  return Math.min(...far);
});
return [Math.abs(middle(cursor)[0] - at), Math.max(0, ...off)];
"""
"""How far the line of the cursor is from the pointer, and the dots from the curves, in pixels."""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", RUNS)
def test_the_values_under_the_pointer_are_those_of_the_history(browser, pages, name, width):
    run = chainrule.load(pages[name].with_suffix(""))
    browser.open(pages[name], width=width)
    for figure in charts(browser):
        svg = browser.all("svg", figure)[0]
        browser.run("arguments[0].scrollIntoView({block: 'center'})", svg)
        box = browser.run(
            "const b = arguments[0].getBoundingClientRect(); return [b.x, b.width]", svg
        )
        seen = set()
        for share in (-0.3, -0.05, 0.12, 0.45):
            browser.point_at(svg, int(share * box[1]))
            seen.add(require_right(browser, run, figure))
            at = box[0] + box[1] / 2 + int(share * box[1])
            from_pointer, from_curve = browser.run(SHIFTS, figure, at)
            assert from_pointer <= box[1] / max(1, len(run.history.rows) - 1) / 2 + 1
            assert from_curve <= 2
        assert len(seen) > 1


@pytest.mark.parametrize("name", ["classes", "long"])
def test_the_health_of_layers_under_the_pointer_is_what_was_measured(browser, pages, name):
    health = chainrule.load(pages[name].with_suffix("")).history.health
    browser.open(pages[name])
    browser.unfold()
    for figure in charts(browser, "#health figure"):
        what = figure.get_attribute("data-chart").partition("health-")[2].replace("-", "_")
        svg = browser.all("svg", figure)[0]
        browser.run("arguments[0].scrollIntoView({block: 'center'})", svg)
        seen = set()
        for share in (-0.3, 0.3):
            browser.point_at(svg, int(share * svg.size["width"]))
            epoch, values = reading(browser, figure)
            seen.add(epoch)
            assert values
            for layer, text in values.items():
                expected = health[epoch][layer][what]
                assert number(text) == pytest.approx(expected, rel=5e-9), (what, layer, epoch)
        assert len(seen) == 2


@pytest.mark.parametrize("name", ["classes", "long"])
def test_the_arrow_keys_go_from_epoch_to_epoch(browser, pages, name):
    run = chainrule.load(pages[name].with_suffix(""))
    browser.open(pages[name])
    for figure in charts(browser, "#curves figure:not([data-chart=minibatches])"):
        slider = browser.all("input", figure)[0]
        browser.press("HOME", slider)
        assert require_right(browser, run, figure) == 1
        browser.press("ARROW_RIGHT", slider)
        second = require_right(browser, run, figure)
        assert second == 2 if name == "classes" else second > 1
        browser.press("END", slider)
        browser.press("ARROW_LEFT", slider)
        assert 1 < require_right(browser, run, figure) < len(run.history.rows)
        assert slider.get_attribute("aria-valuetext").startswith(
            f"epoch {reading(browser, figure)[0]:,}"
        )


FOCUS = """
const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
const seen = style.outlineStyle != "none" && parseFloat(style.outlineWidth) > 0;
return [e.tagName, (e.getAttribute("href") || e.getAttribute("aria-label") || ""), seen,
        box.width > 0 && box.right > 0];
"""


@pytest.mark.parametrize("name", ["classes", "several", "images"])
def test_everything_is_reached_by_tab_and_seen_to_be(browser, pages, name):
    browser.open(pages[name])
    wanted = browser.run(
        "return [...document.querySelectorAll('a[href], input, button, summary, select')]"
        ".filter(e => e.checkVisibility()).length"
    )
    reached = []
    for _ in range(200):
        browser.press("TAB")
        tag, label, outlined, on_screen = browser.run(FOCUS)
        if tag == "BODY":
            break
        assert outlined, (tag, label)
        assert on_screen, (tag, label)
        reached.append(tag)
    assert (
        len([tag for tag in reached if tag in ("A", "INPUT", "BUTTON", "SUMMARY", "SELECT")])
        == wanted
    )


def test_the_first_link_leads_past_the_others(browser, pages):
    browser.open(pages["classes"])
    browser.press("TAB")
    browser.press("ENTER")
    assert browser.driver.current_url.endswith("#main")
