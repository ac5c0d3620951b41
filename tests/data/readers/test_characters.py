"""Next-character prediction: windows of a text, and texts that are none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError, DataError
from chainrule.data.readers.characters import Alphabet, read_characters, windows_of_file
from chainrule.data.sources import load_data

TEXT = "".join(chr(97 + (k * k) % 7) for k in range(200))


def read(tmp_path, text=TEXT, split=(0.6, 0.2, 0.2), **options):
    path = tmp_path / "book.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_characters(path, split=split, **options)


def spelt(alphabet, part, case):
    """Inputs and targets of a case as text again."""
    x = "".join(alphabet.symbols[k] for k in part.x[case].argmax(axis=1))
    return x, "".join(alphabet.symbols[k] for k in part.t[case])


def test_windows_follow_each_other_and_targets_are_one_further_on(tmp_path):
    data = read(tmp_path, steps=10)
    alphabet = Alphabet.named(data.classes)
    pieces = [TEXT[:120], TEXT[120:160], TEXT[160:]]
    for part, piece in zip(data, pieces, strict=True):
        assert len(part) == (len(piece) - 1) // 10
        for case in range(len(part)):
            x, t = spelt(alphabet, part, case)
            assert x == piece[10 * case : 10 * case + 10]
            assert t == piece[10 * case + 1 : 10 * case + 11]
    assert data.sequence_shape == (10, len(alphabet))


def test_no_part_sees_a_character_of_another(tmp_path):
    """Each place of the text has a character of its own, so that a leak shows."""
    text = "".join(chr(0x4E00 + k) for k in range(100))
    data = read(tmp_path, text, steps=5, stride=1)
    seen = data.train.t[data.train.t >= 0].max() + 1
    assert len(data.classes) == 60
    assert seen == 60
    for part in (data.validation, data.test):
        assert not part.x.any()
        assert (part.t == -1).all()


def test_windows_may_overlap(tmp_path):
    data = read(tmp_path, steps=10, stride=3)
    alphabet = Alphabet.named(data.classes)
    assert spelt(alphabet, data.train, 1)[0] == TEXT[3:13]
    assert len(data.train) == (120 - 1 - 10) // 3 + 1


def test_unknown_characters_are_no_input_and_no_target_and_are_told(tmp_path):
    data = read(tmp_path, "ab" * 30 + "axb\n" * 10, split=(0.6, 0.2, 0.2), steps=4)
    assert data.classes == ("a", "b")
    assert "not in the training part and so not judged: \\n, x" in data.source
    assert not data.test.x[data.test.x.sum(axis=2) == 0].any()
    assert (data.test.t == -1).any()


def test_numbers_instead_of_ones(tmp_path):
    data = read(tmp_path, "abcd" * 20, steps=3, encoding="numbers")
    assert data.sequence_shape == (3, 1)
    assert data.train.x[0].ravel().tolist() == [0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"ab\ncd\xff" + b"x" * 50, r"book.txt:2:3: the byte 0xFF is not text in UTF-8"),
        (b"ab\ncd\0" + b"x" * 50, r"book.txt:2:3: a zero byte"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "the byte 0x89 is not text"),
        (b"abab", "the training part has 2 characters; a window of 10 and the one behind it need"),
        (b"a" * 500, "the training part has 1 different characters; from 2 to"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, content, steps=10)


def test_a_text_of_too_many_characters_is_refused_before_memory_is_taken(tmp_path):
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) + "".join(
        map(chr, range(0x1F000, 0x1F000 + 2000))
    )
    with pytest.raises(DataError, match="22,000 different characters; from 2 to 20,000"):
        read(tmp_path, text, split=(1.0, 0.0, 0.0), steps=10)
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 19_000))) * 20
    with pytest.raises(ConfigError, match="GiB"):
        read(tmp_path, many, split=(1.0, 0.0, 0.0), steps=10, stride=1)


def test_line_ends_and_a_byte_order_mark_are_none_of_the_characters(tmp_path):
    data = read(tmp_path, b"\xef\xbb\xbf" + b"ab\r\ncd\r" * 20, steps=3, split=(1.0, 0, 0))
    assert data.classes == ("\\n", "a", "b", "c", "d")


@given(st.text(min_size=1, max_size=30))
def test_names_of_characters_can_be_printed_and_read_back(text):
    alphabet = Alphabet.of(text)
    assert Alphabet.named(alphabet.names) == alphabet
    assert all(name.isprintable() and name.strip() for name in alphabet.names)
    assert len(set(alphabet.names)) == len(alphabet)


def test_another_file_is_read_in_the_alphabet_of_the_training(tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("abzab", encoding="utf-8")
    part, notes = windows_of_file(other, Alphabet.of("ab"), steps=2)
    assert notes == ("other.txt has characters that training never saw; they are not judged: z",)
    assert windows_of_file(other, Alphabet.of("abz"), steps=2)[1] == ()
    assert part.t.tolist() == [[1, -1], [0, 1]]
    assert part.x[1].tolist() == [[0, 0], [1, 0]]
    with pytest.raises(DataError, match="found 5 characters; a window of 9"):
        windows_of_file(other, Alphabet.of("ab"), steps=9)


def test_the_configurations_words_reach_it(tmp_path):
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    data = load_data({"text": "book.txt", "steps": 8, "stride": 4}, folder=tmp_path, seed=0)
    assert data.sequence_shape is not None
    assert data.sequence_shape[0] == 8
    with pytest.raises(ConfigError, match="unknown key 'step'; did you mean 'steps'"):
        load_data({"text": "book.txt", "step": 8}, folder=tmp_path, seed=0)
    with pytest.raises(ConfigError, match=re.escape("target of a text is class")):
        load_data({"text": "book.txt", "target": "value"}, folder=tmp_path, seed=0)
    with pytest.raises(DataError, match=r"there is no such file; did you mean 'book\.txt'"):
        load_data({"text": "bok.txt"}, folder=Path(tmp_path), seed=0)


def test_inputs_are_numbers_a_network_takes(tmp_path):
    data = read(tmp_path, steps=4)
    assert np.isfinite(data.train.x).all()
    assert (data.train.x.sum(axis=2) == 1).all()


@settings(max_examples=150)
@given(content=st.binary(max_size=200), steps=st.integers(1, 20), stride=st.integers(1, 30))
def test_any_bytes_are_a_text_or_refused(tmp_path, content, steps, stride):
    try:
        data = read(tmp_path, content, steps=steps, stride=stride)
    except DataError:
        return
    for part in data:
        assert part.x.shape[1:] == data.sequence_shape
        assert part.t.shape == part.x.shape[:2]
        assert part.t.max(initial=0) < len(data.classes)
