"""Files of figures: valid, equal, whole, and clear about what went wrong."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET

import matplotlib
import pytest
from PIL import Image

from chainrule.core.errors import ChainruleError
from chainrule.plots import learning_curve, save_figure


def figure():
    return learning_curve(
        {"train_loss": [1.0, 0.5], "train_accuracy": [0.5, 0.9]}, title="a & b < c $\\frac{$"
    )


def test_a_name_without_suffix_becomes_a_png_and_an_svg(tmp_path):
    written = save_figure(figure(), tmp_path / "curve")
    assert written == [tmp_path / "curve.png", tmp_path / "curve.svg"]
    with Image.open(written[0]) as image:
        assert image.format == "PNG"
        assert image.width > 1000
    assert ET.parse(written[1]).getroot().tag.endswith("svg")
    assert sorted(os.listdir(tmp_path)) == ["curve.png", "curve.svg"]


@pytest.mark.parametrize(
    "name",
    [
        "c.svg",
        "c.PNG",
        *(
            pytest.param(name, marks=pytest.mark.exhaustive)
            for name in ("c.png", "c.pdf", "c.jpg", "c.jpeg")
        ),
    ],
)
def test_a_suffix_decides_alone(name, tmp_path):
    assert save_figure(figure(), str(tmp_path / name)) == [tmp_path / name]
    assert os.listdir(tmp_path) == [name]


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "jpg"])
def test_the_same_figure_is_the_same_file(kind, tmp_path):
    one, two = (save_figure(figure(), tmp_path / f"{k}.{kind}")[0] for k in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_users_settings_neither_matter_nor_change(tmp_path):
    plain = save_figure(figure(), tmp_path / "plain.svg")[0].read_bytes()
    with matplotlib.rc_context(
        {"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "x", "savefig.dpi": 20}
    ):
        odd = save_figure(figure(), tmp_path / "odd.svg")[0].read_bytes()
        assert matplotlib.rcParams["font.size"] == 30
    assert odd == plain


def test_a_number_after_a_dot_belongs_to_the_name(tmp_path):
    written = save_figure(figure(), tmp_path / "rate-0.5", ("png",))
    assert written == [tmp_path / "rate-0.5.png"]


def test_an_old_file_is_replaced(tmp_path):
    (tmp_path / "c.png").write_text("old")
    save_figure(figure(), tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "formats", "message"),
    [
        ("c.pgn", ("png",), "unknown picture format 'pgn'; did you mean 'png'"),
        ("c", ("png", "sgv"), "unknown picture format 'sgv'; did you mean 'svg'"),
        ("missing/c.png", (), "folder .*missing' does not exist"),
        ("file/c.png", (), "file' is a file, not a folder"),
        ("folder.png", (), "there is a folder of that name"),
    ],
)
def test_what_cannot_be_written_is_said_and_leaves_nothing(name, formats, message, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ChainruleError, match=message) as caught:
        save_figure(figure(), tmp_path / name, formats)
    assert str(caught.value).startswith(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


def test_no_name_at_all_is_said():
    with pytest.raises(ChainruleError, match="needs a file name"):
        save_figure(figure(), "")


def test_a_full_disk_keeps_the_old_picture(tmp_path, monkeypatch):
    target = tmp_path / "c.png"
    target.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ChainruleError, match="No space left on device"):
        save_figure(figure(), target)
    assert os.listdir(tmp_path) == ["c.png"]
    assert target.read_text() == "old"
