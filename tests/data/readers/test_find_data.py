"""Where data files are looked for."""

import pytest

from chainrule.core.errors import DataError
from chainrule.data.readers.paths import find_data


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A repository with a course, a folder of the user's, and shared data beside it."""
    course, mine, shared = (
        tmp_path / "repository" / "courses" / "one",
        tmp_path / "mine",
        tmp_path / "shared" / "data",
    )
    for folder in (course / "data", course / "datasets", mine, shared):
        folder.mkdir(parents=True)
    (tmp_path / "repository" / "pyproject.toml").touch()
    monkeypatch.setenv("CHAINRULE_DATA", str(mine))
    return course, mine, shared


def test_the_nearest_place_wins(places):
    course, mine, shared = places
    for folder in (shared, mine, course, course / "datasets", course / "data"):
        (folder / "xor.dat").touch()
        assert find_data("xor.dat", beside=course) == folder / "xor.dat"


def test_a_folder_within_a_place_comes_after_the_place_itself(places):
    course, mine, _ = places
    (mine / "psu").mkdir()
    (mine / "psu" / "xor.dat").touch()
    assert find_data("xor.dat", beside=course, within=("psu",)) == mine / "psu" / "xor.dat"
    (mine / "xor.dat").touch()
    assert find_data("xor.dat", beside=course, within=("psu",)) == mine / "xor.dat"


@pytest.mark.parametrize("value", ["a" * 300, "~nobody-of-this-name/data", " ", "no\tsuch"])
def test_whatever_the_variable_says(value, places, monkeypatch):
    course, _, shared = places
    monkeypatch.setenv("CHAINRULE_DATA", value)
    (shared / "xor.dat").touch()
    assert find_data("xor.dat", beside=course) == shared / "xor.dat"
    with pytest.raises(DataError):
        find_data("b" * 300, beside=course)


def test_the_variable_may_begin_at_home(places, monkeypatch):
    course, mine, _ = places
    monkeypatch.setenv("HOME", str(mine.parent))
    monkeypatch.setenv("CHAINRULE_DATA", "~/mine")
    (mine / "xor.dat").touch()
    assert find_data("xor.dat", beside=course) == mine / "xor.dat"


def test_what_is_nowhere_is_told_with_every_place(places, monkeypatch):
    course, mine, shared = places
    with pytest.raises(DataError) as caught:
        find_data("xor.dat", beside=course, within=("psu",))
    for place in (course / "data", course / "datasets", course, mine, mine / "psu", shared):
        assert str(place) in str(caught.value)
    monkeypatch.delenv("CHAINRULE_DATA")
    with pytest.raises(DataError, match="CHAINRULE_DATA") as caught:
        find_data("xor.dat", beside=course)
    assert str(mine) not in str(caught.value)
