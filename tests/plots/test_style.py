"""Text from files, cut and cleaned."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.plots.style import plain


@given(st.text(), st.integers(1, 30))
def test_plain_text_is_one_line_of_limited_length(text, limit):
    line = plain(text, limit)
    assert len(line) <= limit
    assert line.isprintable() or not any(c in line for c in "\n\r\t\0")
    line.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N"]), max_size=30))
def test_ordinary_names_stay_as_they_are(text):
    assert plain(text, 30) == text


@pytest.mark.exhaustive
def test_the_first_picture_of_a_slow_machine_says_nothing(tmp_path):
    """Matplotlib announces after five seconds that it still looks for fonts: here at once."""
    code = """
import threading

def at_once(seconds, function):
    function()
    return threading.Event()  # which is neither started nor cancelled

threading.Event.start = threading.Event.cancel = lambda self: None
threading.Timer = at_once
from chainrule.plots.style import house_style
with house_style():
    import matplotlib.font_manager
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()), "no fonts were looked for"
