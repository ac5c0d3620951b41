"""A submission sees the inputs of a hidden part, and cannot tell them to its student.

Each attack tries to say one of two numbers by another way; what the student is shown, and what is
counted in the class's table, is the same for both.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from chainrule.marking.assignments.assignment import load_assignment
from chainrule.marking.marking import mark_parts

HLCV = Path(__file__).parents[2] / "assignments" / "HLCV"

NETWORK = """
import sys
import numpy as np
SECRET = {secret}
class TwoLayerNet:
    def __init__(self, inputs, hidden, outputs, std=1e-4):
        self.params = {{"W1": np.zeros((inputs, hidden)), "b1": np.zeros(hidden),
                        "W2": np.zeros((hidden, outputs)), "b2": np.zeros(outputs)}}
    def loss(self, X, y=None, reg=0.0):
        {attack}
def forged(text, **names):
    exec(compile(text, "<call>", "exec"), names)
"""

ATTACKS = {
    "the class of an error": "raise type(f'Secret{SECRET}', (Exception,), {})",
    "its text": "raise ValueError(f'secret {SECRET}')",
    "its line": "exec(compile('\\n' * SECRET + 'raise ValueError', __file__, 'exec'))",
    "a key that is missing": "forged('raise KeyError(secret)', secret=f'secret {SECRET}')",
    "a name that is missing": "forged(f'secret{SECRET}')",
    "an import": "forged('raise found', found=ImportError(name=f'secret{SECRET}'))",
    "a line of wrong syntax": "raise SyntaxError('no', (__file__, SECRET, 1, f'secret{SECRET}'))",
    "an exit": "sys.exit(f'secret {SECRET}')",
    "what is printed": "print(f'secret {SECRET}', file=sys.stderr)",
    "a text": "return f'secret {SECRET}'",
    "the class of what is returned": "return type(f'Secret{SECRET}', (), {})()",
    "a shape": "return np.zeros((len(X), *(1,) * (SECRET % 7), 3))",
    "a size": "return np.zeros((SECRET, 3))",
    "a number": "return np.full((len(X), 3), float(SECRET))",
    "a note": "raise type('E', (ValueError,), {'__notes__': [f'secret {SECRET}']})",
}


def shown(attack, secret, folder):
    """All that is said of a hidden part but to the teacher."""
    folder.mkdir()
    text = NETWORK.format(attack=attack, secret=secret)
    (folder / "two_layernet.py").write_text(text, "utf-8")
    part = replace(load_assignment(HLCV).parts[0], is_hidden=True)
    found = mark_parts([part], folder).parts[0]
    assert found.earned == 0
    assert found.status in ("wrong", "not run")
    return replace(found, teacher=(), seconds=0.0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ATTACKS)
def test_the_student_is_shown_the_same_whatever_a_submission_says(name, tmp_path):
    one, other = (
        shown(ATTACKS[name], secret, tmp_path / str(secret)) for secret in (1_111, 2_223)
    )
    assert one == other
    assert "1111" not in repr(one)
