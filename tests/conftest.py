"""What the tests share: how Hypothesis searches, a folder to work in, the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

# A test that passed passes again: the same examples each time, and no limit on the clock, which
# a slow machine would miss. HYPOTHESIS_PROFILE=explore searches on.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "explore", settings.get_profile("repeatable"), derandomize=False, max_examples=500
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        status: its exit status.
        out: what it printed.
        err: what it said on the error stream.
    """

    status: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of the real data files, where this machine has them."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("CHAINRULE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"needs the real data files; {folder} is absent (set CHAINRULE_DATA)")
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(folder, monkeypatch, capsys) -> Command:
    """Runs ``chainrule ARGUMENTS`` within this process, in an empty working folder."""
    from chainrule.cli.main import main

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["chainrule", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Outcome(int(end.value.code or 0), out, err)

    return run


# A run of a few epochs spends nine tenths of its time on drawing its learning curve. What is drawn
# is tested in tests/plots; elsewhere runs, sweeps and comparisons write pictures of one pixel,
# unless a test asks for real ones.

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"

CURVES = "chainrule.runs.train.draw_learning_curve"
OTHERS = "chainrule.plots.save.save_figure", "chainrule.runs.comparison.result.save_figure"


def write_a_pixel(path: Path) -> list[Path]:
    """A picture in both formats."""
    from chainrule.core.files import write_whole

    written = [path.with_name(path.name + suffix) for suffix in (".png", ".svg")]
    for file, content in zip(written, (PNG, SVG), strict=True):
        write_whole(file, content, own=True)
    return written


@pytest.fixture(scope="session", autouse=True)
def drawing() -> Iterator[dict[str, Any]]:
    """What would draw the pictures in a folder of ours, by its name; meanwhile nothing does."""
    from chainrule.plots.save import save_figure
    from chainrule.runs.train import draw_learning_curve

    def save(figure: Any, path: Any, *formats: Any, own: bool = False) -> list[Path]:
        if own and not Path(path).suffix:
            return write_a_pixel(Path(path))
        return save_figure(figure, path, *formats, own=own)

    with ExitStack() as stack:
        stack.enter_context(mock.patch(CURVES, lambda run, folder, _: write_a_pixel(folder.curve)))
        for name in OTHERS:
            stack.enter_context(mock.patch(name, save))
        yield {CURVES: draw_learning_curve, **dict.fromkeys(OTHERS, save_figure)}


@pytest.fixture
def real_pictures(monkeypatch, drawing) -> None:
    """Runs, sweeps and comparisons draw their pictures."""
    for name, draw in drawing.items():
        monkeypatch.setattr(name, draw)
