"""Real data files, where this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def real():
    """The folder of the real data files."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("CHAINRULE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"needs the real data files; {folder} is absent (set CHAINRULE_DATA)")
    return folder
