"""The inspector's page in a browser: served and saved, silent, and closed to other pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import chainrule
from browser.opened import Browser
from chainrule.inspector.server import Served

CONFIG = {
    "network": {"layers": [{"size": 4, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "classes": 3, "count": 90},
    "training": {"seed": 1},
}
LARGE = {
    "network": {"layers": [{"size": 60, "activation": "relu"}, {"size": 4}, "softmax"]},
    "data": {"generator": "shapes", "size": 12, "classes": 4, "count": 60},
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with chainrule.inspect(CONFIG, count=6).open(browser=False) as served:
        yield served


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return chainrule.inspect(CONFIG, count=6).save(tmp_path_factory.mktemp("page") / "page.html")


def wait(browser: Browser, script: str, seconds: float = 10.0) -> None:
    """Wait until a script returns something true."""
    end = time.monotonic() + seconds
    while not browser.run(f"return {script}"):
        assert time.monotonic() < end, f"{script}; the console says {browser.said}"
        time.sleep(0.02)


DRAWN = "performance.getEntriesByName('picture-drawn').length > 0"
STATUS = "document.getElementById('status').textContent"


def own(browser: Browser) -> set[str]:
    """What was requested, without what the browser asks itself for."""
    return {address for address in browser.requested if not address.startswith("chrome")}


def test_a_served_page_shows_its_picture_and_asks_nobody_else(browser, served):
    browser.visit(served.address)
    wait(browser, DRAWN)
    assert browser.said == []
    here = f"http://127.0.0.1:{served.port}"
    assert {address.partition("#")[0] for address in own(browser)} <= {
        f"{here}/",
        *(f"{here}/{path}" for path in ("pass", "numbers", "plane", "check")),
    }


@pytest.mark.exhaustive
def test_a_saved_page_shows_its_picture_and_asks_nobody(browser, saved):
    browser.open(saved)
    wait(browser, DRAWN)
    assert browser.said == []
    assert own(browser) == {saved.as_uri()}
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


def _settled(browser: Browser) -> str:
    """What a page says once it says nothing new any more."""
    last = ""
    while (text := browser.run("return document.title + document.body.innerText")) != last:
        last = text
        time.sleep(0.5)
    return text


@pytest.mark.exhaustive
def test_both_forms_show_the_same(browser, served, saved):
    seen = []
    for address in (served.address, saved.as_uri()):
        browser.visit(address)
        wait(browser, DRAWN)
        seen.append(_settled(browser))
    assert seen[0] == seen[1]


EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["textbook", "convolution", "memory", "jack", "residual", "iris"])
def test_an_example_opens_in_both_forms(browser, tmp_path, name):
    found = chainrule.inspect(EXAMPLES / f"{name}.yaml", count=12)
    with found.open(browser=False) as served:
        for address in (served.address, found.save(tmp_path / "page.html").as_uri()):
            browser.visit(address)
            wait(browser, DRAWN)
            assert browser.said == []
            assert browser.run(f"return {STATUS}") == ""


@pytest.mark.exhaustive
def test_large_arrays_are_shown_in_levels_and_asked_for_where_one_looks(browser):
    with chainrule.inspect(LARGE, count=20).open(browser=False) as served:
        browser.visit(served.address)
        wait(browser, DRAWN)
        assert browser.said == []
        assert browser.run(f"return {STATUS}") == ""


@pytest.mark.exhaustive
def test_a_notebook_shows_the_page_within_a_closed_frame(browser, tmp_path):
    cell = chainrule.inspect(CONFIG, count=6)._repr_html_()
    assert cell is not None
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>cell</title>{cell}", "utf-8")
    browser.open(page)
    browser.driver.switch_to.frame(0)
    try:
        wait(browser, DRAWN)
        assert browser.run(f"return {STATUS}") == ""
    finally:
        browser.driver.switch_to.default_content()
    assert browser.said == []
    assert own(browser) <= {page.as_uri(), "about:srcdoc"}


@pytest.mark.exhaustive
def test_when_the_server_has_ended_the_page_says_so(browser):
    with chainrule.inspect(CONFIG, count=6).open(browser=False) as served:
        browser.visit(served.address)
        wait(browser, DRAWN)
    browser.run(
        "[...document.querySelectorAll('#head button')].find("
        "one => one.textContent.trim() == 'alone').click()"
    )
    wait(browser, f"{STATUS}.includes('it has ended')")


@pytest.mark.exhaustive
def test_without_its_token_a_page_says_how_it_is_opened(browser, served):
    for fragment in ("", "#token=guessed", "#view=x"):
        browser.visit(f"http://127.0.0.1:{served.port}/{fragment}")
        wait(browser, f"{STATUS}.includes('whole address')")
        assert browser.run("return document.title") == "chainrule"


@pytest.mark.exhaustive
def test_an_address_by_another_name_of_this_machine_works_too(browser, served):
    browser.visit(served.address.replace("127.0.0.1", "localhost"))
    wait(browser, DRAWN)
    assert browser.said == []


ATTACK = """<!doctype html><meta charset="utf-8"><title>another site</title>
<iframe src="ADDRESS"></iframe>
<script>
const body = 'BODY', got = [];
window.done = Promise.all([
  ["simple", {method: "POST", body}],
  ["no-cors", {method: "POST", body, mode: "no-cors"}],
  ["form", {method: "POST", body: new URLSearchParams({a: body}), mode: "no-cors"}],
  ["json", {method: "POST", body, headers: {"Content-Type": "application/json"}}],
  ["token", {method: "POST", body, headers: {"Content-Type": "application/json",
    "X-Chainrule-Token": "TOKEN"}}],
  ["page", {}],
].map(async ([name, options]) => {
  try {
    const path = name === "page" ? "/" : "/pass";
    const answer = await fetch("http://127.0.0.1:PORT" + path, options);
    got.push([name, answer.type, (await answer.text()).length]);
  } catch (error) { got.push([name, "refused", 0]); }
})).then(() => got);
window.framed = () => {
  try { return document.querySelector("iframe").contentDocument?.title ?? "closed"; }
  catch { return "closed"; }
};
</script>
"""


@pytest.mark.exhaustive
def test_another_page_gets_nothing_even_with_the_token(browser, served, tmp_path):
    body = json.dumps({"edits": [], "bugs": [], "frame": None, "only": None})
    page = tmp_path / "attack.html"
    text = ATTACK.replace("ADDRESS", served.address).replace("PORT", str(served.port))
    token = served.address.partition("token=")[2]
    page.write_text(text.replace("BODY", body).replace("TOKEN", token), encoding="utf-8")
    browser.open(page)
    got = browser.driver.execute_async_script("window.done.then(arguments[0])")
    assert len(got) == 6
    for name, kind, length in got:
        assert length == 0, (name, kind)
    assert browser.run("return window.framed()") in ("closed", "")
    assert any("frame" in line.lower() for line in browser.said)


@pytest.mark.exhaustive
@pytest.mark.parametrize("form", ["served", "saved"])
def test_the_policy_lets_no_other_script_run_and_nothing_be_sent(browser, served, saved, form):
    browser.visit(served.address if form == "served" else saved.as_uri())
    wait(browser, DRAWN)
    browser.run(
        "const put = (tag, set) => document.body.append(Object.assign("
        "  document.createElement(tag), set));"
        "put('script', {textContent: 'document.title = \"taken\"'});"
        "put('script', {src: 'data:text/javascript,document.title=\"taken\"'});"
        "put('img', {src: 'http://127.0.0.1:9/leak'});"
        "put('iframe', {src: 'http://127.0.0.1:9/leak'});"
        "put('p', {innerHTML: '<b onclick=\"document.title=1\">x</b>'});"
        "document.querySelector('p b')?.click();"
    )
    sent = browser.driver.execute_async_script(
        "fetch('http://127.0.0.1:9/leak').then(() => arguments[0]('sent'),"
        " () => arguments[0]('refused'))"
    )
    assert sent == "refused"
    assert browser.run("return document.title") not in ("taken", "1")
    refusals = [line for line in browser.said if "Content Security Policy" in line]
    assert len(refusals) >= 5
