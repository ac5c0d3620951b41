"""Short ways to write down a bug or a convention of a layer."""

from __future__ import annotations

from chainrule.marking.program import Variation


def bug(
    name: str, title: str, sentence: str, hint: str, often: float = 1.0, /, **changes: str
) -> Variation:
    """A bug that students make.

    Args:
        name: its kind and place, such as ``transposed@dW``.
        title: the bug and its place in one line.
        sentence: what happens in the code and why it is wrong.
        hint: where to look, without giving it away.
        often: how often it is met, compared with others.
        changes: the other rules, by the names of their lines.
    """
    return Variation(name, title, sentence, hint, changes, often=often)


def convention(name: str, group: str, title: str, sentence: str, /, **changes: str) -> Variation:
    """A convention of a group: of those of one group, code follows one."""
    return Variation(name, title, sentence, "", changes, group=group)
