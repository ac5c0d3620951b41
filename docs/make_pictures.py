"""Makes the pictures of the README.

Run with: python docs/make_pictures.py
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from make_lesson_pictures import cell, chromium, link, save_screen
from PIL import Image

import chainrule
from chainrule.autodiff import sigmoid, variable
from chainrule.marking.assignments.assignment import assignment_at
from chainrule.marking.classes.classroom import mark_handed_in
from chainrule.marking.classes.reports.student import student_page
from chainrule.marking.classes.submissions import Submission
from chainrule.plots.graph import graph_picture
from chainrule.plots.images import image_grid
from chainrule.plots.save import save_figure

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"


def learning_curve() -> None:
    """The curve of examples/shapes.yaml, as its run writes it."""
    with tempfile.TemporaryDirectory() as folder:
        run = chainrule.train(ROOT / "examples" / "shapes.yaml", run=folder)
        assert run.folder is not None
        shutil.copy(run.folder / "learning_curve.png", IMAGES / "learning_curve.png")


def range_test() -> None:
    """The range test of examples/shapes.yaml."""
    chainrule.range_test(ROOT / "examples" / "shapes.yaml").save(IMAGES / "range_test.png")


def shapes() -> None:
    """An image of every class of the generator."""
    names = chainrule.ImageGenerator.CLASSES
    train, _, _ = chainrule.ImageGenerator(
        size=24, classes=names, count=200, noise=0.01, flatten=False, seed=3
    )
    first = [int(np.argmax(train.t == k)) for k in range(len(names))]
    figure = image_grid(train.x[first], names, title="ImageGenerator: one of each class")
    save_figure(figure, IMAGES / "shapes.png")


def graph() -> None:
    """A neuron with its loss, values and gradients on the edges."""
    x, w, b = variable(1.5, "x"), variable(0.8, "w"), variable(-0.4, "b")
    z = (w * x + b).named("z")
    a = sigmoid(z).named("a")
    L = ((a - variable(1.0, "t")) ** 2 + 0.1 * w**2).named("L")
    figure = graph_picture(L, values=True, gradients=True, named_only=True)
    save_figure(figure, IMAGES / "graph.svg")


def report() -> None:
    """The upper part of the report of examples/iris.yaml, as Chromium shows it."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("headless=new", "no-sandbox", "hide-scrollbars", "window-size=1180,1620"):
        options.add_argument(f"--{argument}")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        run = chainrule.train(ROOT / "examples" / "iris.yaml", run=Path(folder) / "iris-1")
        chainrule.report(run, page)
        browser = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        try:
            browser.get(page.as_uri())
            shown = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
        finally:
            browser.quit()
    shown.convert("RGB").quantize(64).save(IMAGES / "report.png", optimize=True)


def inspector() -> None:
    """A backward step of a small network on three irises, early in its training."""
    overrides = ["network.layers.0.size=4", "training.epochs=4"]
    run = chainrule.train(ROOT / "examples" / "iris.yaml", overrides=overrides, save=False)
    view = {
        "operation": "dense_1.J",
        "cell": cell("dense_1.J", 2, 3),
        "case": 2,
        "camera": {"x": -16, "y": -12, "scale": 0.9},
    }
    with tempfile.TemporaryDirectory() as folder, chromium(height=800) as browser:
        page = Path(folder) / "iris.html"
        chainrule.inspect(run, count=3, save=page)
        browser.get(page.as_uri() + link(view))
        time.sleep(2)
        save_screen(browser, "inspector")


def marking() -> None:
    """The page of a student whose bias gradient is a mean where it is a sum."""
    with tempfile.TemporaryDirectory() as folder, chromium(width=780, height=1150) as browser:
        place = Path(folder) / "Ada Lovelace"
        place.mkdir()
        solution = ROOT / "assignments" / "HLCV" / "solution" / "two_layernet.py"
        text = solution.read_text("utf-8").replace('"b1": d1.sum(axis=0)', '"b1": d1.mean(axis=0)')
        (place / "two_layernet.py").write_text(text, "utf-8")
        assignment = assignment_at(Path("HLCV"))
        page = Path(folder) / "page.html"
        kept = mark_handed_in(assignment, Submission("Ada Lovelace", place))
        page.write_text(student_page(assignment, kept), "utf-8")
        browser.get(page.as_uri())
        save_screen(browser, "marked")


if __name__ == "__main__":
    marking()
    inspector()
    learning_curve()
    range_test()
    shapes()
    graph()
    report()
