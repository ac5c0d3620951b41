"""The inspector's panel in a browser: steps, rules, paths, predictions, bugs and the table."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from browser.opened import WIDTHS
from chainrule import Dense, Network, Softmax

NAMES = ["bill length", "bill depth", "mass"]


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    """The page of a small network in a file, and the numbers that it carries."""
    network = Network(
        [Dense(4, "tanh"), Dense(2), Softmax()], input=3, seed=1, penalty={"L2": 0.1}
    )
    x = np.random.default_rng(0).normal(size=(5, 3))
    path = tmp_path_factory.mktemp("panel") / "small.html"
    found = network.inspect(x, [0, 1, 1, 0, 1], save=path)
    return path, {key: entry.values for key, entry in found.record.entries.items()}


class Panel:
    """The panel of an opened page."""

    def __init__(self, browser, path: Path, **how) -> None:
        self.browser = browser
        browser.open(path, **how)
        self.wait("document.querySelector('.operations button') !== null")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds in the page."""
        end = time.monotonic() + 5
        while not self.browser.run(f"return {condition}"):
            assert time.monotonic() < end, condition
            time.sleep(0.01)

    def type(self, text: str) -> None:
        """Type where the focus is, and let the page draw."""
        self.browser.driver.switch_to.active_element.send_keys(text)
        self.settle()

    def press(self, key: str) -> None:
        self.browser.press(key)
        self.settle()

    def settle(self) -> None:
        """Let what was begun end: it goes on after the next frame."""
        self.browser.driver.execute_async_script(
            "const [done] = arguments;"
            "const wait = k => k ? requestAnimationFrame(() => wait(k - 1)) : setTimeout(done);"
            "wait(4)"
        )

    def text(self, selector: str) -> str:
        """What is said by the first element that is seen."""
        found = [one for one in self.browser.all(selector) if one.is_displayed()]
        assert found, selector
        return found[0].get_attribute("textContent")

    def click(self, words: str) -> None:
        """Press the button of these words."""
        for one in self.browser.all("#panel button"):
            if one.is_displayed() and one.text == words:
                self.browser.run("arguments[0].click()", one)
                return self.settle()
        raise AssertionError(words)


def number(text: str) -> float:
    """The number of a text such as −1.5·10⁻⁷."""
    power = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    digits, _, exponent = text.strip().replace("−", "-").partition("·10")
    return float(digits) * 10 ** int(exponent.translate(power) or 0)


@pytest.fixture
def panel(browser, small) -> Panel:
    return Panel(browser, small[0])


@pytest.mark.exhaustive
def test_keys_lead_from_step_to_step(panel):
    assert "The whole pass" in panel.text(".where")
    panel.press("ARROW_RIGHT")
    assert panel.text("h2") == "The weighted sum"
    panel.type("n")
    assert panel.text("h2") == "The activation"
    assert panel.text(".about").count("tanh(z) = (e^(z) − e^(−z)) / (e^(z) + e^(−z)).") == 1
    panel.press("ARROW_LEFT")
    assert panel.text(".count").startswith("1 /")
    count = int(panel.text(".count").split("/")[1])
    panel.press("END")
    assert panel.text(".count") == f"{count} / {count}"
    panel.type("4")
    assert panel.text(".where").startswith("Update")
    assert len(panel.browser.all(".operations [aria-current=step]")) == 1
    assert re.match(r"Step \d+ of \d+, The update of W: new W .* is .*\.", panel.text("#status"))
    panel.press("HOME")
    assert "The whole pass" in panel.text(".where")
    assert panel.browser.said == []


@pytest.mark.exhaustive
def test_a_key_leads_to_each_phase(panel):
    for key, phase in zip("1234", ["Forward", "Backward", "Gradients", "Update"], strict=True):
        panel.type(key)
        assert panel.text(".where").startswith(phase)


@pytest.mark.exhaustive
def test_the_numbers_put_in_give_the_number_shown(panel, small):
    _, arrays = small
    panel.press("ARROW_RIGHT")
    names, numbers, result = [
        line.get_attribute("textContent") for line in panel.browser.all(".equation .line")
    ]
    unit = int(re.match(r"z(\d)", names)[1])
    z = arrays["dense_1.z"][0]
    assert abs(z).argmax() == unit - 1
    total = 0.0
    for term in numbers.removeprefix("=").split("+"):
        factors = re.findall(r"−?[\d.]+", term)
        total += np.prod([number(factor) for factor in factors])
    assert number(result.removeprefix("=")) == pytest.approx(total, rel=5e-5)
    assert total == pytest.approx(z[unit - 1], rel=5e-5)


def hidden_value(panel, arrays) -> float:
    """The number that is asked for."""
    name = panel.text(".question .asked")
    unit = int(re.search(r"(\d)\(1\)", name)[1])
    return arrays["dense_1.z"][0, unit - 1]


@pytest.mark.exhaustive
def test_a_prediction_is_marked_and_given_away_nowhere(panel, small):
    _, arrays = small
    panel.type("t")
    panel.type("q")
    value = hidden_value(panel, arrays)
    digits = f"{abs(value):.4g}"[:6]
    assert digits not in panel.browser.run("return document.documentElement.innerText")
    assert (
        panel.browser.run("return document.querySelectorAll('td.is-chosen')[0].innerText") == "?"
    )
    assert "." not in panel.text(".legend")  # nor how large the largest of them is
    panel.press("ESCAPE")  # leaves the field, so that keys mean what they mean elsewhere
    for key in "cd":
        panel.type(key)
    text = panel.browser.run("return document.documentElement.innerText")
    assert digits not in text
    assert not panel.browser.all("dialog[open]")
    panel.browser.run("document.querySelector('.question input').focus()")
    panel.type(f"{-value:.2g}\n")
    assert panel.text("#predict-said") == "The size is right, the sign is not."
    panel.click("Hint: the rule")
    assert "∑" in panel.text(".mode-predict .rule")
    panel.click("Hint: the numbers")
    assert digits not in panel.browser.run("return document.documentElement.innerText")
    panel.type(f"{value:.2g}\n")
    assert panel.text("#predict-said").startswith("Right, within ±")
    assert "1 of 1 right, 1 with hints" in panel.text(".mode-predict .where")
    panel.press("ENTER")  # on the button that goes on
    assert panel.text(".mode-predict .where").startswith("Cell 2 of 3")
    panel.click("Reveal")
    assert "1 of 2 right" in panel.text(".mode-predict .where")
    value = number(panel.text(".question b"))
    assert value in [pytest.approx(one, rel=1e-4) for one in arrays["dense_1.z"][0]]


@pytest.mark.exhaustive
def test_all_paths_of_a_weight_add_up_to_its_gradient(panel, small):
    _, arrays = small
    panel.type("w")
    sums = panel.browser.all(".sums tr")
    *parts, last = [
        number(row.find_element("css selector", "td").get_attribute("textContent")) for row in sums
    ]
    assert sum(parts) == pytest.approx(last, abs=2e-3 * max(map(abs, parts)))
    gradient = arrays["dense_1.W_grad"]
    assert abs(last) == pytest.approx(abs(gradient).max(), rel=1e-3)
    assert "same number" in panel.text(".mode-path p.right")
    for row in panel.browser.all(".paths li"):
        *slopes, product = (
            number(text)
            for text in re.findall(
                r"−?[\d.]+(?:·10[⁻⁰-⁹¹²³]+)?",
                " ".join(
                    one.get_attribute("textContent").removeprefix("·").split(",")[0]
                    for one in row.find_elements("css selector", ".slope, .product .number")
                ),
            )
        )
        assert np.prod(slopes) == pytest.approx(product, rel=2e-2)


@pytest.mark.exhaustive
def test_the_help_lists_every_key_and_turns_single_letters_off(panel):
    panel.type("?")
    keys = [one.text for one in panel.browser.all("dialog.help kbd")]
    assert {"n", "→", "Home", "t", "q", "w", "b", "?"} <= set(keys)
    single = panel.browser.all("dialog.help input")[0]
    single.click()
    panel.press("ESCAPE")
    assert not panel.browser.run("return document.querySelector('dialog.help').open")
    panel.type("n")
    assert "The whole pass" in panel.text(".where")
    panel.press("ARROW_RIGHT")
    assert panel.text(".count").startswith("1 /")


@pytest.mark.exhaustive
@pytest.mark.parametrize("still", ["reduce", "no-preference"])
def test_steps_go_on_by_themselves_unless_less_motion_is_asked_for(browser, small, still):
    browser.open(small[0])
    features = [{"name": "prefers-reduced-motion", "value": still}]
    browser._command("Emulation.setEmulatedMedia", {"features": features})
    browser.driver.refresh()
    panel = Panel.__new__(Panel)
    panel.browser = browser
    panel.wait("document.querySelector('.operations button') !== null")
    panel.type("a")
    play = [one for one in browser.all(".controls button") if one.text in ("Play", "Pause")]
    assert [(one.text, one.is_enabled()) for one in play] == [
        ("Play", False) if still == "reduce" else ("Pause", True)
    ]
    assert panel.text(".count") == "whole pass"
    if still != "reduce":
        panel.wait("document.querySelector('.count').textContent.startsWith('1 /')")


@pytest.mark.exhaustive
def test_the_table_holds_every_number_with_headers(panel, small):
    _, arrays = small
    panel.press("ARROW_RIGHT")
    panel.type("t")
    z = arrays["dense_1.z"]
    rows = [
        [number(cell.text) for cell in row.find_elements("css selector", "td")]
        for row in panel.browser.all("table.numbers tbody tr")
    ]
    np.testing.assert_allclose(rows, z, rtol=1e-3)
    heads = panel.browser.all("table.numbers tbody th[scope=row]")
    assert [head.text.split(",")[0] for head in heads] == [f"case {k}" for k in range(1, 6)]
    before = panel.text("#status")
    panel.press("ARROW_DOWN")
    row, column = 1, abs(z[0]).argmax()
    chosen = panel.browser.driver.switch_to.active_element
    assert number(chosen.text) == pytest.approx(z[row, column], rel=1e-3)
    assert panel.text("#status") != before
    assert "case 2" in panel.text("#status")


@pytest.mark.exhaustive
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("mode", ["s", "w", "q", "b", "t", "?"])
def test_no_view_keeps_anybody_out(browser, small, mode, width, dark):
    panel = Panel(browser, small[0], width=width, dark=dark)
    panel.press("ARROW_RIGHT")
    panel.type(mode)
    assert browser.violations("#film, #picture, #head") == []
    assert browser.wider == []
    assert browser.said == []


def bug_names(panel) -> list[str]:
    return panel.browser.run(
        "return [...document.querySelectorAll('.mode-break option')].map(o => o.value).slice(1)"
    )


def plant(panel, name: str) -> None:
    """Choose a bug in the list, and wait for the gradient check."""
    panel.browser.run(
        "const list = document.querySelector('.mode-break select'); list.value = arguments[0];"
        "list.dispatchEvent(new Event('change'))",
        name,
    )
    panel.settle()
    panel.wait("document.querySelector('.check').ariaBusy !== 'true'")


@pytest.mark.exhaustive
def test_every_bug_turns_numbers_wrong_and_the_check_finds_it(panel):
    panel.type("b")
    names = bug_names(panel)
    assert len(names) >= 10
    for name in names:
        plant(panel, name)
        step = int(re.search(r"Wrong from step (\d+) on", panel.text(".mode-break"))[1])
        wrong = panel.browser.all(".operations .is-wrong")
        assert int(wrong[0].get_attribute("data-index")) == step - 1
        assert panel.browser.all(".check tr.is-wrong"), name
    panel.click("None")
    panel.wait("document.querySelector('.check').ariaBusy !== 'true'")
    assert not panel.browser.all(".operations .is-wrong, .check tr.is-wrong")
    assert panel.browser.all(".check tbody tr")


@pytest.mark.exhaustive
def test_a_wrong_step_says_both_numbers(panel):
    panel.type("b")
    plant(panel, bug_names(panel)[0])
    panel.browser.all(".operations .is-wrong")[0].click()
    panel.press("ESCAPE")
    *_, right = panel.browser.all(".equation .result")
    instead = number(re.search(r"gives (\S+) instead", panel.text(".instead"))[1])
    shown = number(right.get_attribute("textContent").removeprefix("="))
    assert instead != pytest.approx(shown, rel=1e-3)
    assert number(panel.text("h3 .value").removeprefix(" = ")) == instead


@pytest.mark.exhaustive
def test_a_bug_that_is_not_told_is_found_among_four(panel):
    panel.type("b")
    panel.click("One to find")
    planted = panel.browser.all(".mode-break select")[0]
    assert planted.get_attribute("value") == ""
    assert not panel.browser.all(".side")
    titles = [one.text for one in panel.browser.all(".mode-break .choices button")][:4]
    assert len(set(titles)) == 4
    said = []
    for title in titles:
        panel.click(title)
        said.append(panel.text("#status"))
        if said[-1].startswith("Right"):
            break
        assert "It is not" in panel.text(".mode-break .said")
    assert said[-1] == f"Right: {title}."
    assert [one.text for one in panel.browser.all(".side h3")] == ["Wrong", "Right"]
