"""docs/images.md: its configurations of folders run, and it says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML

from chainrule.core.limits import MAX_DATA_BYTES, MAX_PIXELS
from chainrule.data.readers.image_folder import PART_NAMES, natural, read_image_folder
from chainrule.data.readers.pictures import ENDINGS
from chainrule.data.sources import load_data

PAGE = (Path(__file__).parents[3] / "docs" / "images.md").read_text(encoding="utf-8")
PAGE = PAGE[PAGE.index("## Your own images") :]
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def pets(tmp_path):
    """The folders that the page tells of."""
    for place in ("pets/train", "pets/val", "more_pets"):
        for name in ("cat", "dog"):
            (tmp_path / place / name).mkdir(parents=True)
            for k in range(3):
                Image.new("RGB", (40, 30), (90, k, 0)).save(tmp_path / place / name / f"{k}.jpg")
    return tmp_path


@pytest.mark.parametrize("number", range(3))
def test_each_configuration_reads_its_folders(pets, number):
    assert len(BLOCKS) == 3
    settings = YAML(typ="safe").load(BLOCKS[number])["data"]
    if "skip_broken" in settings:
        (pets / "pets" / "train" / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    data = load_data(settings, folder=pets, seed=1)
    assert data.classes == ("cat", "dog")
    assert data.image_shape == ((32, 32, 3) if number == 0 else (32, 32))
    assert sum(map(len, data)) == (18 if number == 1 else 12)
    assert len(data.test) == (6 if number == 1 else 1)


def test_the_note_is_the_one_that_is_shown(tmp_path):
    pets = tmp_path / "pets"
    for name in ("cat", "dog"):
        (pets / name).mkdir(parents=True)
        for k in range(2):
            Image.new("L", (4, 4)).save(pets / name / f"{k}.png")
    for name in ("cat/a.txt", "dog/b.txt", "labels.csv", "cat/.hidden"):
        (pets / name).write_text("none")
    (note,) = read_image_folder(pets).notes
    assert f"    note: {note}\n" in PAGE


def test_names_orders_and_limits_are_those_of_the_code():
    for names in PART_NAMES.values():
        assert all(f"`{name}`" in PAGE for name in names)
    for name in ENDINGS.values():
        assert re.search(rf"\b{name}\b", PAGE)
    assert sorted(["Bear", "apple", "10", "2"], key=natural) == ["2", "10", "apple", "Bear"]
    assert MAX_PIXELS == 25_000_000
    assert MAX_DATA_BYTES == 4 * 2**30
