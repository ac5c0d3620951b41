"""The pieces of HTML that notebooks show: whatever the texts, they are texts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core import html
from chainrule.core.errors import printable
from chainrule.core.notation import cut, in_a_line, left_out
from pieces import read

TEXTS = st.text(st.characters(codec=None), max_size=50)


@settings(max_examples=40)
@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=4), TEXTS)
def test_any_text_is_a_text_of_a_table(rows, title):
    found = read(html.piece(title, html.table(rows[0], rows[1:])))
    assert found.rows == [[cut(printable(text), html.MOST_LETTERS) for text in r] for r in rows]
    assert found.tags <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}


def test_many_rows_and_columns_are_shortened_in_the_middle():
    rows = [[f"{k}.{j}" for j in range(200)] for k in range(200)]
    found = read(html.table([f"column {j}" for j in range(200)], rows)).rows
    assert len(found) == 1 + html.MOST_ROWS
    assert {len(row) for row in found} == {html.MOST_COLUMNS}
    assert found[0][3:6] == ["column 3", "…", "column 196"]
    assert (found[1][0], found[-1][-1], found[13][0]) == ("0.0", "199.199", "…")


@given(st.lists(st.integers()), st.integers(1, 9))
def test_what_is_left_out_is_in_the_middle(items, most):
    found = left_out(items, most)
    assert len(found) == min(len(items), most)
    if len(items) <= most:
        assert found == items
    else:
        gap = found.index(None)
        assert found[:gap] == items[:gap]
        assert found[gap + 1 :] == items[len(items) - (most - gap - 1) :]


@given(st.lists(TEXTS, max_size=60))
def test_a_line_is_no_longer_than_it_may_be(words):
    line = in_a_line(words, most=110)
    assert len(line) <= 110
    if line != ", ".join(words):
        assert line.endswith(cut(words[-1], 40))


def test_what_fails_is_none():
    class Fails:
        @html.never_fails
        def _repr_html_(self) -> str:
            raise RuntimeError

    assert Fails()._repr_html_() is None
