"""What wrong calls have in common is said only where no right one has it."""

import numpy as np
import pytest

from chainrule.marking.deciding.in_common import in_common
from chainrule.marking.program import Probe


def case(n, inputs=3, units=3, reg=0.0, scale=1.0):
    return {"X": scale * np.ones((n, inputs)), "W": np.ones((inputs, units)), "reg": reg}


PROBES = (
    Probe("five", "", (case(5, 2),)),
    Probe("one", "", (case(1, 2),)),
    Probe("square", "", (case(4),)),
    Probe("penalty", "", (case(5, 2, reg=0.5),)),
    Probe("large", "", (case(6, 2, scale=1e3),)),
    Probe("again", "", (case(5, 2), case(3, 2))),
)
CALLS = {(probe.name, k) for probe in PROBES for k in range(len(probe.calls))}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({("again", 1)}, "in the second call on the same object and later"),
        ({("one", 0)}, "for a single case (N = 1) alone"),
        (CALLS - {("one", 0)}, "for more than one case; for a single one it is right"),
        ({("square", 0)}, "where W is square"),
        (CALLS - {("square", 0)}, "where W is not square"),
        ({("penalty", 0)}, "where reg is not 0"),
        ({("square", 0), ("large", 0)}, "where the number of cases is even"),
        ({("large", 0)}, "where there are large numbers"),
        ({("five", 0), ("square", 0)}, ""),
        (CALLS, ""),
    ],
    ids=lambda one: one if isinstance(one, str) else str(len(one)),
)
def test_the_condition_that_tells_wrong_calls_from_right_ones(wrong, words):
    assert in_common(PROBES, wrong, CALLS - wrong) == words
