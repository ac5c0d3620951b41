"""A browser for the pages that are made: Chromium, started once, and the pages in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.opened import Browser, lacking, started

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder, with the reason, where the browser is absent."""
    own = [item for item in items if HERE in item.path.parents]
    reason = lacking() if own else None
    for item in own if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """A browser without a window, which is started once."""
    with started(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The pages, by name."""
    from browser.pages_to_open import all_pages

    return all_pages(tmp_path_factory.mktemp("pages"))
