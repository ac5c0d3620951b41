"""What is doubtful about data: what is said, with which key, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.sources import load_data
from chainrule.data.suspicions import in_order, suspicions_of_data
from chainrule.data.tables.roles import as_key
from chainrule.data.tables.suspicions import families, tells_rows_apart
from chainrule.data.tables.table import Table, column_of

RNG = np.random.default_rng(0)
ROWS = 120


def csv(folder, **columns):
    """A file of these columns; returns its name."""
    count = len(next(iter(columns.values())))
    lines = [
        ",".join(columns),
        *(",".join(str(c[k]) for c in columns.values()) for k in range(count)),
    ]
    (folder / "d.csv").write_text("\n".join(lines) + "\n")
    return "d.csv"


def doubts(folder, *, target=None, outputs=None, settings=None, **columns):
    """What is doubtful about a file of these columns."""
    written = {"file": csv(folder, **columns), **(settings or {})}
    return load_data(written, folder=folder, seed=0, target=target, outputs=outputs).doubts


def floats(count=ROWS):
    return [f"{v:.4f}" for v in RNG.normal(size=count)]


def classes(count=ROWS, names="ab"):
    return [names[k % len(names)] for k in range(count)]


# Columns


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rows", list(range(1, ROWS + 1))),
        ("shuffled", RNG.permutation(ROWS) + 5000),
        ("customerID", RNG.integers(0, 10**9, ROWS)),
        ("patient_id", RNG.integers(0, 10**9, ROWS)),
        ("Sample number", RNG.integers(0, 10**9, ROWS)),
    ],
)
def test_a_column_that_tells_rows_apart_is_to_be_dropped(folder, name, values):
    columns = {name: values, "a": floats(), "b": floats(), "y": classes()}
    (said,) = [d for d in doubts(folder, **columns) if "apart" in d]
    assert f"drop: [{name}]" in said
    after = doubts(folder, settings={"drop": [name]}, **columns)
    assert after == ()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("year", list(range(1900, 1900 + ROWS))),  # a trend may be learnt from it
        ("store_id", RNG.integers(0, 10, ROWS)),  # names a shop, not the row
        ("price", RNG.integers(0, 10**6, ROWS)),
        ("grid", RNG.integers(0, 3, ROWS)),
        ("valid", RNG.integers(0, 2, ROWS)),
    ],
)
def test_a_column_that_may_be_learnt_from_is_no_identifier(folder, name, values):
    found = doubts(folder, **{name: values, "a": floats(), "b": floats(), "y": classes()})
    assert not any("apart" in doubt for doubt in found)


def test_a_table_without_names_may_begin_with_numbers_of_cases():
    ids, few = [1000 + 7 * k for k in range(40)], [k % 5 for k in range(40)]
    table = Table((column_of("column_1", ids), column_of("column_2", few)), has_names=False)
    assert tells_rows_apart(table, "column_1")
    assert not tells_rows_apart(table, "column_2")
    assert as_key(table, "column_1") == "1"


@pytest.mark.parametrize("kind", ["text", "number"])
def test_a_column_that_gives_the_class_away_is_said_first(folder, kind):
    y = classes(names="abc")
    leak = [{"a": "low", "b": "mid", "c": "top"}[k] if kind == "text" else ord(k) * 9 for k in y]
    found = doubts(folder, a=floats(), code=leak, b=floats(), y=y)
    assert "gives the label away" in found[0]
    assert "drop: [code]" in found[0]


def test_a_column_that_is_the_target_in_other_units_is_said(folder):
    a, y = RNG.normal(size=ROWS), RNG.normal(size=ROWS)
    found = doubts(folder, target="value", outputs=1, a=a, f=y * 1.8 + 32, near=y + a * 0.05, y=y)
    (said,) = [doubt for doubt in found if "away" in doubt]
    assert "drop: [f]" in said


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_a_column_in_which_two_classes_meet_gives_nothing_away(folder, names, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(ROWS) % names
    column = t.copy()
    column[rng.integers(ROWS)] += 1  # one exception is enough
    found = doubts(folder, a=floats(), code=column, y=[f"c{k}" for k in t])
    assert not any("away" in doubt for doubt in found)


def test_the_only_input_is_never_to_be_dropped(folder):
    x = np.arange(ROWS)
    assert not any("drop" in d for d in doubts(folder, target="value", outputs=1, x=x, y=2.5 * x))


def test_an_exception_far_from_the_sample_is_seen(folder):
    rows = 5000
    t = np.arange(rows) % 2
    leak = t.copy()
    leak[1] = 1 - leak[1]  # not among the rows that are looked at first
    found = doubts(folder, a=floats(rows), leak=leak, y=[f"c{k}" for k in t])
    assert not any("away" in doubt for doubt in found)


def test_constant_columns_are_said_but_not_those_of_pixels(folder):
    pixels = {f"p{k}": [0] * ROWS if k < 3 else RNG.integers(0, 2, ROWS) for k in range(20)}
    found = doubts(folder, a=floats(), same=["x"] * ROWS, zero=[0] * ROWS, **pixels, y=classes())
    (said,) = [doubt for doubt in found if "same in every row" in doubt]
    assert "drop: [same, zero]" in said


def test_filled_cells_are_counted_unless_a_setting_says_how(folder):
    age = [30 + k % 7 for k in range(ROWS)]
    city = ["Oslo" if k % 3 else "Rome" for k in range(ROWS)]
    age[3] = age[4] = city[5] = ""
    columns = {"age": age, "city": city, "y": classes()}
    (said,) = [doubt for doubt in doubts(folder, **columns) if "missing" in doubt]
    assert "2 of age (the mean, 3" in said
    assert "1 of city (the most frequent, Oslo)" in said
    assert not any("missing" in d for d in doubts(folder, settings={"missing": "mean"}, **columns))


def test_leading_zeros_of_inputs_and_labels_are_said(folder):
    codes = [f"{k % 7:03d}" for k in range(ROWS)]
    found = doubts(folder, code=codes, a=floats(), y=[f"{k % 2:02d}" for k in range(ROWS)])
    assert any("categorical: [code]" in doubt for doubt in found)
    assert any("'00' is the name of a class" in doubt or "'01'" in doubt for doubt in found)


def test_the_index_of_pandas_is_left_out_with_the_reason(folder):
    found = doubts(folder, **{"": range(ROWS), "a": floats(), "y": classes()})
    (said,) = found
    assert "column_1 is left out" in said
    assert "columns:" in said


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_honest_tables_raise_no_suspicion_of_a_leak_or_an_identifier(folder, name):
    sklearn = pytest.importorskip("sklearn.datasets")
    bunch = getattr(sklearn, f"load_{name}")()
    names = [str(n).replace(",", "") for n in bunch.feature_names]
    columns = dict(zip(names, bunch.data.T, strict=True))
    found = doubts(folder, **columns, label=[f"c{k}" for k in bunch.target])
    assert not any("drop" in doubt for doubt in found)
    assert len(found) <= 1  # inputs far from 1, where they are


def test_xor_and_what_is_decided_by_one_of_two_inputs_with_noise_are_honest(folder):
    a, b = RNG.integers(0, 2, (2, 200))
    assert doubts(folder, a=a, b=b, y=[f"c{k}" for k in a ^ b]) == ()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("id", "id"),
        ("Name of it", "Name of it"),
        ("a,b", '"a,b"'),
        ("yes", '"yes"'),
        ("x: y", '"x: y"'),
    ],
)
def test_a_name_is_written_as_a_configuration_reads_it(name, key):
    from ruamel.yaml import YAML

    table = Table((column_of(name, [1]), column_of("other", [2])))
    assert as_key(table, name) == key
    assert YAML(typ="safe").load(f"drop: [{key}]") == {"drop": [name]}


def test_columns_numbered_alike_are_a_family():
    names = ["label", *(f"px_{r}_{c}" for r in range(5) for c in range(5)), "a1", "a2"]
    assert {*families(names)} == {*names[1:-2]}


# Classes and sizes


def split(*parts, count=3, **more):
    made = (Dataset(np.ones((len(t), 2)), np.array(t, dtype=np.int64)) for t in parts)
    return DataSplit(*made, classes=tuple("abcdef"[:count]), **more)


def said(data, settings=None):
    return in_order(suspicions_of_data(data, settings or {}))


def test_a_class_that_training_lacks_is_said_first():
    found = said(split([0, 1] * 20, [0, 1, 2, 2], [0, 1]))
    assert found[0].startswith("no training case of the class c, but 2 validation and test cases")


def test_a_class_that_no_part_has_is_said():
    (found,) = said(split([0, 2] * 20, [0, 2], [0, 2]))
    assert found.startswith("no case at all of the class b")
    assert "classes:" in found


def test_classes_that_a_part_does_not_judge_and_single_cases_are_said():
    found = " ".join(said(split([0, 1] * 20 + [2], [0, 1, 2], [0, 1])))
    assert "one training case only of the class c" in found
    assert "no test case of the class c" in found
    assert "no validation case" not in found


def test_one_class_alone_in_training_is_said():
    (found, *_) = said(split([0] * 20, [0], [0], count=2))
    assert any(
        "all 20 training cases are of the class a" in d for d in said(split([0] * 20, [], []))
    )
    assert found


def test_the_score_of_always_guessing_is_said_of_unequal_classes():
    (found,) = said(split([0] * 95 + [1] * 5, [0, 1], [0, 1], count=2))
    assert "always guessing it is right in 95.0%" in found
    assert said(split([0] * 85 + [1] * 15, [0, 1], [0, 1], count=2)) == ()


@pytest.mark.parametrize(("factor", "word"), [(1000, "standardize"), (1e-4, "standardize")])
def test_inputs_far_from_1_are_said_with_the_key(factor, word):
    x, t = RNG.normal(size=(50, 3)) * factor, np.arange(50) % 2
    part = Dataset(x, t)
    data = DataSplit(part, part, part, classes=("a", "b"), feature_names=("u", "v", "w"))
    (found,) = said(data)
    assert word in found
    assert said(data, {"standardize": True}) == ()


def test_cases_of_the_test_that_were_trained_on_are_counted(folder):
    a = floats(300)
    found = doubts(folder, a=a * 2, b=["x"] * 300 + ["x"] * 300, y=classes(300) * 2)
    assert any("are in the training data as well" in doubt for doubt in found)
    once = doubts(folder, a=floats(600), b=floats(600), y=classes(600))
    few = doubts(folder, a=RNG.integers(0, 4, 600), b=RNG.integers(0, 4, 600), y=classes(600))
    assert not any("as well" in doubt for doubt in (*once, *few))


# A label that cannot be one


def refused(folder, text, **options):
    (folder / "d.csv").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_data({"file": "d.csv"}, folder=folder, seed=0, **options)
    (problem,) = caught.value.problems
    assert problem.key == "file"
    return problem.message


def test_a_label_by_default_that_cannot_be_one_is_one_problem(folder):
    rows = (f"{842302 + 17 * k},{'MB'[k % 2]},{k / 7:.2f},{k / 3:.2f}" for k in range(40))
    message = refused(folder, "\n".join(rows), target="class", outputs=2)
    assert message.startswith("the last column, column_4, was taken for the label, but")
    assert "label: 2 (M, B)" in message
    assert "drop: [1]" in message
    advised = {"file": "d.csv", "label": [2], "drop": [1]}
    data = load_data(advised, folder=folder, seed=0, target="class", outputs=2)
    assert data.classes == ("B", "M")
    assert data.train.x.shape[1] == 2


def test_a_column_that_is_called_the_label_is_proposed_first(folder):
    rows = "".join(f"{k / 7},{'xyz'[k % 3]},{k % 2},{k}\n" for k in range(40))
    message = refused(folder, "a,kind,survived,ticket\n" + rows, target="class", outputs=2)
    assert "ticket" in message
    assert "label: survived (0, 1)" in message
    assert "if it is right, write label: ticket" in message


def test_texts_are_no_values(folder):
    message = refused(folder, "a,b,city\n1,2,Oslo\n3,4,Rome\n", target="value", outputs=1)
    assert "city" in message
    assert "texts such as Oslo" in message


def test_a_label_that_was_named_is_left_to_the_user(folder):
    (folder / "d.csv").write_text("a,b,y\n1,u,0\n2,v,1\n3,u,2\n")
    data = load_data(
        {"file": "d.csv", "label": ["last"]}, folder=folder, seed=0, target="class", outputs=3
    )
    assert len(data.classes) == 3


@pytest.mark.parametrize("count", [2, 25])
def test_dates_are_no_inputs_however_few_they_are(folder, count):
    days = [f"2026-03-{k % count + 1:02d}" for k in range(ROWS)]
    with pytest.raises(ChainruleError, match="holds dates such as 2026-03-01") as caught:
        doubts(folder, day=days, a=floats(), y=classes())
    assert "drop: [day]" in str(caught.value)
    doubts(folder, day=days, a=floats(), y=classes(), settings={"categorical": ["day"]})


def test_dates_in_the_last_column_are_no_label(folder):
    days = [f"2026-03-{k % 2 + 1:02d}" for k in range(ROWS)]
    with pytest.raises(ConfigError, match="dates such as 2026-03-01; write label"):
        doubts(folder, a=floats(), y=classes(), day=days)
    assert doubts(folder, a=floats(), day=days, settings={"label": "day"}) is not None


def test_categories_that_differ_only_in_capitals_are_said(folder):
    answers = ["yes", "no", "Yes"] * (ROWS // 3)
    found = doubts(folder, answer=answers, a=floats(), y=classes(names=("p", "q")))
    assert [text for text in found if "alike" in text] == [
        "answer holds 'yes' and 'Yes', which are two categories; if they mean the same, write "
        "them alike in the file"
    ]
    found = doubts(folder, a=floats(), y=classes(names=("p", "P")))
    assert "y holds 'p' and 'P'" in " ".join(found)
