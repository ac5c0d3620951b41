"""Tables from data frames, mappings, records and arrays in memory."""

from __future__ import annotations

import datetime
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule.core.errors import DataError, MissingExtraError
from chainrule.data.tables.frames import table_of
from chainrule.data.tables.table import Table
from chainrule.data.tables.typed_cells import cell_column, join_columns

try:
    import pandas
except ImportError:
    pandas = None
try:
    import polars
except ImportError:
    polars = None
try:
    import pyarrow
except ImportError:
    pyarrow = None

needs_pandas = pytest.mark.skipif(pandas is None, reason="pandas is not installed")
needs_polars = pytest.mark.skipif(polars is None, reason="polars is not installed")
needs_pyarrow = pytest.mark.skipif(pyarrow is None, reason="pyarrow is not installed")

COLUMNS = {
    "x": [1.5, None, -2.0],
    "n": [1, None, 3],
    "yes": [True, None, False],
    "city": ["Oslo", None, " Ærø "],
    "day": [datetime.date(2024, 2, 29), None, datetime.date(2024, 1, 1)],
    "at": [datetime.datetime(2024, 1, 1, 1, 30), None, datetime.datetime(2024, 1, 1)],
    "took": [datetime.timedelta(minutes=1), None, datetime.timedelta(seconds=0.5)],
}

TEXTS = {
    "x": ["1.5", "", "-2"],
    "n": ["1", "", "3"],
    "yes": ["1", "", "0"],
    "city": ["Oslo", "", "Ærø"],
    "day": ["2024-02-29", "", "2024-01-01"],
    "at": ["2024-01-01T01:30:00", "", "2024-01-01T00:00:00"],
    "took": ["60", "", "0.5"],
}

TYPES = {"x": "float", "n": "int", "yes": "bool", "took": "float"}


class Interchanged:
    """A data frame that has nothing but the older interchange protocol."""

    def __init__(self, frame):
        self.frame = frame

    def __dataframe__(self):
        return self.frame.__dataframe__()


def pandas_of(columns):
    return pandas.DataFrame(columns).convert_dtypes()


def arrow_of(columns):
    return pyarrow.table(columns)


SOURCES = {
    "mapping": lambda c: c,
    "records": lambda c: [dict(zip(c, row, strict=True)) for row in zip(*c.values(), strict=True)],
    "pandas": pytest.param(pandas_of, marks=needs_pandas),
    "pandas objects": pytest.param(
        lambda c: pandas.DataFrame(c, dtype=object), marks=needs_pandas
    ),
    "polars": pytest.param(lambda c: polars.DataFrame(c), marks=needs_polars),
    "polars in chunks": pytest.param(
        lambda c: polars.concat([polars.DataFrame(c), polars.DataFrame(c)], rechunk=False)[1:4],
        marks=needs_polars,
    ),
    "pyarrow": pytest.param(arrow_of, marks=needs_pyarrow),
    "batch": pytest.param(lambda c: arrow_of(c).to_batches()[0], marks=needs_pyarrow),
    "interchange": pytest.param(
        lambda c: Interchanged(arrow_of({k: v for k, v in c.items() if k not in ("took", "day")})),
        marks=needs_pyarrow,
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", [*SOURCES.values()], ids=[*SOURCES])
def test_every_source_gives_the_same_columns(source, request):
    table = table_of(source(COLUMNS))
    is_moved = "chunks" in request.node.callspec.id
    order = [1, 2, 0] if is_moved else [0, 1, 2]
    assert table.has_names
    for name in table.names:
        assert table[name].texts() == [TEXTS[name][k] for k in order], name
        assert table[name].type == TYPES.get(name, "text")
    assert set(table.names) >= set(COLUMNS) - {"took", "day"}


def test_no_library_is_imported():
    program = (
        "import sys; from chainrule.data.tables.frames import table_of; table_of({'a': [1.0]});"
        "print({'pandas', 'polars', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def memory_of(x):
    yield "mapping", {"x": x}
    yield "array", x.reshape(-1, 1)
    if pandas:
        yield "pandas", pandas.DataFrame({"x": x}, copy=False)
    if polars:
        yield "polars", polars.DataFrame({"x": x})
    if pyarrow:
        yield "pyarrow", pyarrow.table({"x": x})


def test_float64_is_not_copied_and_outlives_its_frame():
    x = np.random.default_rng(0).normal(size=1000)
    for name, frame in memory_of(x):
        values = table_of(frame).columns[0].values
        assert np.shares_memory(values, x), name
    if polars:
        values = table_of(polars.DataFrame({"x": x.copy()}) * 2.0)["x"].values
        assert np.array_equal(values, 2 * x)


@needs_pyarrow
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=1),
    st.integers(0, 3),
    st.sampled_from(["string", "large_string", "string_view", "dictionary"]),
)
def test_texts_of_arrow_in_every_form(texts, start, form):
    if form == "dictionary":
        column = pyarrow.array(texts, pyarrow.string()).dictionary_encode()
    else:
        column = pyarrow.array(texts, getattr(pyarrow, form)())
    table = pyarrow.table({"a": column, "b": pyarrow.array(range(len(texts)))})
    table = pyarrow.concat_tables([table, table]).slice(start := min(start, 2 * len(texts) - 1))
    found = table_of(table)
    assert found["a"].texts() == [(t or "").strip() for t in (texts * 2)[start:]]
    assert found["b"].values.tolist() == [*range(len(texts)), *range(len(texts))][start:]


@needs_pyarrow
@given(arrays.arrays(np.float64, st.integers(1, 30)), st.integers(0, 5))
def test_numbers_of_arrow_are_the_same_bits(numbers, start):
    table = pyarrow.table({"a": numbers}).slice(min(start, len(numbers) - 1))
    assert np.array_equal(table_of(table)["a"].values, table["a"].to_numpy(), equal_nan=True)


@needs_pyarrow
@pytest.mark.parametrize("kind", ["int8", "uint16", "int32", "uint64", "float16", "float32"])
def test_numbers_of_every_width(kind):
    table = pyarrow.table({"a": pyarrow.array([0, 1, None, 100], getattr(pyarrow, kind)())})
    assert table_of(table)["a"].texts() == ["0", "1", "", "100"]
    interchanged = table_of(Interchanged(table))
    assert interchanged["a"].texts() == ["0", "1", "", "100"]


@needs_pyarrow
@given(
    st.lists(
        st.decimals(
            allow_nan=False, allow_infinity=False, places=4, max_value=10**20, min_value=-(10**20)
        ),
        min_size=1,
    )
)
def test_decimals_are_rounded_once(numbers):
    column = pyarrow.array(numbers, pyarrow.decimal128(38, 4))
    assert table_of(pyarrow.table({"a": column}))["a"].values.tolist() == [
        float(n) for n in numbers
    ]
    assert cell_column("a", numbers).values.tolist() == [float(n) for n in numbers]


def test_moments_with_a_time_zone_are_in_utc():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2024, 1, 1, 1, tzinfo=zone)
    assert cell_column("t", [moment, None]).texts() == ["2023-12-31T23:00:00Z", ""]
    mixed = cell_column("t", [moment, datetime.datetime(2024, 1, 1, 5)])
    assert mixed.texts() == ["2024-01-01T01:00:00+02:00", "2024-01-01T05:00:00"]


@needs_pyarrow
def test_what_the_older_protocol_cannot_pass_on():
    table = pyarrow.table({"day": [datetime.date(2024, 1, 1)]})
    with pytest.raises(DataError, match="the column 'day' cannot be passed on"):
        table_of(Interchanged(table))


@needs_pyarrow
def test_a_long_decimal_is_the_nearest_number():
    number = Decimal(570917573983823738335044).scaleb(-4)
    table = pyarrow.table({"a": pyarrow.array([number], pyarrow.decimal128(38, 4))})
    assert table_of(table)["a"].values.tolist() == [float(number)]


@needs_pyarrow
def test_records_of_which_the_first_are_left_out():
    records = pyarrow.array([{"a": k, "b": str(k)} for k in range(5)]).slice(2)
    table = table_of(pyarrow.chunked_array([records]))
    assert table["a"].values.tolist() == [2.0, 3.0, 4.0]
    assert table["b"].texts() == ["2", "3", "4"]


@needs_polars
def test_polars_alone_has_these():
    frame = polars.DataFrame(
        {
            "c": polars.Series(["b", "a", None], dtype=polars.Enum(["b", "a", "z"])),
            "l": [["p", "q"], [], None],
            "t": [datetime.time(7, 30), datetime.time(7, 30, 0, 500000), None],
        }
    )
    table = table_of(frame)
    assert table["c"].words == ("b", "a", "z")
    assert table["l"].texts() == ["p|q", "", ""]
    assert table["t"].texts() == ["07:30:00", "07:30:00.5", ""]
    assert table_of(polars.Series("s", [1.5, 2.0])).names == ["s"]
    with pytest.raises(DataError, match="column 'l', row 0: the cell is a list of numbers"):
        table_of(polars.DataFrame({"l": [[1, 2]]}))
    with pytest.raises(DataError, match="found dict; give every field a column of its own"):
        table_of(polars.DataFrame({"r": [{"a": 1}]}))


@needs_polars
def test_columns_of_polars_without_a_known_cell_keep_their_type():
    types = {"t": polars.String, "b": polars.Boolean, "x": polars.Float64}
    table = table_of(polars.DataFrame({name: [None] for name in types}, schema=types))
    assert [column.type for column in table.columns][:2] == ["text", "bool"]
    assert all(column.texts() == [""] for column in table.columns)


@needs_polars
def test_long_whole_numbers_of_polars():
    (note,) = table_of(polars.DataFrame({"id": [2**53 + 1, None], "n": [2**53, 1]})).notes
    assert note.startswith("'id': whole numbers beyond 2^53 are rounded")
    series = polars.Series("a", [2**70, None], dtype=polars.Int128)
    assert table_of(series)["a"].values[0] == 2.0**70
    with pytest.raises(DataError, match="two columns are called 'column_1'"):
        table_of(polars.DataFrame({"": [1], "column_1": [2]}))


@needs_polars
@needs_pyarrow
def test_polars_needs_no_pyarrow_and_other_libraries_do(monkeypatch):
    stream = Interchanged(pyarrow.table({"a": [1]}))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert table_of(polars.DataFrame(COLUMNS)).names == [*COLUMNS]
    with pytest.raises(MissingExtraError, match="a data frame of the type Interchanged"):
        table_of(stream)


@needs_pyarrow
def test_types_of_arrow_that_extend_others():
    stored = pyarrow.array([b"x" * 16], pyarrow.binary(16))
    identity = pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), stored)
    assert table_of(pyarrow.table({"id": identity}))["id"].texts() == ["x" * 16]


@needs_pyarrow
def test_a_list_of_texts_with_a_missing_one_is_refused():
    with pytest.raises(DataError, match="row 1: expected a list of texts, found NoneType in the"):
        table_of(pyarrow.table({"l": [["a"], ["b", None]]}))


# pandas


@needs_pandas
def test_categories_of_pandas_keep_their_order():
    sizes = pandas.Categorical(["large", None, "small"], categories=["small", "large", "huge"])
    table = table_of(pandas.DataFrame({"size": sizes, "n": pandas.Categorical([5, 3, 5])}))
    assert table["size"].words == ("small", "large", "huge")
    assert table["size"].texts() == ["large", "", "small"]
    assert table["n"].values.tolist() == [5.0, 3.0, 5.0]
    bands = table_of(pandas.DataFrame({"band": pandas.cut([1, 9], [0, 5, 10])}))
    assert bands["band"].words == ("(0, 5]", "(5, 10]")


@needs_pandas
@pytest.mark.parametrize("kind", ["Int64", "int64[pyarrow]", "boolean", "Float32", "string"])
def test_nullable_types_of_pandas(kind):
    if "pyarrow" in kind and pyarrow is None:
        pytest.skip("pyarrow is not installed")
    values = ["1", None] if kind == "string" else [1, None]
    column = table_of(pandas.DataFrame({"a": pandas.array(values, dtype=kind)}))["a"]
    assert column.texts() == ["1", ""]
    assert column.type == {"boolean": "bool", "string": "text"}.get(kind, "int")


@needs_pandas
def test_times_of_pandas_in_a_zone_are_in_utc():
    times = pandas.to_datetime(["2024-07-01 12:00"]).tz_localize("Europe/Oslo")
    assert table_of(pandas.DataFrame({"t": times}))["t"].words == ("2024-07-01T10:00:00Z",)


@needs_pandas
def test_an_index_with_a_meaning_is_told_and_others_are_not():
    frame = pandas.DataFrame({"a": [1, 2, 3]})
    assert table_of(frame).notes == ()
    assert table_of(frame.iloc[[2, 0]]).notes == ()
    named = table_of(frame.set_index(pandas.Index(["x", "y", "z"], name="id")), "people")
    assert named.names == ["a"]
    assert named.notes == ("the index 'id' is no column; people.reset_index() makes it one",)


@needs_pandas
def test_names_of_columns_in_pandas():
    assert table_of(pandas.DataFrame([[1, 2]])).names == ["column_1", "column_2"]
    assert not table_of(pandas.DataFrame([[1, 2]])).has_names
    assert table_of(pandas.DataFrame([[1, 2]], columns=["a", 7])).names == ["a", "7"]
    with pytest.raises(DataError, match="two columns are called 'a'"):
        table_of(pandas.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="several levels of names") as caught:
        table_of(pandas.DataFrame([[1, 2]], columns=[("a", "b"), ("a", "c")]), "f")
    f = pandas.DataFrame([[1, 2]], columns=[("a", "b"), ("a", "c")])
    exec(str(caught.value).rpartition("one name: ")[2], {"f": f})  # the advice is right
    assert table_of(f).names == ["a_b", "a_c"]


@needs_pandas
def test_sparse_columns_are_refused_with_the_line_that_helps():
    sparse = pandas.arrays.SparseArray([0, 1])
    for frame in (pandas.DataFrame({"a": sparse}), pandas.DataFrame({"a": sparse, "b": [1, 2]})):
        with pytest.raises(DataError, match="the column 'a' is sparse") as caught:
            table_of(frame, "frame")
        advice = str(caught.value).rpartition("; ")[2]
        scope = {"frame": frame}
        if advice.startswith("write "):
            exec(advice.removeprefix("write "), scope)
            assert table_of(scope["frame"])["a"].values.tolist() == [0.0, 1.0]
        else:
            dense = eval(advice.partition(" makes")[0], scope)
            assert table_of(dense)["a"].values.tolist() == [0.0, 1.0]


@needs_pandas
def test_mixed_objects_of_pandas():
    frame = pandas.DataFrame({"a": [1, "x", None, 2.0, True, float("nan")]}, dtype=object)
    assert table_of(frame)["a"].texts() == ["1", "x", "", "2", "True", ""]
    with pytest.raises(DataError, match="column 'a', row 1: expected a number, a text or a date"):
        table_of(pandas.DataFrame({"a": [1, object()]}))


# Python and NumPy


def test_arrays():
    table = table_of(np.arange(6.0).reshape(3, 2))
    assert table.names == ["column_1", "column_2"]
    assert not table.has_names
    assert table["column_2"].values.tolist() == [1.0, 3.0, 5.0]
    assert table_of([[1, "a"], [2.5, "b"]])["column_1"].values.tolist() == [1.0, 2.5]
    assert table_of(np.array([1.0, 2.0])).names == ["column_1"]
    records = np.array([(1, "a"), (2, "b")], dtype=[("p", "i4"), ("q", "U3")])
    assert table_of(records)["q"].words == ("a", "b")
    assert table_of(table) is table


def test_records_may_lack_a_key():
    table = table_of([{"a": 1, "b": "x"}, {"b": "y", "c": True}])
    assert table.names == ["a", "b", "c"]
    assert table["a"].texts() == ["1", ""]
    assert table["c"].texts() == ["", "1"]


def test_long_whole_numbers_are_told():
    (note,) = table_of({"id": np.array([2**53 + 1]), "n": np.array([2**53])}).notes
    assert note.startswith("'id': whole numbers beyond 2^53 are rounded")


class Tensor:
    """What PyTorch's tensors show to NumPy."""

    def __init__(self, values, requires_grad=False, reason=""):
        self.values, self.requires_grad, self.reason = values, requires_grad, reason

    def __array__(self, dtype=None, copy=None):
        if self.reason:
            raise TypeError(self.reason)
        return np.array(self.values, dtype=dtype)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (scipy.sparse.csr_matrix(np.eye(2)), "a sparse matrix is not read; x.toarray() makes"),
        ({"a": scipy.sparse.csr_matrix(np.eye(2))}, "a sparse matrix is not read"),
        (Tensor([[1.0]], requires_grad=True), "a tensor that requires a gradient is no data"),
        (Tensor(0, reason="can't convert cuda:0 device type tensor"), "x.cpu()"),
        (np.zeros((2, 2, 2)), "found an array of the shape (2, 2, 2); expected (rows, columns)"),
        (np.zeros((0, 2)), "the table has no rows"),
        (np.zeros((2, 0)), "expected (rows, columns)"),
        (np.array([[1j]]), "the column 'column_1' holds complex128"),
        (np.zeros(2, dtype=[("a", "f8", 3)]), "the column 'a' has the shape (2, 3)"),
        ([[1, 2], [3]], "row 1 has 1 cells, but row 0 has 2"),
        ({"a": [1, 2], "b": [1]}, "the column 'b' has 1 rows, but 'a' has 2"),
        ({"a": [[1, 2]]}, "column 'a', row 0: the cell is a list of numbers"),
        ({"a": ["x", {}]}, "column 'a', row 1: expected a number, a text or a date, found dict"),
        ({}, "the table has no columns"),
        ({"a": []}, "the table has no rows"),
        ("people.csv", "expected a data frame or an array, found 'people.csv'"),
        (None, "expected a data frame or an array, found None"),
        (7, "expected a data frame or an array, found 7"),
    ],
)
def test_what_is_no_table_is_refused(data, expected):
    with pytest.raises(DataError) as caught:
        table_of(data, "x")
    assert str(caught.value).startswith("x: ")
    assert expected in str(caught.value)


def test_a_tensor_is_read():
    assert table_of(Tensor([[1.0, 2.0]])).names == ["column_1", "column_2"]
    assert table_of({"a": Tensor([1.0, 2.0])})["a"].values.tolist() == [1.0, 2.0]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(),
    st.text(max_size=4),
    st.dates(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.lists(st.text("abc", min_size=1), max_size=2),
)


@given(st.lists(CELLS, min_size=1))
def test_any_cells_are_a_column_of_as_many_rows(cells):
    column = cell_column("a", cells)
    assert len(column.texts()) == len(cells)
    gone = [
        c is None or c != c or (isinstance(c, str) and not c.strip()) or c == [] for c in cells
    ]
    assert column.missing.tolist() == gone
    assert isinstance(table_of({"a": cells}), Table)


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(0, 9), st.sampled_from("ab")), min_size=1),
        min_size=1,
    )
)
def test_joined_columns_hold_the_cells_in_order(parts):
    joined = join_columns([cell_column("a", part) for part in parts])
    assert joined.texts() == [text for part in parts for text in cell_column("a", part).texts()]


def test_decimals_and_lists_of_texts():
    table = table_of({"price": [Decimal("0.1"), None], "tags": [("a", "b"), None]})
    assert table["price"].values.tolist()[0] == 0.1
    assert table["tags"].texts() == ["a|b", ""]
