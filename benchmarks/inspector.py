"""What the inspector's page takes, in Chromium over loopback.

Run with: python -m benchmarks.inspector [--times 40]

Needs Chromium and ChromeDriver, and `pip install -e '.[dev]'`. For each network a server is
started, and the page is opened in a window of 1280 × 800:

- first picture: from the start of the navigation until the first picture is drawn, with the server
  and the browser warm; beside it an empty page until its first frame
- hover, choose: for a move of the pointer to a cell, or a click on one, the script that runs until
  the next frame, with which the picture is seen; that which runs afterwards, such as for the
  panel; and until the frame. Beside it the same on an empty page
- edit: from a number that is entered until the picture is drawn with every number of the new pass;
  until the panel is, too; and until both are seen on the screen
- sent: what came over the wire for the first picture, and from where
- page: its size without data, compressed

Times are in milliseconds: the median, and the 95th percentile in brackets. Before each trial the
page is left until it has nothing more to do. What else the machine does counts as well: the load
is how many programs wanted a core of it, on the average of the minute.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from benchmarks.timing import machine
from chainrule import ImageGenerator

EMPTY = "data:text/html,<!doctype html><title>empty</title><canvas width=700 height=600></canvas>"

SHAPES = list(ImageGenerator.CLASSES)

DIGITS = {
    "network": {
        "layers": [
            {"size": 128, "activation": "relu"},
            {"size": 64, "activation": "relu"},
            {"size": 10},
            "softmax",
        ]
    },
    "data": {"generator": "shapes", "size": 28, "count": 200, "classes": SHAPES},
}
FLOWERS = {
    "network": {"layers": [{"size": 8, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "features": 4, "classes": 3, "count": 150},
}


@dataclass(frozen=True)
class Case:
    """A network, and a weight of it that is edited."""

    name: str
    config: dict[str, Any]
    key: str
    shape: tuple[int, int]


CASES = (
    Case("784-128-64-10", DIGITS, "dense_1.W", (784, 128)),
    Case("4-8-3", FLOWERS, "dense_1.W", (4, 8)),
)


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("headless=new", "no-sandbox", "window-size=1280,800"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Performance.enable", {})
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CLOCK})
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def served(config: dict[str, Any]) -> Iterator[str]:
    """The address of a page of a configuration, while its server runs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.yaml"
        file.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "chainrule", "inspect", str(file), "--no-browser"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, **pipes) as server:  # type: ignore[call-overload]
            try:
                yield re.search(r"http://\S+", server.stdout.readline())[0]  # type: ignore[index]
            finally:
                server.send_signal(signal.SIGINT)


def waited(driver: Any, script: str, seconds: float = 30) -> Any:
    """What a script returns, once that is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = driver.execute_script(f"return {script}")
        if found:
            return found
        time.sleep(0.005)
    raise TimeoutError(script)


def opened(driver: Any, address: str) -> float:
    """Open the page; the time until its first picture was drawn."""
    driver.get("about:blank")
    driver.get(address)
    mark = "performance.getEntriesByName('picture-drawn')"
    return waited(driver, f"{mark}.length && {mark}[0].startTime")


def empty(driver: Any) -> float:
    """Open an empty page; the time until its first frame."""
    driver.get("about:blank")
    driver.get(EMPTY)
    return driver.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => done(performance.now()))"
    )


def sent(driver: Any, address: str) -> tuple[int, set[str]]:
    """The bytes that came for the first picture, and the hosts that were asked."""
    driver.get("about:blank")
    driver.get_log("performance")
    opened(driver, address)
    time.sleep(0.5)
    count, hosts = 0, set()
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.loadingFinished":
            count += message["params"]["encodedDataLength"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            hosts |= set(re.findall(r"^https?://([^/]+)", url))
    return int(count), hosts


CLOCK = """
window.clock = {held: null, asked: 0};
const {requestAnimationFrame: frame, setTimeout: later, fetch: ask} = window;
window.setTimeout = (run, ...more) => later.call(window, (...given) => {
  if (clock.held) clock.held.push(() => run(...given)); else run(...given);
}, ...more);
window.fetch = (...given) => {
  clock.asked++;
  return ask.apply(window, given).finally(() => clock.asked--);
};
"""
"""Holds timers back when told to, and counts the answers that the page waits for."""

QUIET = """
const done = arguments[0];
let [rest, start] = [4, performance.now()];
const look = () => {
  const isLate = performance.now() - start > 24;
  rest = isLate || clock.asked ? 4 : rest - 1;
  start = performance.now();
  if (rest > 0) later.call(window, look, 20); else done();
};
later.call(window, look, 20);
"""

FRAME = """
const done = arguments[0], start = performance.now();
frame.call(window, () => later.call(window, () =>
  done(performance.now() - start)));
"""

RELEASE = """
const {held} = clock;
clock.held = null;
for (const run of held) later.call(window, run);
"""

ON_A_CELL = """
const shown = document.querySelector(".tooltip");
return shown === null || !shown.hidden;
"""


def script_time(driver: Any) -> float:
    """The time that scripts of the page have taken so far, in milliseconds."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(one["value"] for one in metrics if one["name"] == "ScriptDuration")


def cells(driver: Any, times: int) -> list[tuple[float, float]]:
    """Places of the picture in which there is a cell."""
    area = driver.execute_script(
        "const r = document.querySelector('canvas').getBoundingClientRect();"
        "return [r.x, r.y, r.width, Math.min(r.height, innerHeight - r.y)]"
    )
    rng, found = random.Random(1), []
    while len(found) < times:
        x = area[0] + rng.uniform(0.02, 0.98) * area[2]
        y = area[1] + rng.uniform(0.02, 0.98) * area[3]
        _point(driver, "mouseMoved", x, y)
        if driver.execute_script(ON_A_CELL):
            found.append((x, y))
    return found


@dataclass
class Pointed:
    """For moves or clicks the script until the frame and afterwards, and the time of the frame."""

    soon: list[float]
    later: list[float]
    frames: list[float]

    def __str__(self) -> str:
        return (
            f"{shown(self.soon)}, afterwards {shown(self.later)}, "
            f"until the frame {shown(self.frames)}"
        )


def pointed(driver: Any, times: int, *, click: bool) -> Pointed:
    """Move the pointer to cells, or click on them."""
    found = Pointed([], [], [])
    for x, y in cells(driver, times):
        if click:
            _point(driver, "mouseMoved", x, y)
        driver.execute_async_script(QUIET)
        driver.execute_script("clock.held = []")
        before = script_time(driver)
        for kind in ("mousePressed", "mouseReleased") if click else ("mouseMoved",):
            _point(driver, kind, x, y)
        found.frames.append(driver.execute_async_script(FRAME))
        at_frame = script_time(driver)
        found.soon.append(at_frame - before)
        driver.execute_script(RELEASE)
        driver.execute_async_script(QUIET)
        found.later.append(script_time(driver) - at_frame)
    return found


def _point(driver: Any, kind: str, x: float, y: float) -> None:
    button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
    event = {"type": kind, "x": x, "y": y, **button}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


@dataclass
class Edited:
    """For numbers entered: until the picture is drawn, the panel is, and both are seen."""

    picture: list[float]
    panel: list[float]
    screen: list[float]


EDITED = """
const done = arguments[0], entries = (name) => performance.getEntriesByName(name);
const start = entries("edited").at(-1).startTime;
const wait = () => {
  const [picture, panel] = ["picture-drawn", "panel-drawn"].map((name) =>
    entries(name).find((one) => one.startTime > start));
  if (!picture || !panel) return void later.call(window, wait, 2);
  frame.call(window, () => later.call(window, () =>
    done([picture.startTime - start, panel.startTime - start, performance.now() - start])));
};
wait();
"""


def edited(driver: Any, address: str, case: Case, times: int) -> Edited:
    """Enter numbers for a weight."""
    view = {"v": 1, "cell": {"key": case.key, "at": [k // 2 for k in case.shape]}}
    text = base64.urlsafe_b64encode(json.dumps(view).encode()).decode().rstrip("=")
    opened(driver, f"{address}&view={text}")
    found = Edited([], [], [])
    for k in range(times):
        driver.execute_script("document.activeElement.blur()")
        _key(driver, "e")
        driver.execute_cdp_cmd("Input.insertText", {"text": f"{0.01 * (k + 1):.2f}"})
        driver.execute_async_script(QUIET)
        driver.execute_script("performance.clearMarks()")
        _key(driver, "Enter")
        for kept, one in zip(
            (found.picture, found.panel, found.screen),
            driver.execute_async_script(EDITED),
            strict=True,
        ):
            kept.append(one)
    return found


def _key(driver: Any, key: str) -> None:
    text = {"text": "\r"} if key == "Enter" else {"text": key}
    code = {"windowsVirtualKeyCode": 13} if key == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        more = {**text, **code} if kind == "keyDown" else code
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": kind, "key": key, **more})


def shown(values: Sequence[float]) -> str:
    """The median and the 95th percentile."""
    return f"{np.median(values):7.2f} ({np.percentile(values, 95):.2f})"


def measured(driver: Any, case: Case, times: int) -> None:
    """Print the figures of one network."""
    with served(case.config) as address:
        for _ in range(2):
            opened(driver, address)  # warms the server and the browser
        print(f"{case.name}, load {os.getloadavg()[0]:.1f}")
        firsts = []
        for _ in range(times):
            driver.execute_async_script(QUIET)
            firsts.append((opened(driver, address), empty(driver)))
        print(f"  first picture          {shown([a for a, _ in firsts])}")
        print(f"    an empty page        {shown([b for _, b in firsts])}")
        count, hosts = sent(driver, address)
        for what, click in (("hover", False), ("choose", True)):
            opened(driver, address)
            print(f"  {what:6} script          {pointed(driver, times, click=click)}")
            driver.get(EMPTY)
            print(f"    an empty page        {pointed(driver, times, click=click)}")
        found = edited(driver, address, case, times)
        print(f"  edit, until drawn      {shown(found.picture)}")
        print(f"    with the panel       {shown(found.panel)}")
        print(f"    on the screen        {shown(found.screen)}")
        print(f"  sent                   {count / 1e3:7.0f} kB, by {', '.join(sorted(hosts))}")


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=40)
    times = parser.parse_args().times
    from chainrule.inspector.page import served as page

    print(f"{machine()}\n")
    print(f"page without data, compressed {len(gzip.compress(page().encode())) / 1e3:.1f} kB\n")
    with browser() as driver:
        print(f"Chromium {driver.capabilities['browserVersion']}\n")
        for case in CASES:
            measured(driver, case, times)


if __name__ == "__main__":
    main()
