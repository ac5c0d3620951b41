"""Plain data out of pickles, and nothing else."""

from __future__ import annotations

import os
import pickle
import pickletools
import resource
import struct
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import DataError
from chainrule.core.limits import MAX_PICKLE_BYTES
from chainrule.data.named.pickles import read_pickle
from yardstick import add_up, times

ROWS = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6)
DATA = {"data": ROWS, "labels": [3, 0, 2, 70_000], "names": ["a", "b"], "batch": "1 of 5"}


@pytest.fixture
def read(tmp_path):
    """Reads the bytes it is given, from a file."""

    def from_bytes(contents):
        path = tmp_path / "file"
        path.write_bytes(contents)
        return read_pickle(path)

    return from_bytes


def as_text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_python_3_saves(protocol, as_bytes, order, read):
    given = {**DATA, "data": np.array(ROWS, order=order), "empty": b"", "yes": True, "no": None}
    if as_bytes:
        given = {
            key.encode(): value.encode() if isinstance(value, str) else value
            for key, value in given.items()
        }
    found = read(pickle.dumps(given, protocol=protocol))
    assert np.array_equal(found["data"], ROWS)
    assert found["labels"] == DATA["labels"]
    assert [as_text(name) for name in found["names"]] == ["a", "b"]
    assert as_text(found["batch"]) == "1 of 5"
    assert (found["empty"], found["yes"], found["no"]) == (b"", True, None)


def python_2(rows, labels):
    """A dictionary as Python 2 wrote it in protocol 2, opcode by opcode."""
    raw = rows.tobytes()
    minus_one = b"J\xff\xff\xff\xff"
    details = b"(K\x03U\x01|NNN" + minus_one + minus_one + b"K\x00tb"
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R" + details
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + b"".join(b"K" + bytes([size]) for size in rows.shape)
        + b"\x86" + dtype + b"\x89T" + struct.pack("<i", len(raw)) + raw + b"tb"
    )  # fmt: skip
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels" + numbers + b"u."


PUBLISHED = python_2(ROWS, [1, 2, 3, 4])


def test_what_python_2_saved(read):
    found = read(PUBLISHED)
    assert np.array_equal(found["data"], ROWS)
    assert found["labels"] == [1, 2, 3, 4]


def test_protocol_0_of_python_2(read):
    contents = b"(dp0\nS'na\\x00me'\np1\nI7\nsS\"it's\"\nL12L\nsVw\\u00f6rd\nI01\ns."
    assert read(contents) == {"na\x00me": 7, "it's": 12, "wörd": True}


class Evil:
    """What runs a command where it is unpickled."""

    def __reduce__(self):
        return os.system, ("exit 1",)


DTYPE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
DOUBLED = b"U\x01a)q\x00" + b"U\x01ah\x00h\x00\x86q\x00" * 60
"""A tuple of two tuples that are one and the same, and so on: as a text it has no end."""


def with_shape(shape, raw=b"a", before=b""):
    """A dictionary with an array of a shape that the opcodes ``shape`` leave on the stack."""
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    state = b"(K\x01" + shape + DTYPE + b"\x89U" + bytes([len(raw)]) + raw + b"tb"
    return b"}(" + before + b"U\x04data" + made + state + b"u."


HOSTILE = {
    "a command": (pickle.dumps({"data": Evil()}), r"the global '(posix|nt)\.system'"),
    "a command, old": (pickle.dumps({"data": Evil()}, protocol=0), r"global '(posix|nt)\.system'"),
    "eval": (b"}(U\x01ac__builtin__\neval\nU\x011\x85Rs.", r"the global '__builtin__\.eval'"),
    "a colour for the terminal": (b"}(U\x01ac\x1b[31mos\nsystem\n0u.", r"'\\x1b\[31mos\.system'"),
    "a persistent object": (b"}(U\x01aPx\nu.", "opcode PERSID"),
    "an instance": (b"(U\x01aios\nsystem\n.", "opcode INST"),
    "an object": (b"}(U\x01a(cos\nsystem\no.", r"the global 'os\.system'"),
    "an extension": (b"}\x82\x01.", "opcode EXT1"),
    "new": (b"}(U\x01acnumpy\nndarray\n)\x81u.", "opcode NEWOBJ"),
    "a global as a value": (b"}(U\x01acnumpy\ndtype\nu.", "a global as a value"),
    "a call of ndarray": (b"}(U\x01acnumpy\nndarray\n)Ru.", "an array made in another way"),
    "a call of a text": (b"}(U\x01aU\x01b)Ru.", "no known global"),
    "a huge length": (b"}(U\x01aT\xff\xff\xff\x7fu.", "cut short .*2147483647 bytes"),
    "a negative length": (b"}(U\x01aT\xff\xff\xff\xffu.", "cut short"),
    "a huge length of 8": (b"}(U\x01a\x8e" + b"\xff" * 8 + b"u.", "cut short"),
    "a list": (pickle.dumps([1, 2]), "is no dictionary"),
    "nothing": (b"", "cut short"),
    "no pickle": (b"\x89PNG\r\n\x1a\n", "missing|opcode|no dictionary"),
    "a key that is a list": (b"}(]K\x01u.", "a key of type list"),
    "a key without a value": (b"}(U\x01au.", "a key has no value"),
    "floats": (pickle.dumps({"data": ROWS.astype(float)}), "numbers of type 'f8'"),
    "objects": (pickle.dumps({"data": np.array([{}], dtype=object)}), "numbers of type 'O8'"),
    "a float": (pickle.dumps({"data": 0.5}), "opcode BINFLOAT"),
    "too few bytes": (PUBLISHED.replace(b"K\x04K\x06\x86", b"K\x04K\x07\x86"), "has 24 bytes"),
    "a negative size": (
        PUBLISHED.replace(b"K\x04K\x06", b"J\xff\xff\xff\xffK\x06"),
        "a size that no file has",
    ),
    "a size that is true": (PUBLISHED.replace(b"K\x04K\x06\x86", b"\x88K\x06\x86"), "shape"),
    "a shape of doubled tuples": (with_shape(b"h\x00", before=DOUBLED), "whole numbers"),
    "a shape of nested tuples": (with_shape(b")" + b"\x85" * 9_000), "whole numbers"),
    "no cases beyond count": (
        with_shape(b"(K\x00" + b"J\xff\xff\xff\x3f" * 3 + b"t", b""),
        "a size that no file has",
    ),
    "a size of many digits": (with_shape(b"\x8a\xfe" + b"\x7f" * 254 + b"\x85"), "no file has"),
    "an array without bytes": (
        b"}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x85Rs.",
        "never got its bytes",
    ),
    "a memory of nothing": (b"}U\x01ah\x07s.", "nothing was stored under number 7"),
    "digits": (b"}U\x01aI" + b"9" * 10_000 + b"\ns.", "damaged .*digits"),
    "an odd encoding": (
        b"}U\x01ac_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86Rs.",
        "encoding",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_data_is_refused_with_its_place(name, read, capfd):
    contents, message = HOSTILE[name]
    with pytest.raises(DataError, match=message) as caught:
        read(contents)
    assert "byte " in str(caught.value)
    assert len(str(caught.value)) < 300
    assert capfd.readouterr() == ("", "")


@pytest.mark.exhaustive
def test_every_cut_is_told(read):
    for contents in (PUBLISHED, *(pickle.dumps(DATA, protocol=p) for p in range(6))):
        for end in range(len(contents)):
            with pytest.raises(DataError):
                read(contents[:end])


@pytest.mark.exhaustive
@settings(max_examples=300)
@given(data=st.data(), protocol=st.integers(-1, 5))
def test_no_mutation_does_harm(data, protocol, tmp_path_factory):
    """Whatever bytes are changed: data as they are, or one message."""
    contents = bytearray(PUBLISHED if protocol < 0 else pickle.dumps(DATA, protocol=protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(contents) - 1))
        contents[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("mutated") / "file"
    path.write_bytes(contents)
    with suppress(DataError):
        assert all(isinstance(key, str) for key in read_pickle(path))


@settings(max_examples=200)
@given(contents=st.binary(max_size=200))
def test_any_bytes_end_in_a_message_or_a_dictionary(contents, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(contents)
    with suppress(DataError):
        assert isinstance(read_pickle(path), dict)


PIECES = st.sampled_from(
    [
        *(bytes([code]) for code in b"(0NRbadelstu}]).\x81\x85\x86\x87\x88\x89\x93\x94"),
        *(b"K" + bytes([k]) for k in range(3)),
        *(b"U" + bytes([len(text)]) + text for text in (b"", b"a", b"u1", b"latin1", b"C")),
        *(b"q" + bytes([k]) for k in range(3)),
        *(b"h" + bytes([k]) for k in range(3)),
        b"X\x02\0\0\0\xc3\xa9",
        b"X\x06\0\0\0latin1",
        b"\x8a\x09" + b"\x7f" * 9,
        b"cnumpy.core.multiarray\n_reconstruct\n",
        b"cnumpy.core.numeric\n_frombuffer\n",
        b"cnumpy\nndarray\n",
        b"cnumpy\ndtype\n",
        b"c_codecs\nencode\n",
        b"c__builtin__\nbytes\n",
        DTYPE,
        b"U\x01a" + DTYPE,
    ]
)


@pytest.mark.exhaustive
@settings(max_examples=1500)
@given(pieces=st.lists(PIECES, max_size=25))
def test_no_order_of_the_opcodes_does_harm(pieces, tmp_path_factory):
    """Programs that are well-formed but for their sense: they come further than random bytes."""
    path = tmp_path_factory.mktemp("programs") / "file"
    path.write_bytes(b"}U\x04data" + b"".join(pieces) + b"s.")
    with suppress(DataError):
        assert isinstance(read_pickle(path), dict)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe has a name on Unix alone")
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "", "a" * 300):
        with pytest.raises(DataError):
            read_pickle(tmp_path / name)


def test_a_file_beyond_any_use_is_not_read(tmp_path):
    with open(tmp_path / "long", "wb") as file:
        file.truncate(MAX_PICKLE_BYTES + 1)
    with pytest.raises(
        DataError,
        match=r"the file has 1,073,741,825 bytes; at most 1,073,741,824 \(1 GiB\) are read",
    ):
        read_pickle(tmp_path / "long")


BOMBS = {
    "doubled lists": b"}(U\x01a]q\x00" + b"(h\x00h\x00l\x94q\x00" * 50_000 + b"u.",
    "nested tuples": b"}U\x01aK\x01" + b"\x85" * 1_000_000 + b"s.",
    "many dictionaries": b"}" * 4_000_000 + b".",
    "one text encoded again and again": (
        b"}(U\x01aX" + struct.pack("<I", 1_000_000) + b"a" * 1_000_000 + b"q\x00"
        + b"c_codecs\nencode\nh\x00X\x06\0\0\0latin1\x86Rq\x01" * 5_000 + b"u."
    ),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured as Unix tells it")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_cost_little(name, read):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def refuse():
        with suppress(DataError):
            read(BOMBS[name])

    assert times(refuse, lambda: add_up(BOMBS[name]), at_most=20) <= 20
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 2**30


NESTED = {
    "lists": b"]" * 1_000_000 + b"a" * 999_999,
    "dictionaries": b"}" * 1_000_000,
    "marks": b"(" * 1_000_000,
    "tuples of one": b")" + b"\x85" * 1_000_000,
    "tuples of marks": b"(" * 9_000 + b"t" * 9_000 + b"\x85" * 9_000,
}


@pytest.mark.parametrize("name", NESTED)
def test_values_in_values_are_refused_before_there_are_many(name, read):
    with pytest.raises(
        DataError, match=r"byte \d\d,\d\d\d: found more than 10,000 values in values"
    ):
        read(NESTED[name] + b".")


def test_what_throws_values_away_is_no_plain_data(read):
    for program, at in ((b"}N0.", 2), (b"}(NN1.", 4)):
        with pytest.raises(DataError, match=f"byte {at}: found opcode"):
            read(program)


@pytest.mark.exhaustive
def test_long_lists_and_tuples_of_plain_values_are_read(read):
    held = {
        "labels": list(range(200_000)),
        "tuple": tuple(range(50_000)),
        "pairs": [(k, k) for k in range(20_000)],
        "lists": [[k] for k in range(20_000)],
    }
    for protocol in range(6):
        assert read(pickle.dumps(held, protocol=protocol)) == held


def test_every_opcode_is_one_of_pickletools_and_none_does_harm():
    from chainrule.data.named.pickles import ACTIONS

    harmful = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4"}
    assert set(ACTIONS) <= {opcode.name for opcode in pickletools.opcodes} - harmful
