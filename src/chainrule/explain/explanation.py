"""An explanation: a pass worked out, to print, to write as a page, or to look a number up in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chainrule.core.errors import UnknownNameError, unknown
from chainrule.core.html import escaped, never_fails
from chainrule.explain.blocks import Section, Step
from chainrule.explain.html import fragment, page
from chainrule.explain.markdown import as_markdown
from chainrule.explain.naming import name_text
from chainrule.explain.numbers import DIGITS
from chainrule.explain.text import as_text

MOST_STEPS = 150
"""An explanation of more steps shows itself in a notebook as text."""


@dataclass(frozen=True)
class Explanation:
    """A forward pass, a backward pass and an update, worked out with every number.

    ``print(explanation)`` shows it as text, `markdown` and `html` write it for a page, and in a
    notebook it shows itself.

    Attributes:
        title: the heading.
        sections: in the order in which a teacher writes them on the board.
        digits: how many significant digits are shown, where not more are needed.
    """

    title: str
    sections: tuple[Section, ...] = field(repr=False)
    digits: int = DIGITS

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Step))

    def step(self, name: str) -> Step:
        """The step that computes a number, by its name as the text form writes it.

        Raises:
            UnknownNameError: no step computes a number of this name.
        """
        found = {name_text(step.result.name): step for step in reversed(self.steps)}
        if name not in found:
            raise UnknownNameError(unknown("number", name, found))
        return found[name]

    def text(self, width: int = 80) -> str:
        """The explanation as text of at most so many columns, at least 40."""
        return as_text(self.title, self.sections, width, self.digits)

    def markdown(self) -> str:
        """The explanation as Markdown that GitHub shows, with formulas in LaTeX."""
        return as_markdown(self.title, self.sections, self.digits)

    def html(self) -> str:
        """The explanation as a page of its own, with formulas in MathML and without a script.

        Raises:
            MissingExtraError: latex2mathml is not installed.
        """
        return page(self.title, self.sections, self.digits)

    @never_fails
    def _repr_html_(self) -> str:
        if len(self.steps) > MOST_STEPS:  # formulas of so many would be a megabyte
            return f"<pre>{escaped(self.text(), most=10**7)}</pre>"
        return fragment(self.title, self.sections, self.digits)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"Explanation({self.title!r}: {len(self.steps)} steps)"
