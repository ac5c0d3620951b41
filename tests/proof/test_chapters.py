"""A chapter of the proof is measured in a process of its own, and never ends without a line."""

import os
import sys
from pathlib import Path

import pytest
from proof.chapters import TITLES, measured
from proof.line import Line

ROOT = Path(__file__).parents[2]

CHAPTERS = {
    "whole": "yield Line('pid', '', str(os.getpid()), full)",
    "raising": "yield Line('first', '', '', True); raise RuntimeError('no more')",
    "killed": "yield Line('first', '', '', True); os.kill(os.getpid(), 9)",
}


@pytest.fixture
def _chapters(tmp_path, monkeypatch):
    """Modules of the proof, which other processes find as well."""
    for name, body in CHAPTERS.items():
        text = f"import os\nfrom proof.line import Line\ndef lines(full):\n    {body}\n"
        (tmp_path / f"{name}.py").write_text(text)
    start = tmp_path / "sitecustomize.py"
    start.write_text(f"import proof\nproof.__path__.append({str(tmp_path)!r})\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT), *sys.path]))


@pytest.mark.usefixtures("_chapters")
def test_it_has_a_process_of_its_own():
    (line,) = measured("whole", full=True)
    assert line == Line("pid", "", line.measured, holds=True)
    assert int(line.measured) != os.getpid()


@pytest.mark.usefixtures("_chapters")
@pytest.mark.parametrize(("name", "found"), [("raising", "no more"), ("killed", "status -9")])
def test_what_breaks_off_does_not_hold(name, found):
    first, last = measured(name, full=False)
    assert first.holds
    assert not last.holds
    assert found in last.measured


def test_every_chapter_is_there():
    assert all((ROOT / "proof" / f"{name}.py").is_file() for name in TITLES)
