"""A page as a browser shows it: what it says, requests, reports and lets a person do."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PROGRAMS = {
    "Chromium": ("chromium", "chromium-browser", "google-chrome"),
    "ChromeDriver": ("chromedriver",),
}

AXE = ("axe_playwright_python", "axe_core_python")
"""The packages that hold axe-core, the one with the newer first."""

PACKAGES = ("selenium", "jinja2", "pygal", "latex2mathml")


def lacking() -> str | None:
    """What is not installed, and how it is; None if everything is there."""
    for name, programs in PROGRAMS.items():
        if not any(map(shutil.which, programs)):
            return f"{name} is not installed (apt-get install chromium chromium-driver)"
    missing = [name for name in PACKAGES if find_spec(name) is None]
    missing += [] if any(map(find_spec, AXE)) else [AXE[-1]]
    return f"not installed: {', '.join(missing)} (pip install -e '.[dev]')" if missing else None


WIDTHS = (360, 1280)


@cache
def axe() -> str:
    """The text of axe-core, which finds faults that keep people out."""
    package = next(name for name in AXE if find_spec(name))
    return files(package).joinpath("axe.min.js").read_text("utf-8")


class Browser:
    """A started browser.

    Attributes:
        driver: Selenium's.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, *, width: int = 1280, dark: bool = False, media: str = "") -> None:
        """Open a file in a window of a width, on a light or a dark screen, or as it is printed."""
        self.visit(path.as_uri(), width=width, dark=dark, media=media)

    def visit(
        self, address: str, *, width: int = 1280, dark: bool = False, media: str = ""
    ) -> None:
        """Open an address likewise."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setDeviceMetricsOverride", size)
        self._command("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # what came before is not this page's
        self.driver.get(address)

    def _command(self, name: str, arguments: dict[str, Any]) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def unfold(self) -> None:
        """Open what is folded."""
        self.run("document.querySelectorAll('details').forEach(e => { e.open = true; })")

    def all(self, selector: str, within: Any = None) -> list[Any]:
        """The elements that a CSS selector finds in the page, or in an element."""
        return (within or self.driver).find_elements("css selector", selector)

    def point_at(self, element: Any, aside: int) -> None:
        """Move the pointer to the middle of an element, and so many pixels to the right of it."""
        from selenium.webdriver import ActionChains

        moved = ActionChains(self.driver, duration=0)
        moved.move_to_element_with_offset(element, aside, 0).perform()

    def press(self, key: str, element: Any = None) -> None:
        """Press a key, such as ``TAB``, where the focus is or on an element."""
        from selenium.webdriver import Keys

        (element or self.driver.switch_to.active_element).send_keys(getattr(Keys, key))

    @property
    def said(self) -> list[str]:
        """The errors and warnings in the console since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    @property
    def requested(self) -> set[str]:
        """The addresses that were requested since the page was opened, without data in itself."""
        messages = (
            json.loads(e["message"])["message"] for e in self.driver.get_log("performance")
        )
        sent = {
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        }
        return {url for url in sent if not url.startswith(("data:", "about:"))}

    def violations(self, without: str = "no-element") -> list[str]:
        """What keeps people out, by axe-core: the rule, and the first places.

        Args:
            without: a selector of elements that are not looked at.
        """
        self.run(axe())
        found = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run({exclude: [[arguments[0]]]})"
            ".then(r => done(r.violations), e => done([{id: String(e), nodes: []}]))",
            without,
        )
        return [
            f"{each['id']}: {[node['html'][:150] for node in each['nodes'][:3]]}" for each in found
        ]

    @property
    def wider(self) -> list[str]:
        """The elements that stick out of the page to the right, if it scrolls sideways."""
        return self.run(
            "const width = document.documentElement.clientWidth;"
            "if (document.documentElement.scrollWidth <= width) return [];"
            "const scrolls = e => e && (getComputedStyle(e).overflowX != 'visible' ||"
            " scrolls(e.parentElement));"
            "return ['page'].concat([...document.querySelectorAll('body *')].filter("
            "e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))"
            ".slice(0, 5).map(e => e.outerHTML.slice(0, 150)))"
        )

    def printed(self) -> bytes:
        """The page as a PDF of A4."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69}
        return base64.b64decode(self._command("Page.printToPDF", size)["data"])

    def without_scripts(self, look: Callable[[], Any]) -> Any:
        """What ``look`` returns while the scripts of pages do not run."""
        self._command("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            return look()
        finally:
            self._command("Emulation.setScriptExecutionDisabled", {"value": False})


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser without a window, which keeps what it writes in a folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    program, driver = (
        next(path for path in map(shutil.which, names) if path) for names in PROGRAMS.values()
    )
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "disable-gpu", "disable-dev-shm-usage", "no-first-run"):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={folder}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium refuses root otherwise
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    opened.set_script_timeout(180)  # of axe-core on a page of thousands of formulas
    try:
        yield Browser(opened)
    finally:
        opened.quit()
