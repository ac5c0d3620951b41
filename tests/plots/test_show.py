"""A window where there is a screen, a file otherwise."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg

from chainrule.plots import image_grid, show_or_save
from chainrule.plots.save import has_screen

SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", "SSH_CONNECTION")


@pytest.fixture
def figure(monkeypatch):
    for name in SCREEN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return image_grid(np.eye(10)[None], ["diagonal"], title="")


@pytest.fixture
def toolkit(monkeypatch):
    """A toolkit whose windows only count how often they were shown."""
    shown = []

    class Manager:
        def __init__(self, figure, num):
            self.figure, self.num = figure, num

        def pyplot_show(self, *, block):
            shown.append((self.figure, block, Gcf.figs[self.num] is self))
            Gcf.destroy(self)

        def destroy(self):
            pass

    class FigureCanvas(FigureCanvasAgg):
        @classmethod
        def new_manager(cls, figure, num):
            return Manager(figure, num)

    module = ModuleType("matplotlib.backends.backend_tkagg")
    module.FigureCanvas = FigureCanvas
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return shown


def no_toolkits(monkeypatch):
    for name in ("tkagg", "qtagg", "gtk4agg", "gtk3agg", "wxagg", "macosx"):
        monkeypatch.setitem(sys.modules, f"matplotlib.backends.backend_{name}", None)


def test_without_a_screen_the_fallback_is_written(figure, toolkit, tmp_path):
    assert show_or_save(figure, None, tmp_path / "images.png") == tmp_path / "images.png"
    assert (tmp_path / "images.png").read_bytes().startswith(b"\x89PNG")
    assert not toolkit


def test_a_fallback_that_is_there_is_kept(figure, toolkit, tmp_path):
    names = ["my.images.png", "my.images-2.png", "my.images-3.png"]
    for name in names:
        assert show_or_save(figure, None, tmp_path / "my.images.png") == tmp_path / name


def test_with_a_screen_a_window_waits_to_be_closed(figure, toolkit, tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    assert show_or_save(figure, None, tmp_path / "images.png") is None
    assert toolkit == [(figure, True, True)]
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_asked_for_is_written_even_with_a_screen(
    figure, toolkit, tmp_path, monkeypatch
):
    monkeypatch.setenv("DISPLAY", ":0")
    written = show_or_save(figure, tmp_path / "mine.svg", tmp_path / "images.png")
    assert written == tmp_path / "mine.svg"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.svg"]
    assert not toolkit


def test_a_file_without_suffix_is_a_png(figure, tmp_path):
    assert show_or_save(figure, tmp_path / "mine", tmp_path / "x.png") == tmp_path / "mine.png"


def test_a_screen_without_a_toolkit_gives_a_file(figure, tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    no_toolkits(monkeypatch)
    assert show_or_save(figure, None, tmp_path / "images.png") == tmp_path / "images.png"


def test_a_toolkit_that_cannot_reach_its_screen_gives_a_file(figure, tmp_path, monkeypatch):
    class Broken:
        @staticmethod
        def new_manager(figure, num):
            FigureCanvasAgg(figure)
            raise RuntimeError("cannot connect to display")

    no_toolkits(monkeypatch)
    module = ModuleType("matplotlib.backends.backend_qtagg")
    module.FigureCanvas = Broken
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    canvas = figure.canvas
    assert show_or_save(figure, None, tmp_path / "images.png") == tmp_path / "images.png"
    assert figure.canvas is canvas


def test_a_backend_without_windows_is_respected(figure, toolkit, tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("MPLBACKEND", "agg")
    assert show_or_save(figure, None, tmp_path / "images.png") is not None
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    assert show_or_save(figure, None, tmp_path / "images.png") is None
    assert len(toolkit) == 1


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":1"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "freebsd14", True),
        ({}, "win32", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", False),
    ],
)
def test_where_there_is_a_screen(environment, platform, expected):
    assert has_screen(environment, platform) is expected
