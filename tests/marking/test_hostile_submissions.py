"""Hostile submissions gain no point, see nothing that is hidden, and outlive no limit.

``python tests/marking/test_hostile_submissions.py`` prints what each of them came to, by tier.
"""

import os
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import chainrule
from chainrule.marking.assignments.assignment import load_assignment
from chainrule.marking.marking import mark_parts
from chainrule.marking.program import Probe
from chainrule.marking.sandbox import running
from chainrule.marking.sandbox.running import Calls, Limits, ask
from chainrule.marking.sandbox.starting import Sandbox, shared_sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is safe")

HOSTILE = {path.stem: path for path in sorted(Path(__file__).with_name("hostile").glob("*.py"))}
SOURCE = Path(chainrule.__file__).parent
SOLUTION = Path(__file__).parents[2] / "assignments" / "HLCV" / "solution" / "two_layernet.py"
LIMITS = Limits(seconds=0.5, memory_mb=256)
QUICK = ("fakes_results", "runs_programs", "reads_files", "patches_runner")
TIERS = ("namespaces", "landlock")

NETWORK = """

import numpy as np  # noqa


class TwoLayerNet:
    def __init__(self, D, H, C, std=1e-4):
        sizes = {"W1": (D, H), "b1": H, "W2": (H, C), "b2": C}
        self.params = {name: np.zeros(size) for name, size in sizes.items()}

    def loss(self, X, y=None, reg=0.0):
        attack()
        zeros = np.zeros((9, 9)), dict.fromkeys(self.params, np.zeros((9, 9)))
        answer = globals().get("ANSWER", zeros)
        return answer[0] if y is None else (answer[0], answer[1])

    def predict(self, X):
        attack()
        return np.zeros((9, 9))
"""


@dataclass
class Outcome:
    told: str
    trouble: str
    seconds: float
    earned: float


def staged(name, folder):
    """A folder with a hostile submission, beside another one."""
    other = folder / "other" / "two_layernet.py"
    other.parent.mkdir()
    other.write_text("OTHER SUBMISSION")
    (other.parent / "next.py").write_text("def f(x):\n    return 2 * x\n")
    mine = folder / "mine"
    mine.mkdir()
    text = HOSTILE[name].read_text("utf-8") + NETWORK
    for word, value in {
        "SOLUTION": SOLUTION,
        "OTHER": other,
        "SOURCE": SOURCE,
        "SITE": Path(np.__file__).parents[1],
        "0PARENT": os.getpid(),
    }.items():
        text = text.replace(word, str(value))
    (mine / "two_layernet.py").write_text(text, "utf-8")
    (mine / "link.txt").symlink_to(SOLUTION)
    (mine / "folder").symlink_to(SOLUTION.parent)
    return mine, other


def descendants(process=None):
    """The processes that this one has started, and those that they have."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(after[1])
    found, todo = set(), [process or os.getpid()]
    while todo:
        children = {one for one, parent in parents.items() if parent == todo[-1]}
        todo.pop()
        found |= children
        todo += children
    return found


@lru_cache
def sandbox(tier):
    return shared_sandbox() if tier == "namespaces" else Sandbox(use=tier)


def outcome(name, tier, folder, most_parts=0):
    """What a hostile submission came to: asked what it achieved, and marked.

    An honest one is asked after it, and must have its answer.
    """
    mine, other = staged(name, folder)
    calls = Calls(("two_layernet",), "", "told = two_layernet.attack()", {"told": "told or ''"})
    probes = [Probe("attacked", "", ({"x": np.ones(3)},))]
    shared_sandbox(), sandbox(tier)  # both are started by now
    before, start = descendants(), time.monotonic()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SECRET_OF_THE_MARKER", "SECRET")
        patched.setattr(running, "shared_sandbox", lambda *_: sandbox(tier))
        answers = [
            ask(mine, calls, probes, LIMITS)["attacked"][0]
            for _ in range(2 if name == "keeps_a_note" else 1)
        ]
        seconds = time.monotonic() - start
        doubled = ask(other.parent, Calls(("next",), "", "", {"y": "next.f(x)"}), probes)
        parts = load_assignment(SOLUTION.parents[1]).parts[:most_parts] if most_parts else ()
        marked = mark_parts(parts, mine, LIMITS)
    told = [str(one.values.get("told", "")) for one in answers]
    assert descendants() <= before, "processes are left"
    assert other.read_text() == "OTHER SUBMISSION"
    np.testing.assert_array_equal(doubled["attacked"][0].values["y"], [2, 2, 2])
    trouble = answers[0].trouble
    return Outcome(
        "; ".join(filter(None, told)),
        f"{trouble.kind}: {trouble.text}" if trouble else "",
        seconds,
        marked.earned,
    )


def check(found):
    assert found.told == ""
    assert found.seconds < LIMITS.seconds + 1
    assert found.earned == 0


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_submission_comes_to_nothing(name, tmp_path):
    check(outcome(name, "namespaces", tmp_path))


@pytest.mark.exhaustive
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_submission_comes_to_nothing(name, tier, tmp_path):
    check(outcome(name, tier, tmp_path, most_parts=int(tier == "namespaces")))


def test_without_a_sandbox_untrusted_code_is_refused(tmp_path):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "shared_sandbox", lambda *_: sandbox("limits"))
        mine, _ = staged("loops", tmp_path)
        calls = Calls(("two_layernet",), "", "told = 1", {"told": "told"})
        with pytest.raises(ValueError, match="not held back: reading, writing"):
            ask(mine, calls, [Probe("once", "", ({},))])
        assert ask(mine, calls, [Probe("once", "", ({},))], trust=True)["once"][0].values["told"]


def main():
    """Print what each hostile submission came to, in each tier, and fail if one gained."""
    gained = []
    for tier in TIERS:
        print(sandbox(tier).tier.sentence)
        for name in HOSTILE:
            with TemporaryDirectory() as folder:
                found = outcome(name, tier, Path(folder), most_parts=9)
            print(
                f"  {name:24} {found.earned:3g} points  {found.seconds:5.2f} s  "
                f"{found.told or 'saw and did nothing'}  ({found.trouble or 'went through'})"
            )
            is_late = found.seconds > LIMITS.seconds + 1
            gained += [name] if found.earned or found.told or is_late else []
    print(f"{len(gained)} of {2 * len(HOSTILE)} gained, saw or outlived something", *gained)
    return bool(gained)


if __name__ == "__main__":
    sys.exit(main())
