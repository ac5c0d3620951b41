from __future__ import annotations

from enum import Enum
from pathlib import Path

import numpy as np
import pytest

from chainrule.config.reading.tree import Place, Tree, dotted, plain_scalar
from chainrule.core.schema import PlainError, plain


class Kind(str, Enum):  # noqa: UP042  # the kind of subclass that users bring along
    MSE = "mse"


def test_words_for_values() -> None:
    tree = Tree({}, "f", keys={("a", "learning_rate"): Place("f", 1, 1, "lrate")})
    tree.words = {("layers", "size"): "units"}
    assert tree.word(("a", "learning_rate")) == "lrate"
    assert tree.word(("layers", 0, "size")) == "units"
    assert tree.word(("data", "split", 1)) == "item 2 of split"
    assert tree.word(("network", "layers", 1)) == "layer 2"
    assert tree.word(()) == "the configuration"


def test_paths_are_written_as_in_python() -> None:
    assert dotted(()) == ""
    assert dotted(("a", 0, "b", 1)) == "a[0].b[1]"


def test_plain_values() -> None:
    given = {"a": (np.float64(0.5), np.int32(2), np.bool_(True)), 1: Path("x"), "k": Kind.MSE}
    found = plain(given)
    assert found == {"a": [0.5, 2, True], "1": "x", "k": "mse"}
    assert [type(item) for item in found["a"]] == [float, int, bool]
    assert type(found["k"]) is str


def test_what_is_not_plain_says_where() -> None:
    with pytest.raises(PlainError, match="a set cannot stand in a configuration") as caught:
        plain({"a": [1, {2}]})
    assert caught.value.path == ("a", 1)


@pytest.mark.parametrize("word", ["nan", "inf", "1.2.3", "-", "+", ".", "e5", "1e", "True1", "٣"])
def test_what_only_looks_like_a_number_is_a_word(word: str) -> None:
    assert plain_scalar(word) == word


def test_a_number_too_long_for_python_is_a_word() -> None:
    assert plain_scalar("9" * 5000) == "9" * 5000
