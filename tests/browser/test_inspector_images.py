"""Filters and pools in the inspector's page: pieces of the image, and what a pixel reaches."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import chainrule
from browser.opened import Browser
from browser.test_inspector_opens import DRAWN, wait
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded

CONFIG = {
    "network": {
        "layers": [
            {"type": "conv2d", "filters": 2, "size": 3, "padding": "same"},
            {"type": "max_pool2d", "size": 2},
            "flatten",
            {"size": 4},
            "softmax",
        ]
    },
    "data": {"generator": "shapes", "size": 10, "classes": 4, "count": 60, "flatten": False},
}

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def inspection() -> Any:
    return chainrule.inspect(CONFIG, count=3)


@pytest.fixture(scope="module")
def saved(inspection, tmp_path_factory) -> Path:
    return inspection.save(tmp_path_factory.mktemp("page") / "page.html")


def open_at(browser: Browser, page: Path, key: str, *at: int) -> list[str]:
    """Open the page at a cell, and return what is said below its squares of numbers."""
    view = {"v": 1, "operation": key, "cell": {"key": key, "at": list(at)}}
    text = base64.urlsafe_b64encode(json.dumps(view).encode()).decode().rstrip("=")
    browser.visit(f"{page.as_uri()}#view={text}")
    wait(browser, DRAWN)
    wait(browser, "document.querySelectorAll('.piece figcaption').length > 0")
    said = "return [...document.querySelectorAll('.piece figcaption')].map(e => e.textContent)"
    assert browser.said == []
    return browser.run(said)


def number(text: str) -> float:
    """The sum that stands below products."""
    return float(text.partition("Σ = ")[2].replace("−", "-"))


def test_the_products_under_a_filter_add_up_to_z(browser, inspection, saved):
    network = in_float64(inspection.network)
    record = recorded(network, inspection.x, inspection.t)
    x, W, products = open_at(browser, saved, "conv2d_1.z", 0, 1, 4, 5)
    assert (x, W) == ("x", "W⁽¹⁾")
    z = record["conv2d_1.z"][0, 1, 4, 5] - record["conv2d_1.b"][1]
    assert number(products) == pytest.approx(z, rel=1e-3)


def test_the_gradient_of_a_weight_has_a_row_for_each_case(browser, inspection, saved):
    network = in_float64(inspection.network)
    record = recorded(network, inspection.x, inspection.t)
    captions = open_at(browser, saved, "conv2d_1.W_grad", 1, 0, 1, 1)
    assert captions[:2] == ["x", "δ⁽¹⁾"]
    assert len(captions) == 9
    total = sum(map(number, captions[2::3]))
    assert total == pytest.approx(record["conv2d_1.W_grad"][1, 0, 1, 1], rel=1e-2)


def test_a_max_pool_shows_its_window_alone(browser, saved):
    assert open_at(browser, saved, "max_pool2d_1.out", 0, 0, 2, 2) == ["a⁽¹⁾"]
