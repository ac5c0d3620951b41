"""Makes the pictures of docs/lessons.md: views of the inspector's page, brought back by links.

Run with: python docs/make_lesson_pictures.py
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

import chainrule

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
COLOURS = 255


def cell(key: str, *at: int) -> dict[str, Any]:
    """A chosen cell, its place counted from 0."""
    return {"key": key, "at": list(at)}


def link(view: Mapping[str, Any]) -> str:
    """The fragment of an address that brings back a view."""
    text = json.dumps({"v": 1, **view}).encode()
    return "#view=" + base64.urlsafe_b64encode(text).decode().rstrip("=")


@contextmanager
def chromium(height: int = 960, width: int = 1280) -> Iterator[Any]:
    """A browser without a window."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("headless=new", "no-sandbox", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    browser = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield browser
    finally:
        browser.quit()


class Lesson:
    """The pages of an example, and pictures of their views.

    Args:
        browser: a started one.
        folder: for the pages.
        example: the name of a file in examples.
    """

    def __init__(self, browser: Any, folder: Path, example: str) -> None:
        self.browser, self.folder, self.example = browser, folder, example

    def page(self, *overrides: str, count: int = 8, film: bool = False) -> Path:
        """The page of the example, with settings replaced; with the film of a training."""
        path = self.folder / f"{self.example}{len(list(self.folder.iterdir()))}.html"
        source = ROOT / "examples" / f"{self.example}.yaml"
        chainrule.inspect(source, count=count, overrides=overrides, film=film, save=path)
        return path

    def picture(
        self, name: str, page: Path, view: Mapping[str, Any], shown: str = "", end: bool = True
    ) -> None:
        """Write a picture of a view.

        Args:
            name: of the file.
            page: the page.
            view: what its link holds, see link.js.
            shown: the selector of what is to be seen, such as a part of the panel.
            end: whether its end is to be seen, rather than its beginning.
        """
        self.browser.get("about:blank")
        self.browser.get(page.as_uri() + link(view))
        time.sleep(2)
        if shown:
            script = "document.querySelector(arguments[0])?.scrollIntoView({block: arguments[1]})"
            self.browser.execute_script(script, shown, "end" if end else "start")
            time.sleep(0.5)
        save_screen(self.browser, name)


def save_screen(browser: Any, name: str) -> None:
    """Write what a browser shows, in few colours."""
    picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    picture.quantize(COLOURS, kmeans=2).save(IMAGES / f"{name}.png", optimize=True)


def weight_sharing(browser: Any, folder: Path) -> None:
    """The section on weight sharing."""
    lesson = Lesson(browser, folder, "convolution")
    shared = lesson.page()
    local = lesson.page("network.layers.0.type=locally_connected2d")
    weight = cell("conv2d_1.W", 3, 0, 1, 1)
    window = {"operation": "conv2d_1.z", "cell": cell("conv2d_1.z", 0, 3, 10, 3)}
    lesson.picture("lesson_window", shared, window, shown=".pieces")
    everywhere = {"operation": "conv2d_1.z", "cell": weight, "light": "influences"}
    lesson.picture("lesson_everywhere", shared, everywhere, shown=".influences")
    own = {
        "operation": "locally_connected2d_1.z",
        "cell": cell("locally_connected2d_1.W", 7, 8, 3, 0, 1, 1),
        "light": "influences",
    }
    lesson.picture("lesson_own_weights", local, own, shown=".influences")
    gradient = {"operation": "conv2d_1.W_grad", "cell": cell("conv2d_1.W_grad", 5, 0, 2, 1)}
    lesson.picture("lesson_gradient", shared, gradient, shown=".pieces")


def vanishing_gradients(browser: Any, folder: Path) -> None:
    """The section on vanishing gradients."""
    lesson = Lesson(browser, folder, "vanishing")
    start = lesson.page(count=32)
    lesson.picture("lesson_vanishing", start, {"oneScale": True})
    paths = {"mode": "path", "cell": cell("dense_1.W", 1, 3)}
    lesson.picture("lesson_vanishing_path", start, paths)
    names = [f"dense_{k}" for k in range(1, 6)]
    edits = [{"kind": "activation", "layer": name, "value": "tanh"} for name in names]
    lesson.picture("lesson_vanishing_tanh", start, {"oneScale": True, "edits": edits})
    for activation in ("sigmoid", "relu"):
        other = (f"network.layers.{k}.activation={activation}" for k in range(5))
        trained = lesson.page(*other, count=32, film=True)
        name = f"lesson_vanishing_{activation}"
        lesson.picture(name, trained, {"frame": 40}, shown="#film", end=False)


LESSONS: Sequence[Any] = (vanishing_gradients, weight_sharing)

if __name__ == "__main__":
    with chromium() as started, tempfile.TemporaryDirectory() as made:
        for one in LESSONS:
            one(started, Path(made))
