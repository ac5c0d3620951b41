"""The split belongs to the run: data that have changed since training keep their parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from chainrule import ChainruleError, load, train
from chainrule.core.errors import DataError
from chainrule.data.digests import case_digests
from chainrule.training import Callback
from chainrule.training.scores import evaluate

X = np.random.default_rng(5).normal(size=(69, 4)).round(3)
KINDS = np.random.default_rng(6).integers(0, 3, 69)
OTHER_ORDER = np.random.default_rng(7).permutation(60)

CLASSIFIER = {"layers": [{"size": 3}, "softmax"]}
TWO = {"layers": [{"size": 2}, "softmax"]}
SEVERAL = {
    "loss": "binary_cross_entropy",
    "layers": [{"size": 2, "activation": "sigmoid"}],
}
REGRESSION = {"loss": "mse", "layers": [{"size": 1}]}


def csv(cases, x=X) -> None:
    rows = [",".join([*map(repr, x[k].tolist()), "abc"[KINDS[k]]]) for k in cases]
    Path("d.csv").write_text("\n".join(["p,q,r,s,kind", *rows]) + "\n")


def values(cases, x=X) -> None:
    rows = [",".join(map(repr, [*x[k].tolist(), x[k].sum().item() / 3])) for k in cases]
    Path("d.csv").write_text("\n".join(rows) + "\n")


def labels(cases, x=X) -> None:
    rows = [
        ",".join(map(repr, [*x[k].tolist(), *(x[k, :2] > 0).astype(int).tolist()])) for k in cases
    ]
    Path("d.csv").write_text("\n".join(["p,q,r,s,wet,cold", *rows]) + "\n")


def npz(cases, x=X) -> None:
    names = np.array(["a", "b", "c"])
    np.savez("d.npz", x=x[cases].astype(np.float32), t=KINDS[cases], classes=names)


def idx(cases, x=X) -> None:
    pixels = (np.abs(x[cases]) * 60).astype(np.uint8).reshape(-1, 2, 2)
    count = len(pixels).to_bytes(4, "big")
    sides = (2).to_bytes(4, "big") * 2
    Path("x-ubyte").write_bytes(bytes([0, 0, 8, 3]) + count + sides + pixels.tobytes())
    Path("t-ubyte").write_bytes(bytes([0, 0, 8, 1]) + count + bytes(KINDS[cases].tolist()))


def images(cases, x=X) -> None:
    for kind in "abc":
        folder = Path("images") / kind
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
    for name, k in enumerate(cases):  # named by their place, so that every change renames them
        pixels = (np.abs(x[k]) * 60).astype(np.uint8).reshape(2, 2)
        Image.fromarray(pixels).save(Path("images") / "abc"[KINDS[k]] / f"{name:03}.png")


def sequences(cases, x=X) -> None:
    steps = np.repeat(x[cases][:, :, None], 2, axis=2)
    np.savez("d.npz", x=steps, t=KINDS[cases])


RECURRENT = {
    "layers": [{"type": "recurrent", "size": 3, "outputs": "last"}, {"size": 3}, "softmax"]
}

SOURCES = {
    "classes in text": (csv, CLASSIFIER, {"file": "d.csv"}),
    "values in text": (values, REGRESSION, {"file": "d.csv"}),
    "scaled values": (values, REGRESSION, {"file": "d.csv", "scale_targets": True}),
    "several labels": (labels, SEVERAL, {"file": "d.csv", "label": ["wet", "cold"]}),
    "npz": (npz, CLASSIFIER, {"file": "d.npz"}),
    "IDX": (idx, CLASSIFIER, {"file": "x-ubyte", "labels": "t-ubyte"}),
    "images": (images, CLASSIFIER, {"folder": "images"}),
    "sequences": (sequences, RECURRENT, {"file": "d.npz"}),
}


def trained(network, data, **more):
    training = {"epochs": 2, "engine": "numpy", **more}
    config = {"network": network, "data": {"standardize": True, **data}, "training": training}
    return train(config, run="r")


@pytest.fixture(params=SOURCES)
def source(request, folder):
    """A way to write cases, and the run that was trained on all of them."""
    write, network, data = SOURCES[request.param]
    write(range(60))
    data = dict(data)
    if write is sequences:
        data["standardize"] = False
    return write, trained(network, data)


def rows(part) -> list[bytes]:
    return [x.tobytes() + t.tobytes() for x, t in zip(part.x, part.t, strict=True)]


def test_data_that_are_the_same_are_those_of_the_training(source):
    _, run = source
    again = load("r").data
    assert [rows(part) for part in again] == [rows(part) for part in run.data]
    assert again.notes == run.data.notes


def test_in_another_order_each_case_keeps_its_part_and_place(source):
    write, run = source
    write(OTHER_ORDER)
    again = load("r").data
    assert [rows(part) for part in again] == [rows(part) for part in run.data]
    assert (write is images) or "another order" in again.notes[-1]


def test_no_case_moves_into_another_part_if_some_are_deleted_and_some_are_new(source):
    write, run = source
    write([*range(60, 69), *OTHER_ORDER[:40]])
    again = load("r").data
    assert sum(map(len, again)) == 40
    for ours, theirs in zip(again, run.data, strict=True):
        rest = iter(rows(theirs))
        assert all(row in rest for row in rows(ours))
    lost = [len(theirs) - len(ours) for ours, theirs in zip(again, run.data, strict=True)]
    assert "of 49 cases 9 are new and left out, " in again.notes[-1]
    for number, part in zip(lost, ("training", "validation", "test"), strict=True):
        assert (f"{number} of {part}" in again.notes[-1]) == (number > 0)


def test_the_digests_stand_beside_the_run_before_training_begins(folder):
    class Look(Callback):
        def on_epoch(self, trainer, row):
            seen.append(load_file("r/cases.safetensors"))

    seen: list[dict] = []
    csv(range(60))
    config = {"network": CLASSIFIER, "data": {"file": "d.csv"}, "training": {"epochs": 1}}
    run = train(config, run="r", callbacks=[Look()])
    for name, part in zip(("train", "validation", "test"), run.data, strict=True):
        assert seen[0][name].tolist() == case_digests(part.x, part.t).tolist()
    assert Path("r/cases.safetensors").stat().st_size < 60 * 8 + 300


def test_a_run_that_was_interrupted_and_resumed_has_them(folder):
    class Stop(Callback):
        def on_epoch(self, trainer, row):
            trainer.ask_to_stop()

    csv(range(60))
    config = {"network": CLASSIFIER, "data": {"file": "d.csv"}, "training": {"epochs": 3}}
    assert train(config, run="r", callbacks=[Stop()]).interrupted
    before = Path("r/cases.safetensors").read_bytes()
    Path("r/cases.safetensors").unlink()  # as an older version left the run
    run = train(config, run="r", resume=True)
    assert Path("r/cases.safetensors").read_bytes() == before
    csv(OTHER_ORDER)
    assert [rows(p) for p in load("r").data] == [rows(p) for p in run.data]


def test_generated_data_need_none(folder):
    config = {"network": CLASSIFIER, "data": {"generator": "spirals", "count": 30}}
    run = train({**config, "training": {"epochs": 1}}, run="r")
    assert not Path("r/cases.safetensors").exists()
    assert load("r").digests is run.digests is None
    assert [rows(p) for p in load("r").data] == [rows(p) for p in run.data]


def test_a_run_of_an_older_version_is_read_as_before(folder):
    csv(range(60))
    run = trained(CLASSIFIER, {"file": "d.csv"})
    Path("r/cases.safetensors").unlink()
    assert [rows(p) for p in load("r").data] == [rows(p) for p in run.data]
    csv(range(40))
    assert [len(part) for part in load("r").data] == [28, 8, 4]


def test_labels_that_are_new_make_new_cases(folder):
    csv(range(60))
    trained(CLASSIFIER, {"file": "d.csv"})
    text = Path("d.csv").read_text()
    Path("d.csv").write_text(text + "1,2,3,4,another\n")
    assert "of 61 cases 1 is new and left out" in load("r").data.notes[-1]
    Path("d.csv").write_text("\n".join(r for r in text.splitlines() if r[-1] != "b"))
    data = load("r").data
    assert data.classes == ("a", "b", "c")
    assert set(data.train.t.tolist()) == {0, 2}


def test_a_folder_of_a_class_may_come_or_go(folder):
    images(range(60))
    run = trained(CLASSIFIER, {"folder": "images"})
    Path("images/0").mkdir()
    Image.new("L", (2, 2)).save("images/0/x.png")
    assert [rows(p) for p in load("r").data] == [rows(p) for p in run.data]
    for file in Path("images/a").iterdir():
        file.unlink()
    Path("images/a").rmdir()
    again = load("r").data
    assert again.classes == run.classes
    for ours, theirs in zip(again, run.data, strict=True):
        assert rows(ours) == [r for r, t in zip(rows(theirs), theirs.t, strict=True) if t != 0]


@pytest.mark.parametrize("key", ["test_file", "validation_file"])
def test_a_file_of_its_own_may_change_too(folder, key):
    csv(range(40, 60))
    Path("d.csv").rename("own.csv")
    csv(range(40))
    split = [0.8, 0.2, 0] if key == "test_file" else [0.8, 0, 0.2]
    run = trained(CLASSIFIER, {"file": "d.csv", key: "own.csv", "split": split})
    lines = Path("own.csv").read_text().splitlines()
    changed = [lines[0], *lines[6:], "1,2,3,4,a", lines[6]]
    Path("own.csv").write_text("\n".join(changed))
    again = load("r").data
    part = key.removesuffix("_file")
    note = "of 57 cases 1 is new and left out, 1 is a copy and left out, 5 of "
    assert f"{note}{part} are gone" in again.notes[-1]
    assert rows(getattr(again, part)) == rows(getattr(run.data, part))[5:]
    assert rows(again.train) == rows(run.data.train)


def test_a_case_that_moves_into_the_test_file_stays_one_of_training(folder):
    csv(range(40, 60))
    Path("d.csv").rename("own.csv")
    csv(range(40))
    run = trained(CLASSIFIER, {"file": "d.csv", "test_file": "own.csv", "split": [1, 0, 0]})
    csv([*range(30, 60)])
    Path("d.csv").rename("own.csv")
    csv(range(30))
    again = load("r").data
    assert [rows(part) for part in again] == [rows(part) for part in run.data]


# Tables


PEOPLE = ["age,city,patient,day,bought"] + [
    f"{20 + k % 37},{('Oslo', 'Bergen', 'Molde')[k % 3]},p{k // 4},2026-{1 + k // 28:02}-"
    f"{1 + k % 28:02},{('no', 'yes')[k * 7 % 5 > 1]}"
    for k in range(80)
]


def people(lines) -> None:
    Path("d.csv").write_text("\n".join(lines) + "\n")


def columns(lines, order) -> list[str]:
    cells = [line.split(",") for line in lines]
    return [",".join(row[k] for k in order) for row in cells]


@pytest.fixture(params=[{"drop": ["patient", "day"]}, {"group": "patient"}, {"time": "day"}])
def table(request, folder):
    """The run of a table that was split at random, by groups, or in the order of time."""
    people(PEOPLE)
    drop = [name for name in ("patient", "day") if name not in request.param.values()]
    settings = {"drop": drop, **request.param}
    return trained(TWO, {"file": "d.csv", "label": "bought", **settings})


def test_columns_in_another_order_make_the_same_cases(table):
    people(columns(PEOPLE, [4, 1, 0, 3, 2]))
    again = load("r").data
    assert [rows(part) for part in again] == [rows(part) for part in table.data]
    assert again.notes == table.data.notes


def test_rows_of_a_table_keep_their_parts(table):
    rest = [PEOPLE[k] for k in np.random.default_rng(3).permutation(np.arange(1, 81))[:60]]
    new = "99,Oslo,p99,2026-01-01,yes"
    people(columns([PEOPLE[0], new, *rest], [3, 2, 1, 0, 4]))
    again = load("r").data
    assert "of 61 cases 1 is new and left out, " in again.notes[-1]
    assert sum(map(len, again)) == 60
    for ours, theirs in zip(again, table.data, strict=True):
        left = iter(rows(theirs))
        assert all(row in left for row in rows(ours))


def test_a_category_that_training_has_not_seen_makes_a_new_case(table):
    people([*PEOPLE, "30,Bodø,p0,2026-01-01,yes"])
    again = load("r").data
    assert [rows(part) for part in again] == [rows(part) for part in table.data]
    assert "of 81 cases 1 is new and left out" in again.notes[-1]


@pytest.mark.parametrize("key", ["group", "time"])
@pytest.mark.parametrize("change", ["few rows", "no column", "an empty cell"])
def test_what_divided_a_table_may_be_gone(folder, key, change):
    people(PEOPLE)
    column = {"group": "patient", "time": "day"}[key]
    other = {"group": "day", "time": "patient"}[key]
    data = {"file": "d.csv", "label": "bought", "drop": [other], key: column}
    run = trained(TWO, data)
    place = PEOPLE[0].split(",").index(column)
    if change == "few rows":
        people(PEOPLE[:5])
    elif change == "no column":
        people(columns(PEOPLE, [k for k in range(5) if k != place]))
    else:
        cells = PEOPLE[7].split(",")
        cells[place] = ""
        people([*PEOPLE[:7], ",".join(cells), *PEOPLE[8:]])
    again = load("r").data
    assert sum(map(len, again)) == (4 if change == "few rows" else 80)
    for ours, theirs in zip(again, run.data, strict=True):
        left = iter(rows(theirs))
        assert all(row in left for row in rows(ours))


def test_what_stands_for_a_missing_cell_is_that_of_the_run(folder):
    missing = [line if k % 9 else "," + line.partition(",")[2] for k, line in enumerate(PEOPLE)]
    missing[0] = PEOPLE[0]
    people(missing)
    data = {"file": "d.csv", "label": "bought", "drop": ["patient", "day"], "missing": "mean"}
    run = trained(TWO, data)
    people(missing[:1] + [line for line in missing[41:] if line[0] in ",2"])
    again = load("r").data
    assert "none is new" in again.notes[-1]
    for ours, theirs in zip(again, run.data, strict=True):
        left = iter(rows(theirs))
        assert all(row in left for row in rows(ours))


# What the commands say


def test_evaluate_scores_the_same_cases_after_sorting(folder, command):
    csv(range(60))
    run = trained(CLASSIFIER, {"file": "d.csv"})
    before = command("evaluate", "r").out
    csv(np.argsort(X[:60, 0]))
    outcome = command("evaluate", "r")
    assert outcome.out == before
    assert "note: the cases stand in another order than at training" in outcome.err
    again = load("r")
    assert evaluate(again.network, again.data.test.x, again.data.test.t, classes=True) == run.test


def test_a_part_of_which_nothing_is_left_cannot_be_evaluated(folder, command):
    csv(range(60))
    run = trained(CLASSIFIER, {"file": "d.csv"})
    held = set(rows(run.data.test))
    x = run.scaled(X)
    left = [k for k in range(60) if not any(row.startswith(x[k].tobytes()) for row in held)]
    csv(left)
    outcome = command("evaluate", "r")
    assert (outcome.status, outcome.out) == (2, "")
    assert "none of the run's 6 test cases is left: the data have changed since" in outcome.err
    assert "of 54 cases none is new, 6 of test are gone" in outcome.err
    outcome = command("evaluate", "r", "--split", "train")
    assert outcome.status == 0
    assert "6 of test are gone" in outcome.err


def test_data_of_which_nothing_is_left_are_refused(folder, command):
    csv(range(60))
    trained(CLASSIFIER, {"file": "d.csv"})
    csv(range(60), X + 1)
    with pytest.raises(DataError, match=r"config.yaml:\d+:.*of 60 cases 60 are new and left out"):
        _ = load("r").data
    for arguments in (("evaluate", "r"), ("plot", "r")):
        assert command(*arguments).status == 2


NOTE = "of the 20 cases {} trained on and {} validated on; a score on these says little"


def test_a_file_with_cases_of_the_training_is_scored_with_a_note(source, command):
    write, run = source
    files = {"file": run.config.data.get("file"), "folder": run.config.data.get("folder")}
    write(range(20))
    labels = ("--labels", "t-ubyte") if write is idx else ()
    name = next(Path(str(value)).name for value in files.values() if value)
    outcome = command("evaluate", "r", name, *labels)
    assert outcome.status == 0
    now = load("r").data
    counts = [f"{len(part)} {'was' if len(part) == 1 else 'were'}" for part in now]
    assert f"note: {NOTE.format(*counts)}" in outcome.err
    write(range(20), X + 1)
    outcome = command("evaluate", "r", name, *labels)
    assert (outcome.status, "note: of the" in outcome.err) == (0, False)


def test_windows_of_a_text_are_known_again(folder, command):
    Path("t.txt").write_text("the quick brown fox jumps over the lazy dog. " * 30)
    network = {"layers": [{"type": "recurrent", "size": 4}, {"size": 28}, "softmax"]}
    network["layers"][1]["size"] = len(set(Path("t.txt").read_text()))
    trained(network, {"text": "t.txt", "steps": 10, "standardize": False})
    assert command("evaluate", "r").err == ""
    outcome = command("evaluate", "r", "t.txt")
    assert "note: of the " in outcome.err
    text = Path("t.txt").read_text()
    Path("t.txt").write_text(text[: len(text) - 60])
    assert "the data have changed since training: of " in command("evaluate", "r").err


# The file


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train": np.zeros(3, np.uint64)}, "expected a row of digests for each of train, "),
        ({"test": np.zeros(3)}, "digests are whole numbers of 64 bits"),
        ({"test": np.zeros((3, 1), np.uint64)}, r"found .*test of shape \(3, 1\)"),
        ({"more": np.zeros(3, np.uint64)}, "found .*more of shape"),
        (None, "this is no whole safetensors file of digests"),
    ],
)
def test_a_damaged_file_is_named(folder, arrays, message):
    csv(range(60))
    trained(CLASSIFIER, {"file": "d.csv"})
    path = Path("r/cases.safetensors")
    if arrays is None:
        path.write_bytes(path.read_bytes()[:-1])
    elif "train" in arrays:
        save_file(arrays, path)
    else:
        save_file({**load_file(path), **arrays}, path)
    with pytest.raises(ChainruleError, match=message) as error:
        _ = load("r").data
    assert "cases.safetensors" in str(error.value)


def test_a_message_on_the_data_of_a_run_names_the_file_plainly(folder):
    csv(range(69))
    run = train({"network": CLASSIFIER, "data": {"file": "d.csv"}, "training": {"epochs": 1}})
    Path("d.csv").write_text("p,q,r,kind\n1,2,3,a\n")
    with pytest.raises(DataError, match=r"^d\.csv: the column 's', an input, is missing"):
        _ = load(run.folder).data
