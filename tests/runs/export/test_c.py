"""C: the file compiles without a warning and computes what the network computes."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from exported import (
    CASES,
    ROWS,
    expected,
    largest_error,
    of_activations,
    of_layers,
    of_table,
    with_scaling,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError
from chainrule.nn import Dense, Network
from chainrule.runs.export.c_program import Program
from chainrule.runs.export.c_text import identifier, in_comment, number, string
from chainrule.runs.export.formats import export
from chainrule.runs.export.model import Model

pytestmark = pytest.mark.filterwarnings("ignore:missing cells filled in")

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wtrigraphs")
FEW = ("conv2d, strides", "joins of sequences", "lstm, last", "gru", "layer_norm of sequences")
EVERY = [
    pytest.param(case, dtype, marks=() if case in FEW else pytest.mark.exhaustive)
    for case in CASES
    for dtype in ("float64", "float32")
]


@pytest.fixture
def compiled(tmp_path):
    """Compiles a file, with more text behind it, and returns what runs it on cases."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler, cc, on this machine")

    def make(path, *, more="", defines=()):
        whole = tmp_path / "whole.c"
        whole.write_text(f'#include "{path}"\n{more}')
        program = tmp_path / "program"
        words = [compiler, *FLAGS, *(f"-D{d}" for d in defines), "-o", program, whole, "-lm"]
        made = subprocess.run(words, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr

        def run(x=None):
            rows = [] if x is None else np.asarray(x, float).reshape(len(x), -1).tolist()
            text = "\n".join(" ".join(map(repr, row)) for row in rows)
            ended = subprocess.run([program], input=text.encode(), capture_output=True)
            assert ended.returncode == 0
            return ended.stdout

        return run

    return make


def outputs_of(printed, model):
    """The outputs, (cases, outputs), that the example program printed."""
    lines = printed.decode().splitlines()
    count = model.network.outputs
    return np.array([[float(word) for word in line.split(" ")[:count]] for line in lines])


@pytest.mark.parametrize(("case", "dtype"), EVERY)
def test_every_layer(tmp_path, compiled, case, dtype):
    model, x = of_layers(case)
    x = with_scaling(model, x)
    export(model, tmp_path / "net.c", dtype=dtype)
    found = outputs_of(compiled(tmp_path / "net.c", defines=["NET_MAIN"])(x), model)
    wanted = expected(model, x)
    # In float inputs near 1000 keep four digits behind the point.
    assert largest_error(found, wanted) < {"float64": 1e-12, "float32": 1e-3}[dtype]


def test_what_is_no_class_number_gives_nan(tmp_path, compiled):
    model, x = of_layers("embedding of rows")
    export(model, tmp_path / "net.c")
    x[:4, 0], x[4, 0], x[5, 0] = [6, 7, -2, 1.5], -1, 5
    found = outputs_of(compiled(tmp_path / "net.c", defines=["NET_MAIN"])(x), model)
    assert np.isnan(found[:4]).all()
    assert largest_error(found[4:], model.network.forward_pass(x[4:])) < 1e-12


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_activation(tmp_path, compiled, dtype):
    model, x = of_activations()
    export(model, tmp_path / "net.c", dtype=dtype)
    found = outputs_of(compiled(tmp_path / "net.c", defines=["NET_MAIN"])(x), model)
    wanted = expected(model, x)
    limit = {"float64": 1e-12, "float32": 2e-6}[dtype]
    assert largest_error(found, wanted) < limit * max(1, np.abs(wanted).max())


ROW = """
#include <stdio.h>
int main(void)
{
    double x[net_INPUTS], y[net_OUTPUTS];
    struct net_row rows[] = {%s};
    for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++) {
        int wrong = net_encode(&rows[k], x);
        if (wrong) {
            printf("column %%d\\n", wrong);
            continue;
        }
        net_predict(x, y);
        printf("%%.17g %%.17g %%s\\n", y[0], y[1], net_class_names[net_class(y)]);
    }
    return 0;
}
"""


def as_rows(rows):
    """The rows of a table as initialisers of the struct."""

    def cell(value):
        if value is None:
            return "0"
        return (
            string(value) if isinstance(value, str) else ("NAN" if value != value else repr(value))
        )

    return ",\n".join("{" + ", ".join(map(cell, row)) + "}" for row in rows)


def test_rows_of_a_table_to_the_names_of_their_classes(tmp_path, compiled):
    run = of_table(['"no"\\??=' if k % 2 else "yes, Zoë" for k in range(36)])
    run.export(tmp_path / "net.c")
    rows = list(zip(*ROWS.values(), strict=True))
    rows += [(1.0, "Paris", 1.0, "a"), (1.0, "Oslo", 1.0, "z"), (1.0, "", 1.0, "")]
    printed = compiled(tmp_path / "net.c", more=ROW % as_rows(rows))().decode()
    *lines, new_city, new_tier, missing = printed.splitlines()
    assert (new_city, new_tier) == ("column 2", "column 4")
    assert "column" not in missing
    wanted = run.outputs(ROWS)
    found = np.array([[float(word) for word in line.split(" ")[:2]] for line in lines])
    assert np.abs(found - wanted).max() < 1e-12
    assert [line.split(" ", 2)[2] for line in lines] == run.predict(ROWS).tolist()


HOSTILE = [
    *("real", "@", "$exp", "0.5R"),  # what stands for something in our own texts of C
    *('"', "\\", "??/", "*/", "/*", "a\nb", "%s", "é", "日本", "\x07"),
]


def test_hostile_names_reach_the_program_as_they_are(tmp_path, compiled):
    network = Network([Dense(len(HOSTILE))], input=2, loss="mse")
    model = Model(network, "*/ int x; /* ??/", classes=tuple(HOSTILE))
    export(model, tmp_path / "net.c")
    more = """
#include <stdio.h>
int main(void)
{
    for (int k = 0; k < net_CLASSES; k++)
        puts(net_class_names[k]);
    return 0;
}
"""
    printed = compiled(tmp_path / "net.c", more=more)().decode()
    assert printed == "".join(f"{name}\n" for name in HOSTILE)


@pytest.mark.parametrize("name", ["int", "1 netz", "größe", "a" * 200, "-", "main"])
def test_any_name_of_a_file(tmp_path, compiled, name):
    model, x = of_layers("dense")
    export(model, tmp_path / f"{name}.c")
    prefix = identifier(name)
    text = (tmp_path / f"{name}.c").read_text()
    assert f"void {prefix}_predict(const double *x, double *y);" in text
    assert text.isascii()
    if name == "int":
        compiled(tmp_path / f"{name}.c", defines=[f"{prefix.upper()}_MAIN"])(x)


@settings(max_examples=40)
@given(st.text())
def test_a_string_of_c_holds_the_text(text):
    inside = string(text)[1:-1]
    assert inside.isascii()
    assert "??" not in inside
    assert not re.search(r'(?<!\\)(\\\\)*"', inside)
    short = {"n": b"\n", "t": b"\t", "r": b"\r", '"': b'"', "\\": b"\\", "?": b"?"}
    parts = re.findall(r"\\([0-7]{3})|\\(.)|(.)", inside)
    found = (bytes([int(o, 8)]) if o else short[e] if e else c.encode() for o, e, c in parts)
    assert b"".join(found) == text.encode("utf-8", "surrogateescape")


@settings(max_examples=40)
@given(st.text())
def test_a_comment_stays_open(text):
    found = in_comment(text)
    assert found.isascii()
    assert found.isprintable()
    assert not any(mark in found for mark in ("*/", "/*", "??"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_of_c_is_the_number(value):
    assert float(number(value, np.dtype("float64"))) == value
    short = np.float32(np.clip(value, -3e38, 3e38))
    assert np.float32(number(short, np.dtype("float32")).removesuffix("f")) == short


@settings(max_examples=40)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_identifiers_are_distinct_and_allowed(names):
    taken: set[str] = set()
    found = [identifier(name, taken) for name in names]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in found)


def test_what_c_cannot_hold_is_refused(tmp_path):
    model, _ = of_layers("dense")
    model.network.theta[0] = 1e300
    with pytest.raises(
        ChainruleError, match=r"dense_1\.W has numbers that are not finite in float32"
    ):
        export(model, tmp_path / "net.c", dtype="float32")
    export(model, tmp_path / "net.c")
    model.classes = ("a", "b" * 5000)
    with pytest.raises(ChainruleError, match="longer than the 4,000 bytes"):
        export(model, tmp_path / "net2.c")
    assert [path.name for path in tmp_path.iterdir()] == ["net.c"]


def test_the_sizes_are_those_of_the_arrays(tmp_path):
    model, _ = of_layers("dense")  # 3, 4, 3 and 2 units
    (note,) = export(model, tmp_path / "net.c", dtype="float32")
    assert note.startswith(f"{4 * 39:,} bytes of constants (flash) and {4 * 7:,} bytes of memory")
    assert f"float memory[{7}]" in (tmp_path / "net.c").read_text()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_arrays_that_live_at_the_same_time_have_memory_of_their_own(lives):
    program = Program("net", np.dtype("float64"), {})
    for size, first, length in lives:
        program.now = first
        name = program.buffer(size)
        program.now = first + length
        program.reads(name)
    total = program.memory()
    placed = list(program.buffers.values())
    assert total == max((b.offset + b.size for b in placed), default=0)
    assert total <= sum(size for size, _, _ in lives)
    for k, one in enumerate(placed):
        for other in placed[:k]:
            together = one.first <= other.last and other.first <= one.last
            below, above = sorted((one, other), key=lambda buffer: buffer.offset)
            apart = below.offset + below.size <= above.offset
            assert apart or not together
