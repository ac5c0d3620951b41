"""What a reader changes in the inspector's page and takes away, in a browser."""

from __future__ import annotations

import base64
import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from browser.opened import Browser
from chainrule import Dense, Network
from chainrule.inspector.edits import PassWanted, edited
from chainrule.inspector.inspection import Inspection

W = {"kind": "parameter", "key": "dense_1.W", "at": [2, 1]}
CHOSEN = {"key": "dense_1.W", "at": [2, 1]}


@pytest.fixture(scope="module")
def made() -> Inspection:
    config = {
        "network": {
            "layers": [{"size": 4, "activation": "tanh"}, {"size": 3}, {"type": "softmax"}]
        },
        "data": {"name": "iris", "standardize": True},
    }
    return chainrule.inspect(config, count=12)


@pytest.fixture(scope="module")
def page(made, tmp_path_factory) -> Path:
    return made.save(tmp_path_factory.mktemp("inspected") / "page.html")


def view(**parts: Any) -> str:
    """The fragment of a link to a view."""
    text = json.dumps({"v": 1, **parts}).encode()
    return f"view={base64.urlsafe_b64encode(text).decode().rstrip('=')}"


def open_view(browser: Browser, page: Path, **parts: Any) -> None:
    browser.open(page)
    browser.driver.get("about:blank")
    browser.driver.get(f"{page.as_uri()}#{view(**parts)}")
    wait(browser, "document.querySelector('#head .loss')?.textContent")


def wait(browser: Browser, condition: str) -> Any:
    """What a condition gives, once it holds."""
    found = browser.driver.execute_async_script(
        "const [done] = arguments, until = Date.now() + 5000;"
        f"const look = () => {{ const found = {condition};"
        "if (found || Date.now() > until) done(found); else setTimeout(look, 15); }; look();"
    )
    assert found, condition
    return found


def loss(browser: Browser) -> str:
    return browser.run("return document.querySelector('#head .loss').textContent")


def field(browser: Browser) -> Any:
    return browser.all("#head .number")[0]


def enter(browser: Browser, text: str) -> None:
    """Type into the field of the chosen number, and press Enter."""
    field(browser).clear()
    field(browser).send_keys(text)
    browser.press("ENTER", field(browser))


def press(browser: Browser, key: str, **held: bool) -> None:
    """Press a key where no field has the focus."""
    browser.run("document.activeElement.blur()")
    event = json.dumps({"key": key, "bubbles": True, **held})
    browser.run(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {event}))")


def right_loss(made: Inspection, *edits: dict[str, Any], only: int | None = None) -> float:
    """The loss that Python computes with edits."""
    wanted = {"edits": [*edits], "bugs": [], "frame": None, "only": only}
    return edited(made, PassWanted.model_validate(wanted)).record.loss


def shown(value: float) -> str:
    return f"{float(f'{value:.4g}'):g}".replace("-", "−")


def has_loss(browser: Browser, value: float) -> None:
    """Wait for the loss."""
    text = json.dumps(shown(value))
    wait(
        browser,
        "(found => found === 'L ' + {0} || found.includes('→ ' + {0} + ','))"
        "(document.querySelector('#head .loss').textContent)".replace("{0}", text),
    )


def test_a_number_is_edited_and_undone(browser, page, made):
    open_view(browser, page, cell=CHOSEN)
    enter(browser, "1.5")
    has_loss(browser, right_loss(made, {**W, "value": 1.5}))
    press(browser, "z", ctrlKey=True)
    has_loss(browser, right_loss(made))
    assert loss(browser) == f"L {shown(right_loss(made))}"
    assert browser.said == []


@pytest.mark.exhaustive
def test_edits_are_told_undone_and_redone(browser, page, made):
    open_view(browser, page, cell=CHOSEN)
    first, second = {**W, "value": 1.5}, {**W, "value": -2.0}
    enter(browser, "1.5")
    has_loss(browser, right_loss(made, first))
    enter(browser, "−2")
    has_loss(browser, right_loss(made, second))
    assert loss(browser).startswith(f"L {shown(right_loss(made, first))} → ")
    assert "was 1.5" in browser.all("#head .was")[0].text
    spoken = f"from {shown(right_loss(made, first))} to {shown(right_loss(made, second))}."
    wait(browser, f"document.querySelector('#status').textContent.endsWith({spoken!r})")
    press(browser, "z", ctrlKey=True)
    has_loss(browser, right_loss(made, first))
    press(browser, "z", ctrlKey=True)
    has_loss(browser, right_loss(made))
    assert loss(browser) == f"L {shown(right_loss(made))}"
    press(browser, "y", ctrlKey=True)
    press(browser, "Z", ctrlKey=True, shiftKey=True)
    has_loss(browser, right_loss(made, second))
    enter(browser, "much")
    assert "“much” is no number" in browser.all("#edit-problem")[0].text
    assert browser.said == []


@pytest.mark.exhaustive
def test_a_link_brings_back_the_view(browser, page, made):
    edits = [{**W, "value": 0.75}, {"kind": "activation", "layer": "dense_1", "value": "relu"}]
    where = {"cell": {"key": "dense_1.W_grad", "at": [2, 1]}, "operation": "dense_1.W_grad"}
    camera = {"x": 10, "y": 20, "scale": 2}
    open_view(browser, page, case=3, alone=True, edits=edits, camera=camera, mode="break", **where)
    has_loss(browser, right_loss(made, *edits, only=3))
    browser.run("navigator.clipboard.writeText = async text => { window.copied = text; }")
    press(browser, "l")
    link = wait(browser, "window.copied")
    browser.driver.get("about:blank")
    browser.driver.get(link)
    wait(browser, "document.querySelector('#head .loss')")
    has_loss(browser, right_loss(made, *edits, only=3))
    text = base64.urlsafe_b64decode(link.partition("view=")[2] + "==")
    again = json.loads(text)
    assert again["edits"] == edits
    assert (again["case"], again["alone"], again["mode"]) == (3, True, "break")
    assert {key: again[key] for key in where} == where
    assert again["camera"]["scale"] == 2
    press(browser, "z", ctrlKey=True)  # all that the link brought at once
    has_loss(browser, right_loss(made, only=3))


@pytest.mark.exhaustive
def test_what_cannot_be_computed_is_said_beside_the_field_and_taken_back(browser, tmp_path):
    network = Network([Dense(2, "sigmoid")], input=2, loss="binary_cross_entropy", seed=1)
    network.inspect([[1.0, 2.0]], [[0.0, 1.0]], save=str(tmp_path / "page.html"))
    open_view(browser, Path(tmp_path / "page.html"), cell={"key": "loss.t", "at": [0, 0]})
    before = loss(browser)
    enter(browser, "2")
    problem = "document.querySelector('#edit-problem').textContent"
    assert "between 0 and 1" in wait(browser, problem)
    assert loss(browser) == before
    assert browser.run("return document.querySelector('#head .number').value") == "2"
    assert browser.run(
        "return [...document.querySelectorAll('#head button')]"
        ".find(one => one.textContent === 'Undo').disabled"
    )
    enter(browser, "0.5")
    wait(browser, "document.querySelector('#head .loss').textContent.includes('→')")
    assert browser.run(f"return {problem}") == ""


@pytest.mark.exhaustive
def test_nothing_keeps_anyone_out(browser, page):
    for width, dark in ((1280, False), (1280, True), (360, False)):
        browser.open(page, width=width, dark=dark)
        browser.driver.get("about:blank")
        parts = {"cell": CHOSEN, "edits": [{**W, "value": 2}], "operation": "dense_1.z"}
        browser.driver.get(f"{page.as_uri()}#{view(**parts)}")
        wait(browser, "document.querySelector('#head .number')?.value")
        press(browser, "d")
        wait(browser, "document.querySelectorAll('#nudge tbody tr').length == 4")
        assert browser.violations("#picture, #panel, #film, #table") == []
        assert browser.wider == []
        box, table = (browser.all(f"#nudge{part}")[0].rect for part in ("", " table"))
        assert table["x"] + table["width"] <= box["x"] + box["width"]
        for key in "cv":
            press(browser, key)
            wait(browser, "document.querySelector('dialog[open]')")
            assert browser.violations("#picture, #panel, #film, #table") == []
            browser.run("document.querySelector('dialog[open]').close()")


@pytest.mark.exhaustive
def test_hostile_fragments_do_not_break_the_page(browser, page, made):
    for fragment in (
        "view=",
        "view=%00",
        "view=" + "A" * 50_000,
        view(edits=[{"kind": "parameter", "key": "__proto__", "at": [0], "value": 1}]),
        view(edits=[{**W, "at": [99, 0], "value": 1}]),
        view(edits=[{"kind": "activation", "layer": "dense_1", "value": "constructor"}]),
        view(cell={"key": "dense_1.W", "at": [7, 7]}),
        view(operation="<img src=x onerror=alert(1)>", bugs=["<b>"]),
        view(camera={"x": 1e300, "y": 0, "scale": 1}),
    ):
        browser.open(page)
        browser.driver.get("about:blank")
        browser.driver.get(f"{page.as_uri()}#{fragment}")
        wait(browser, "document.querySelector('#head .loss')?.textContent")
        enter_somewhere(browser, made)
        assert browser.said == [], fragment


def enter_somewhere(browser: Browser, made: Inspection) -> None:
    """Whether the page still works: another activation gives another loss."""
    has_loss(browser, right_loss(made))
    press(browser, "n")
    browser.run(
        "const list = document.querySelector('[aria-labelledby=activation-of]');"
        "list.value = 'relu'; list.dispatchEvent(new Event('change'))"
    )
    has_loss(
        browser, right_loss(made, {"kind": "activation", "layer": "dense_1", "value": "relu"})
    )


@pytest.mark.exhaustive
def test_steps_of_one_drag_are_undone_at_once(browser, page, made):
    open_view(browser, page, cell=CHOSEN)
    before = field(browser).get_attribute("value")
    for _ in range(4):
        browser.press("ARROW_UP", field(browser))
    assert field(browser).get_attribute("value") != before
    press(browser, "z", ctrlKey=True)
    has_loss(browser, right_loss(made))
    wait(browser, f"document.querySelector('#head .number').value === {json.dumps(before)}")
    assert browser.all("#head button")[3].text == "Undo"


@pytest.mark.exhaustive
def test_an_input_is_edited_in_the_reader_s_own_unit(browser, page, made):
    open_view(browser, page, cell={"key": "input.out", "at": [2, 3]}, case=2)
    scaling = made.scene["scaling"]["inputs"]
    unit = browser.all("#head .unit .number")[0]
    unit.clear()
    unit.send_keys("2.5")
    browser.press("ENTER", unit)
    value = (2.5 - scaling["mean"][3]) / scaling["scale"][3]
    has_loss(browser, right_loss(made, {"kind": "input", "at": [2, 3], "value": value}))


@pytest.mark.exhaustive
def test_the_class_of_a_target_is_chosen_by_name(browser, page, made):
    open_view(browser, page, cell={"key": "loss.t", "at": [0, 1]})
    wait(browser, "document.querySelector('[aria-label=Class]').offsetParent")
    browser.run(
        "const list = document.querySelector('[aria-label=Class]');"
        "list.value = 'versicolor'; list.dispatchEvent(new Event('change'))"
    )
    edits = [{"kind": "target", "at": [0, k], "value": float(k == 1)} for k in range(3)]
    has_loss(browser, right_loss(made, *edits))


@pytest.mark.exhaustive
def test_a_nudge_says_how_the_loss_really_moves(browser, page, made):
    open_view(browser, page, cell=CHOSEN)
    press(browser, "d")
    wait(browser, "document.querySelectorAll('#nudge tbody tr').length == 4")
    rows = [
        [cell.text for cell in browser.all("td", row)] for row in browser.all("#nudge tbody tr")
    ]
    value, gradient = made.record["dense_1.W"][2, 1], made.record["dense_1.W_grad"][2, 1]
    first = right_loss(made, {**W, "value": float(value) + 0.01}) - made.record.loss
    assert rows[0][:3] == ["0.01", shown(first), shown(gradient * 0.01)]
    assert "a tenth of ε leaves a hundredth" in browser.all("#nudge")[0].text
    press(browser, "e")
    browser.all("#nudge button")[0].click()
    has_loss(browser, right_loss(made, {**W, "value": float(value) + 0.01}))


@pytest.mark.exhaustive
def test_the_step_as_numpy_code_runs(browser, page, made):
    open_view(
        browser, page, operation="dense_1.delta", cell={"key": "dense_1.delta", "at": [1, 2]}
    )
    press(browser, "c")
    program = wait(browser, "document.querySelector('dialog[open] textarea')?.value")
    said = StringIO()
    with redirect_stdout(said):
        exec(program, {})
    assert np.isclose(float(said.getvalue()), made.record["dense_1.delta"][1, 2], rtol=1e-12)


@pytest.mark.exhaustive
def test_pasted_cases_are_shown_and_undone(browser, page, made):
    open_view(browser, page)
    press(browser, "v")
    area = browser.all("dialog[open] textarea")[0]
    area.send_keys("5.1,3.5,1.4,0.2,setosa\n6,2.7,5.1,x,virginica\n")
    browser.all("dialog[open] button")[0].click()
    problem = browser.all("#paste-problem")[0].text
    assert problem == "Line 2, column “petal width (cm)”: “x” is no number."
    area.clear()
    area.send_keys("5.1,3.5,1.4,0.2,setosa\n6,2.7,5.1,1.6,virginica\n")
    browser.all("dialog[open] button")[0].click()
    scaling = made.scene["scaling"]["inputs"]
    x = np.array([[5.1, 3.5, 1.4, 0.2], [6, 2.7, 5.1, 1.6]])
    x = (x - scaling["mean"]) / scaling["scale"]
    labels = ["pasted, setosa", "pasted, virginica"]
    t = [[1.0, 0, 0], [0, 0, 1.0]]
    cases = {"kind": "cases", "x": x.tolist(), "t": t, "labels": labels}
    has_loss(browser, right_loss(made, cases))
    names = browser.run(
        "return [...document.querySelector('#head select').options].map(o => o.text)"
    )
    assert names == ["1 · pasted, setosa", "2 · pasted, virginica"]
    press(browser, "z", ctrlKey=True)
    has_loss(browser, right_loss(made))
    assert len(browser.all("#head select option")) >= 12


@pytest.mark.exhaustive
def test_a_served_page_does_the_same(browser, made):
    with made.open(browser=False) as served:
        browser.driver.get("about:blank")
        browser.driver.get(f"{served.address}&{view(cell=CHOSEN)}")
        wait(browser, "document.querySelector('#head .number')?.value")
        enter(browser, "1.5")
        has_loss(browser, right_loss(made, {**W, "value": 1.5}))
        press(browser, "o")
        has_loss(browser, right_loss(made, {**W, "value": 1.5}, only=0))
        press(browser, "z", ctrlKey=True)
        has_loss(browser, right_loss(made, only=0))


@pytest.mark.exhaustive
@pytest.mark.parametrize("is_served", [False, True])
def test_of_a_pass_that_has_left_the_numbers_the_loss_and_the_field_tell(
    browser, tmp_path, is_served
):
    network = Network([Dense(2, "relu"), Dense(1)], input=2, loss="mse")
    network.theta = np.full(network.theta.size, 1e308)
    made = network.inspect(np.ones((2, 2)), np.ones((2, 1)), title="x" * 300)
    with made.open(browser=False) as served:
        address = served.address if is_served else made.save(tmp_path / "page.html").as_uri()
        browser.visit(address)
        wait(browser, "document.querySelector('#head .loss')?.textContent")
        assert loss(browser) == "L ∞"
        assert browser.wider == []


@pytest.mark.exhaustive
def test_a_field_that_holds_no_number_says_so_to_everybody(browser, page):
    open_view(browser, page, cell=CHOSEN)
    enter(browser, "0x10")
    assert field(browser).get_attribute("aria-invalid") == "true"
    assert "is no number" in browser.all("#edit-problem")[0].text
    enter(browser, "0.5")
    assert field(browser).get_attribute("aria-invalid") == "false"


@pytest.mark.exhaustive
def test_a_bug_that_a_link_names_and_nobody_knows_changes_nothing(browser, page):
    open_view(browser, page, bugs=["__proto__", "constructor"])
    assert "→" not in loss(browser)
    assert "undefined" not in browser.all("#status")[0].text


@pytest.mark.exhaustive
def test_a_token_that_no_header_can_hold_is_told_from_a_server_that_has_ended(browser, made):
    with made.open(browser=False) as served:
        browser.visit(f"http://127.0.0.1:{served.port}/#token=é")
        wait(browser, "document.querySelector('#status')?.textContent")
        assert "the whole address" in browser.all("#status")[0].text
