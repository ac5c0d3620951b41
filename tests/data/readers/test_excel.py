"""Workbooks."""

from __future__ import annotations

import datetime
import io
import random
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
pytest.importorskip("python_calamine", reason="python-calamine is not installed")

from chainrule.core.errors import ConfigError, DataError, MissingExtraError  # noqa: E402
from chainrule.data.readers import excel  # noqa: E402
from chainrule.data.tables.reading import TableOptions, read_table  # noqa: E402

SHEET = "xl/worksheets/sheet1.xml"
MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture
def write(tmp_path):
    def write_rows(rows, name="t.xlsx", **others):
        book = openpyxl.Workbook()
        book.active.title = "Data"
        for row in rows:
            book.active.append(row)
        for title, cells in others.items():
            sheet = book.create_sheet(title)
            for row in cells:
                sheet.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return write_rows


def with_sheet(path, cells):
    """The workbook with the XML of the first sheet's cells replaced."""
    text = f'<worksheet xmlns="{SPACE}"><sheetData>{cells}</sheetData></worksheet>'
    with zipfile.ZipFile(path) as file:
        parts = {info.filename: file.read(info) for info in file.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, text if name == SHEET else content)
    return path


def message(path, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        read_table(path, TableOptions(**options))
    return str(caught.value)


def test_cells_of_every_kind(write):
    day, time, hours = datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3), 30
    path = write(
        [
            ["x", "yes", "city", "day", "at", "took", "mixed"],
            [0.25, True, "Oslo", day, time, datetime.timedelta(hours=hours), 1],
            [None, False, None, None, datetime.datetime(2024, 1, 2), None, "b"],
            [5, None, " Oslo ", datetime.date(1999, 1, 1), None, datetime.timedelta(0, 1), 2.5],
        ]
    )
    table = read_table(path)
    assert table.has_names
    kinds = ["float", "bool", "text", "text", "text", "int", "text"]
    assert [column.type for column in table.columns] == kinds
    assert table["x"].values.tolist()[::2] == [0.25, 5.0]
    assert table["yes"].texts() == ["1", "0", ""]
    assert table["city"].texts() == ["Oslo", "", "Oslo"]
    assert table["day"].texts() == ["2024-02-29", "", "1999-01-01"]
    assert table["at"].texts() == ["2024-01-02T03:00:00", "2024-01-02T00:00:00", ""]
    assert table["took"].texts() == ["108000", "", "1"]
    assert table["mixed"].texts() == ["1", "b", "2.5"]
    assert str(table.place(2, "city", "no")) == f"{path}: Data!C4: no"


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_are_read_to_the_bit(write, numbers):
    cells = "".join(f"<row><c><v>{x!r}</v></c></row>" for x in numbers)  # openpyxl rounds them
    table = read_table(with_sheet(write([[1]]), cells))
    assert table["column_1"].values.tolist() == numbers


def test_errors_are_missing_and_formulas_have_their_saved_result(write):
    cells = (
        '<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>'
        '<row r="2"><c r="A2" t="e"><v>#DIV/0!</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3"><v>7</v></c><c r="B3" t="e"><v>#N/A</v></c></row>'
    )
    table = read_table(with_sheet(write([[1]]), cells))
    assert table["a"].texts() == ["", "7"]
    assert table["b"].texts() == ["2", ""]


def test_numbers_stored_as_text_are_numbers_but_leading_zeros_stay(write):
    rows = [["n", "zip", "word"], ["1", "007", "?"], [2.5, "123", 3], [" 4 ", "040", "n/a"]]
    table = read_table(write(rows))
    assert table["n"].values.tolist() == [1.0, 2.5, 4.0]
    assert table["zip"].words == ("007", "123", "040")
    assert table["word"].type == "int"
    assert table["word"].missing.tolist() == [True, False, True]
    assert read_table(write(rows), TableOptions(texts=("n",)))["n"].words == ("1", "2.5", "4")
    commas = write([["a"], ["1,5"], [2]])
    assert read_table(commas, TableOptions(decimal=","))["a"].values.tolist() == [1.5, 2.0]


def test_title_rows_blank_rows_and_columns_are_left_out(write):
    rows = [[], ["Sales 2024"], [], ["a", None, "b"], [1, None, "x"], [], [2, None, "y"]]
    path = write(rows)
    table = read_table(path)
    assert table.names == ["a", "b"]
    assert table["a"].values.tolist() == [1.0, 2.0]
    assert table.notes == (
        "t.xlsx: row 2 holds 'Sales 2024' alone, taken for a title and left out",
    )
    assert str(table.place(1, "b", "no")) == f"{path}: Data!C7: no"
    skipped = read_table(path, TableOptions(skip_rows=3))
    assert skipped.names == ["a", "b"]
    assert not skipped.notes
    assert read_table(path, TableOptions(skip_rows=4, header=False)).names == [
        "column_1",
        "column_2",
    ]


def test_a_table_that_begins_elsewhere(write):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    for k, row in enumerate([["a", "b"], [1, 2], [3, 4]]):
        for m, cell in enumerate(row):
            sheet.cell(5 + k, 3 + m, cell)
    path = write([[1]]).with_name("moved.xlsx")
    book.save(path)
    table = read_table(path)
    assert table["b"].values.tolist() == [2.0, 4.0]
    assert str(table.place(1, "b", "no")) == f"{path}: Data!D7: no"


def test_the_value_of_merged_cells_counts_for_every_row(write):
    path = write([["region", "n"], ["north", 1], [None, 2], ["south", 3]])
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("A2:A3")
    book.save(path)
    assert read_table(path)["region"].texts() == ["north", "north", "south"]


def test_which_sheet_is_read(write):
    path = write([["a"], [1]], Other=[["b"], [2]], Notes=[])
    table = read_table(path)
    assert table.names == ["a"]
    assert table.notes == (
        "t.xlsx: the sheet 'Data' is read; sheet: names another, 'Other', 'Notes'",
    )
    for which in ("Other", 2):
        named = read_table(path, TableOptions(sheet=which))
        assert named.names == ["b"]
        assert not named.notes
    assert message(path, ConfigError, sheet="Othr") == (
        "t.xlsx: unknown sheet 'Othr'; did you mean 'Other'? Known: Data, Other, Notes"
    )
    assert "unknown sheet 9" in message(path, ConfigError, sheet=9)
    assert message(path, sheet="Notes") == f"{path}: the sheet 'Notes' is empty"


def test_a_hidden_sheet_is_not_the_first(write):
    path = write([["a"], [1]], Other=[["b"], [2]])
    book = openpyxl.load_workbook(path)
    book["Data"].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    assert read_table(path).names == ["b"]


def test_repeated_and_missing_names(write):
    table = read_table(write([["a", "a", None], [1, 2, 3]]))
    assert table.names == ["a", "a.2", "column_3"]
    assert "several columns are called 'a'" in table.notes[0]


def test_without_a_header(write):
    table = read_table(write([[1, "x"], [2, "y"]]))
    assert table.names == ["column_1", "column_2"]
    assert not table.has_names
    assert read_table(write([[2023, 2024], [1, 2]]), TableOptions(header=True)).names == [
        "2023",
        "2024",
    ]
    assert "holds a header and no rows" in message(write([["a", "b"]]))


def test_an_old_workbook(tmp_path):
    xlwt = pytest.importorskip("xlwt", reason="xlwt is not installed")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Old")
    for k, row in enumerate([["a", "b"], [1.5, "x"], [2, "y"]]):
        for m, cell in enumerate(row):
            sheet.write(k, m, cell)
    book.save(str(tmp_path / "t.xls"))
    table = read_table(tmp_path / "t.xls")
    assert table["a"].values.tolist() == [1.5, 2.0]
    assert table["b"].words == ("x", "y")


def ods(path, rows):
    """A spreadsheet of LibreOffice with the XML of its rows."""
    text = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", f"<m:manifest xmlns:m='{MANIFEST}'/>")
        file.writestr("content.xml", text)
    return path


def ods_cell(value, more=""):
    kind = "string" if isinstance(value, str) else "float"
    shown = f' office:value="{value}"' if kind == "float" else ""
    return (
        f'<table:table-cell office:value-type="{kind}"{shown}{more}>'
        f"<text:p>{value}</text:p></table:table-cell>"
    )


def test_a_sheet_of_libreoffice(tmp_path):
    rows = "".join(
        f"<table:table-row>{''.join(map(ods_cell, row))}"
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        for row in (["a", "b"], [1.5, "x"], [2, "y"])
    )
    rows += (
        '<table:table-row table:number-rows-repeated="1048570">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    table = read_table(ods(tmp_path / "t.ods", rows))
    assert table["a"].values.tolist() == [1.5, 2.0]
    assert table["b"].words == ("x", "y")


# Hostile files


def test_a_workbook_that_is_none(tmp_path):
    path = tmp_path / "d.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("[Content_Types].xml", "xl/workbook.xml", SHEET):
            file.writestr(name, "<x/>")
    assert message(path).startswith(f"{path}: the file is a damaged workbook")
    path.write_bytes(b"a,b\n1,2\n")
    assert message(path) == f"{path}: the file is a damaged workbook, or none"
    binary = tmp_path / "d.xlsb"
    binary.write_bytes(b"PK")
    assert "save it as .xlsx" in message(binary)


def test_without_calamine_the_message_says_how_to_install_it(write, monkeypatch):
    import builtins

    path, ordinary = write([["a"], [1]]), builtins.__import__

    def without(name, *rest):
        if name == "python_calamine":
            raise ImportError(name)
        return ordinary(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install 'chainrule[tables]'" in message(path, MissingExtraError)


FAR = [
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    "<row r='1'><c r = 'A1'><v>1</v></c><c r = 'ZZZZZZZ9999999999'><v>1</v></c></row>",
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="900000000"><c><v>1</v></c></row>' * 2,
    "<row/>" * 100_000 + "<row>" + "<c/>" * 100_000 + "</row>",
]


@pytest.mark.parametrize("cells", FAR)
def test_cells_that_stand_far_apart_are_refused_before_memory_is_taken(write, cells):
    assert "cells are filled; delete the cells that stand apart" in message(
        with_sheet(write([[1]]), cells)
    )


def test_repeated_cells_of_libreoffice_are_refused(tmp_path):
    cell = ods_cell(1, ' table:number-columns-repeated="16384"')
    rows = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    assert "a sheet repeats its cells too many times" in message(ods(tmp_path / "t.ods", rows))


def test_a_bomb_is_refused(write):
    path = with_sheet(write([[1]]), " " * 2**25)
    assert "refused as a damaged or hostile file" in message(path)


def table_or_message(path):
    """The table in a file; None if reading it ended in one message."""
    try:
        return read_table(path)
    except DataError as error:
        found = error
    assert len(found.problems) == 1
    assert str(found).startswith(f"{path}: ")
    return None


@pytest.mark.parametrize("seed", range(150))
def test_bytes_changed_give_a_table_or_one_message(write, seed):
    path = write([["a", "b"], [1, "x"], [2, "y"]], Other=[["c"], [3]])
    rng, content = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 3])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content)
    table = table_or_message(path)
    assert table is None or table["a"].values.tolist() == [1.0, 2.0]  # the checksums keep it so


@pytest.mark.parametrize("seed", range(150))
def test_xml_changed_gives_a_table_or_one_message(write, seed):
    """Behind right checksums calamine sees what was changed."""
    path = write([["a", "b"], [1, "x"], [2, "y"]])
    rng = random.Random(seed)
    with zipfile.ZipFile(path) as file:
        parts = {info.filename: bytearray(file.read(info)) for info in file.infolist()}
    name = rng.choice([n for n in parts if n.startswith(("xl/", "["))])
    for _ in range(rng.choice([1, 3])):
        parts[name][rng.randrange(len(parts[name]))] = rng.randrange(256)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as file:
        for each, content in parts.items():
            file.writestr(each, bytes(content))
    path.write_bytes(found.getvalue())
    table = table_or_message(path)
    assert table is None or len(table) >= 1


@given(st.integers(0, 10**6))
def test_letters_of_columns_are_those_of_openpyxl(index):
    if index < 18_278:
        assert excel.column_letters(index) == openpyxl.utils.get_column_letter(index + 1)
    assert excel._column_number(excel.column_letters(index).encode()) == index + 1


def test_many_rows_keep_their_order(write):
    rows = np.random.default_rng(0).integers(0, 1000, size=(300, 3))
    table = read_table(write([["a", "b", "c"], *rows.tolist()]))
    assert np.array_equal(np.column_stack([c.values for c in table.columns]), rows)


@pytest.mark.parametrize(
    ("end", "message"),
    [("", "no element found"), ("<\0able>", "not well-formed"), ("</a>", "mismatched tag")],
)
def test_a_part_that_is_no_xml_is_refused_before_it_is_read(tmp_path, end, message):
    """The library would read a sheet of an .ods file that ends too early for ever."""
    path = tmp_path / "cut.ods"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", f"<document><table><row><cell/></row>{end}")
    with pytest.raises(DataError, match=rf"damaged workbook \('content\.xml': {message}"):
        read_table(path)


def test_a_part_with_a_type_of_its_own_is_refused(tmp_path):
    path = tmp_path / "entities.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(DataError, match=r"'xl/workbook\.xml' declares a type of its own"):
        read_table(path)
