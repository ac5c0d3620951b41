"""What the inspector's page takes, in Chromium over loopback.

Run with: python -m benchmarks.inspector [--times 40]

Needs Chromium and ChromeDriver, and `pip install -e '.[dev]'`. For each network a server is
started, and the page is opened in a window of 1280 × 800:

- first picture: from the start of the navigation until the first picture is drawn, with the server
  and the browser warm; beside it an empty page until its first frame
- hover, choose: the script that the browser runs for one move of the pointer to another cell, or
  for one click; and until the frame after it; beside it the same on an empty page
- edit: from a number that is entered until every number is drawn again
- sent: what came over the wire for the first picture, and from where
- page: its size without data, compressed

Times are in milliseconds: the median, and the 95th percentile in brackets.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import random
import re
import shutil
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
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                yield re.search(r"http://\S+", server.stdout.readline())[0]  # type: ignore[index]
            finally:
                server.terminate()


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


FRAME = """
const done = arguments[0], start = performance.now();
requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
"""


def script_time(driver: Any) -> float:
    """The time that scripts of the page have taken so far, in milliseconds."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(one["value"] for one in metrics if one["name"] == "ScriptDuration")


def pointed(driver: Any, times: int, *, click: bool) -> tuple[list[float], list[float]]:
    """For moves or clicks at places of the picture: the script of each, and until its frame."""
    area = driver.execute_script(
        "const r = document.querySelector('canvas').getBoundingClientRect();"
        "return [r.x, r.y, r.width, Math.min(r.height, innerHeight - r.y)]"
    )
    rng = random.Random(1)
    scripts, frames = [], []
    for _ in range(times):
        x = area[0] + rng.uniform(0.05, 0.95) * area[2]
        y = area[1] + rng.uniform(0.05, 0.95) * area[3]
        before = script_time(driver)
        kinds = ("mouseMoved", "mousePressed", "mouseReleased") if click else ("mouseMoved",)
        for kind in kinds:
            button = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
            event = {"type": kind, "x": x, "y": y, **button}
            driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)
        frames.append(driver.execute_async_script(FRAME))
        scripts.append(script_time(driver) - before)
    return scripts, frames


def edited(driver: Any, address: str, case: Case, times: int) -> list[float]:
    """For numbers entered for weights: the time until every number was drawn again."""
    view = {"v": 1, "cell": {"key": case.key, "at": [k // 2 for k in case.shape]}}
    text = base64.urlsafe_b64encode(json.dumps(view).encode()).decode().rstrip("=")
    opened(driver, f"{address}&view={text}")
    found = []
    for k in range(times):
        drawn = len(driver.execute_script("return performance.getEntriesByName('picture-drawn')"))
        driver.execute_script("document.activeElement.blur()")
        _key(driver, "e")
        driver.execute_cdp_cmd("Input.insertText", {"text": f"{0.01 * (k + 1):.2f}"})
        _key(driver, "Enter")
        marks = "performance.getEntriesByName"
        then = f"{marks}('picture-drawn')[{drawn}]"
        script = f"{then} && {then}.startTime - {marks}('edited').at(-1).startTime"
        found.append(waited(driver, script))
        time.sleep(0.05)
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
        opened(driver, address)  # warms the server
        firsts = [(opened(driver, address), empty(driver)) for _ in range(max(5, times // 4))]
        count, hosts = sent(driver, address)
        print(f"{case.name}")
        print(f"  first picture          {shown([a for a, _ in firsts])}")
        print(f"    an empty page        {shown([b for _, b in firsts])}")
        for what, click in (("hover", False), ("choose", True)):
            opened(driver, address)
            scripts, frames = pointed(driver, times, click=click)
            driver.get(EMPTY)
            bare_scripts, bare_frames = pointed(driver, times, click=click)
            print(f"  {what:6} script          {shown(scripts)}, until the frame {shown(frames)}")
            print(
                f"    an empty page        {shown(bare_scripts)}, until the frame "
                f"{shown(bare_frames)}"
            )
        print(f"  edit, until drawn      {shown(edited(driver, address, case, times))}")
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
