"""Tables of a configuration: groups, order in time, weights, files of their own, gaps."""

import numpy as np
import pandas as pd
import pytest

from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.data.sources import load_data


@pytest.fixture
def load(tmp_path):
    def loaded(text, **settings):
        (tmp_path / "a.csv").write_text(text)
        return load_data({"file": "a.csv", **settings}, folder=tmp_path, seed=1)

    return loaded


def rows(header, cells):
    return "\n".join([header, *(",".join(map(str, row)) for row in cells)]) + "\n"


PATIENTS = rows("patient,a,y", [(f"p{k // 5}", k, k % 2) for k in range(100)])


def test_a_group_stays_in_one_part_and_is_no_input(load):
    data = load(PATIENTS, group="patient")
    assert data.feature_names == ("a",)
    patients = [set(part.x[:, 0] // 5) for part in data]
    assert all(patients)
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]
    assert [len(part) for part in data] == [70, 20, 10]


def test_too_few_groups_name_their_number(load):
    with pytest.raises(ChainruleError, match="2 groups cannot be divided among 3 parts"):
        load(rows("g,a,y", [(k % 2, k, k % 2) for k in range(20)]), group="g")


@pytest.mark.parametrize(
    "date", ["2026-01-{:02d}", "{:02d}.01.2026", "01/{:02d}/2026", "2026/01/{:02d}"]
)
def test_the_earliest_cases_are_trained_on(load, date):
    days = np.random.default_rng(0).permutation(np.arange(1, 31))
    data = load(rows("day,a,y", [(date.format(d), d, d % 2) for d in days]), time="day")
    train, validation, test = (part.x[:, 0] for part in data)
    assert train.max() < validation.min()
    assert validation.max() < test.min()


def test_a_time_may_be_a_number_and_an_input(load):
    text = rows("t,y", [(k, k % 2) for k in reversed(range(20))])
    data = load(text, time="t", columns=["t"])
    assert data.train.x[:, 0].tolist() == list(range(14))


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (["01/02/2026", "03/04/2026"], "day first or month first"),
        (["soon", "later"], "no dates of one form"),
        (["2026-01-01", ""], "a.csv:3:1: the time is missing"),
    ],
)
def test_times_that_have_no_order_are_refused(load, dates, message):
    with pytest.raises(ChainruleError, match=message):
        load(rows("day,a,y", [(dates[k % 2], k, k % 2) for k in range(20)]), time="day")


def test_weights_are_no_inputs_and_follow_their_cases(load):
    data = load(rows("w,a,y", [(k, k, k % 2) for k in range(20)]), weight="w")
    assert data.feature_names == ("a",)
    for part in data:
        assert np.array_equal(part.weights, part.x[:, 0])


@pytest.mark.parametrize(("weight", "found"), [(-1, "'-1'"), ("", "an empty cell")])
def test_a_wrong_weight_is_named_with_its_place(load, weight, found):
    text = rows("w,a,y", [(1, k, k % 2) for k in range(20)] + [(weight, 1, 1)])
    with pytest.raises(DataError, match=f"a.csv:22:1: a weight .* found {found}"):
        load(text, weight="w")


GAPS = rows("a,b,y", [(k, "" if k % 5 == 0 else k, k % 2) for k in range(20)])


def test_rows_with_gaps_are_left_out_on_request(load):
    data = load(GAPS, missing="drop")
    assert sum(len(part) for part in data) == 16
    assert not any((part.x % 5 == 0).any() for part in data)
    assert "4 of 20 rows have missing cells and are left out" in data.notes[0]


def test_a_missing_label_is_refused_or_left_out(load):
    text = rows("a,y", [(k, "" if k == 7 else k % 2) for k in range(20)])
    with pytest.raises(DataError, match=r"a.csv:9:3: the label is missing; missing: drop"):
        load(text)
    assert sum(len(part) for part in load(text, missing="drop")) == 19


def test_a_test_file_is_taken_by_name_and_has_the_label(load, tmp_path):
    (tmp_path / "t.csv").write_text("y,b,a\n0,1,2\n1,3,4\n")
    train = rows("a,b,y", [(k, 10 * k, k % 2) for k in range(10)])
    data = load(train, test_file="t.csv")
    assert data.test.x.tolist() == [[2, 1], [4, 3]]
    (tmp_path / "t.csv").write_text("b,a\n1,2\n")
    with pytest.raises(DataError, match=r"t.csv: found no column y, the label, among b, a"):
        load(train, test_file="t.csv")


def test_several_columns_are_targets_or_one_hot_classes(load):
    values = rows("a,u,v", [(k, k / 3, 2 * k) for k in range(10)])
    assert load(values, label=["u", "v"]).train.t.shape == (7, 2)
    classes = rows("red,green,a", [(k % 2, 1 - k % 2, k) for k in range(10)])
    data = load(classes, label=["red", "green"])
    assert data.classes == ("red", "green")
    assert data.train.t.tolist() == [int(k) for k in (data.train.x[:, 0] + 1) % 2]


TAGS = rows("a,tags", [(k, ("red|big", "big", "", " red ")[k % 4]) for k in range(20)])
SETS = {"label_separator": "|", "target": "labels"}


def test_a_cell_may_list_several_labels(load, tmp_path):
    data = load(TAGS, **SETS)
    assert data.target_names == ("big", "red")
    assert data.multi_label
    for part in data:
        expected = [[[1, 1], [1, 0], [0, 0], [0, 1]][int(a) % 4] for a in part.x[:, 0]]
        assert part.t.tolist() == expected
    (tmp_path / "t.csv").write_text("a,tags\n1,big\n2,rad\n")
    with pytest.raises(DataError, match=r"t.csv:3:3: unknown label 'rad'; did you mean 'red'"):
        load_data({"file": "t.csv", **SETS}, folder=tmp_path, seed=1, encoding=data.encoding)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_separator": ";", "label": ["a", "tags"]}, "one column of labels, but label nam"),
        ({"label_separator": "|", "label": ["a"]}, None),
    ],
)
def test_labels_that_are_no_lists_are_refused(load, settings, message):
    text = rows("b,a,tags", [(2, 1, "red")] * 10)
    with pytest.raises(ConfigError, match=message or "the cells of 'a' hold 1 different labels"):
        load(text, **settings)


def test_a_separator_at_the_end_of_every_line_makes_no_column(load):
    data = load(rows("a,y,", [(k, k % 2, "") for k in range(20)]))
    assert data.feature_names == ("a",)
    assert set(data.encoding.labels) == {"y"}


def test_comments_that_may_be_rows_are_noted(load):
    data = load("#a,y\n" + rows("1,0", [(k, k % 2) for k in range(20)]))
    assert any('comment: "" reads them' in note for note in data.notes)


def test_group_and_time_exclude_each_other(load):
    text = rows("g,t,a,y", [(k // 4, k, k, k % 2) for k in range(20)])
    with pytest.raises(ConfigError, match="group and time each say how the cases are divided"):
        load(text, group="g", time="t")


def test_a_group_in_training_and_test_files_is_noted(load, tmp_path):
    text = rows("g,a,y", [(k // 4, k, k % 2) for k in range(40)])
    (tmp_path / "t.csv").write_text("g,a,y\n3,1,0\n99,2,1\n")
    data = load(text, group="g", test_file="t.csv")
    assert any("1 of the groups in g are in the training data" in note for note in data.notes)


def test_a_test_file_without_weights_is_noted(load, tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n1,0\n2,1\n")
    data = load(rows("w,a,y", [(k, k, k % 2) for k in range(20)]), weight="w", test_file="t.csv")
    assert data.test.weights is None
    assert any("t.csv has no column 'w' of weights" in note for note in data.notes)


@pytest.mark.parametrize("zone", ["Z", "+02:00"])
def test_times_may_have_a_zone(load, zone):
    days = [f"2026-01-{d:02d}T08:00:00{zone}" for d in range(1, 31)]
    data = load(rows("t,a,y", [(day, k, k % 2) for k, day in enumerate(days)]), time="t")
    assert data.train.x.max() < data.test.x.min()


def test_rows_to_leave_out_follow_the_name_of_a_column_into_other_files(load, tmp_path):
    (tmp_path / "t.csv").write_text("b,a,y\n,1,0\n2,3,1\n")
    for column in ("b", "2"):  # the number of b in the training data, not in the test data
        data = load(GAPS, missing={column: "drop"}, test_file="t.csv")
        assert data.test.x.tolist() == [[3, 2]]
        assert "t.csv: 1 of 2 rows have missing cells and are left out" in data.notes


def test_a_column_without_a_name_has_its_number_in_a_mapping(load):
    data = load(GAPS.partition("\n")[2], header=False, missing={"2": "drop", "1": "error"})
    assert sum(map(len, data)) == 16


def test_codes_are_the_same_texts_in_a_test_file_of_numbers(load, tmp_path):
    text = rows("code,a,y", [(["A1", "007"][k % 2], k, k % 2) for k in range(20)])
    (tmp_path / "t.csv").write_text("code,a,y\n007,1,0\n")
    data = load(text, categorical=["code"], test_file="t.csv")
    assert data.feature_names == ("code=007", "code=A1", "a")
    assert data.test.x.tolist() == [[1, 0, 1]]


def test_cases_of_weight_0_do_not_say_what_fills_a_gap(load):
    cells = [(1, 5, k % 2) for k in range(20)] + [(1, "", 0), *[(0, 1000, 1)] * 9]
    data = load(rows("w,a,y", cells), weight="w", missing="mean")
    assert data.encoding.inputs[0].fill == 5


# Numbers in another notation


def german():
    """Sizes with a decimal comma and a word of its own for a gap; steps with points in them."""
    sizes = ["k.A." if k in (7, 8) else f"{k},5" for k in range(60)]
    cells = [(size, f"{k % 9 + 1}.{k:03d}", "yn"[k % 2]) for k, size in enumerate(sizes)]
    return "\n".join(["size;steps;y", *(";".join(row) for row in cells)]) + "\n"


def problems_of(load, text, **settings):
    with pytest.raises(ChainruleError) as caught:
        load(text, **settings)
    return [problem.message for problem in caught.value.problems]


def test_a_word_among_decimal_commas_and_the_notation_are_two_problems(load):
    notation, word = problems_of(load, german())
    assert notation.startswith("expected numbers, found cells such as '0,5'; write decimal: \",\"")
    assert "found 'k.A.' (2 times); 58 other cells of size are numbers" in word
    assert 'write na: ["k.A."]' in word


def test_the_advice_on_notation_ends_where_it_is_followed(load):
    (word, points) = problems_of(load, german(), decimal=",")
    assert "expected a number, found 'k.A.' (2 times)" in word
    assert "decimal" not in word
    assert "found '1.000'" in points
    assert 'thousands: "."' in points
    (word,) = problems_of(load, german(), decimal=",", thousands=".")
    assert "found 'k.A.'" in word
    data = load(german(), decimal=",", thousands=".", na=["k.A."], split=[1, 0, 0])
    assert sorted(data.train.x[:, 1])[:2] == [1000, 1009]
    assert sorted(data.train.x[:, 0])[:2] == [0.5, 1.5]


def test_zeros_at_the_beginning_of_labels_and_categories_stay(load):
    cells = [(k % 3, "007" if k % 2 else "08", "01" if k % 3 else "1") for k in range(30)]
    data = load(rows("x,zip,y", cells), categorical=["zip"])
    assert data.classes == ("01", "1")
    assert data.feature_names == ("x", "zip=007", "zip=08")


@pytest.mark.parametrize(
    ("word", "advice"),
    [("1\u00a02", r'write na: ["1\u00a02"]'), ("x" * 500, "list it under na:")],
    ids=["a blank that does not break", "a long one"],
)
def test_advice_about_a_word_among_numbers_can_be_shown(load, word, advice):
    with pytest.raises(DataError) as caught:
        load(rows("a,y", [(k, "uv"[k % 2]) for k in range(9)] + [(word, "u")]))
    assert advice in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sheet", 1, r"sheet is for a workbook; a\.csv is a text file"),
        ("sheet", "first", r"sheet is for a workbook; a\.csv is a text file"),
    ],
)
def test_a_setting_of_another_format_is_refused(load, key, value, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load("a,y\n1,0\n2,1\n", **{key: value})
    assert caught.value.problems[0].key == key


def test_a_setting_of_text_is_for_any_of_the_files(load, tmp_path):
    columns = {"a": np.arange(20.0), "y": np.arange(20) % 2}
    pd.DataFrame(columns).to_parquet(tmp_path / "a.parquet")
    settings = {"file": "a.parquet", "delimiter": ";"}
    with pytest.raises(
        ConfigError, match=r"delimiter is for a text file; a\.parquet is a Parquet"
    ):
        load("", **settings)
    (tmp_path / "b.csv").write_text("a;y\n1;0\n2;1\n")
    assert len(load("", **settings, test_file="b.csv").test) == 2
