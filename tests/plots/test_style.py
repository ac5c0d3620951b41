"""Text from files, cut and cleaned."""

from __future__ import annotations

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
