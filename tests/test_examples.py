"""The examples run as they stand and learn what they promise; so do the README's lines."""

import os
import re
import textwrap
from pathlib import Path

import pytest

import chainrule
from chainrule.config.reading.yaml_reader import read_yaml

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SHARED = Path(os.environ.get("CHAINRULE_DATA", ROOT.parent / "shared" / "data"))

# What the test part must reach: accuracy, or R² of the regression.
REACHES = {
    "shapes.yaml": 0.90,
    "no_hidden_layer.yaml": 0.75,
    "deep.yaml": 0.85,
    "residual.yaml": 0.97,
    "convolution.yaml": 0.92,
    "spirals.yaml": 0.97,
    "parity.yaml": 1.0,
    "echo.yaml": 0.99,
    "memory.yaml": 0.97,
    "regression.yaml": 0.95,
    "iris.yaml": 0.93,
    "compact.txt": 0.60,
}


REACHES_LATER = {"global_average.yaml": 0.98, "jack.yaml": 0.93}
"""Those whose training takes some seconds."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", REACHES_LATER)
def test_an_example_that_takes_longer_learns(name):
    assert_it_learns(name, REACHES_LATER[name])


@pytest.mark.parametrize("name", REACHES)
def test_an_example_learns(name):
    if name == "iris.yaml":
        pytest.importorskip("sklearn", reason="iris comes with scikit-learn")
    assert_it_learns(name, REACHES[name])


def assert_it_learns(name, reached):
    run = chainrule.train(EXAMPLES / name, save=False)
    quality = run.test.r2 if run.classes is None else run.test.accuracy
    assert quality >= reached
    losses = run.history["train_loss"]
    assert losses[-1] < 0.6 * losses[0]


def test_the_examples_have_the_sizes_they_claim():
    def dense(name):
        run = chainrule.train(EXAMPLES / name, overrides=["training.epochs=0"], save=False)
        kinds = [layer.type for layer in run.network.layers]
        return kinds.count("dense"), len(run.data.train)

    hidden, cases = dense("shapes.yaml")
    assert hidden >= 3
    assert cases >= 500
    assert dense("no_hidden_layer.yaml") == (1, cases)
    hidden, cases = dense("deep.yaml")
    assert hidden == 6
    assert cases >= 100


def test_the_letters_learn_from_the_real_file(tmp_path):
    letters = SHARED / "cmu_ocr"
    if not letters.is_dir():
        pytest.skip(f"the handwritten letters are not at {letters}")
    run = chainrule.train(
        EXAMPLES / "letters.yaml",
        overrides=[
            f"data.file={letters / 'mediumTrain.csv'}",
            f"data.validation_file={letters / 'mediumValidation.csv'}",
            "training.epochs=10",
        ],
        save=False,
    )
    assert run.validation.cases == 1000
    assert run.validation.accuracy > 0.7


@pytest.mark.exhaustive
def test_the_photographs_begin_to_be_learnt():
    few = SHARED / "cifar_mini" / "cifar-10-batches-py"
    if not few.is_dir():
        pytest.skip(f"no images of CIFAR-10 are at {few}")
    run = chainrule.train(
        EXAMPLES / "cifar10.yaml",
        overrides=[f"data.path={few}", "training.epochs=4", "data.split=[1, 0, 0]"],
        save=False,
    )
    assert run.network.input_shape == (3, 32, 32)
    assert len(run.data.train) == 500
    losses = run.history["train_loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert run.train.accuracy > 0.3
    assert run.test.accuracy > 0.15  # of ten classes, after 64 steps


def test_the_example_by_hand_is_small_enough_for_it():
    run = chainrule.train(EXAMPLES / "by_hand.yaml", save=False)
    assert run.network.parameters.layout.size == 9
    assert len(run.data.train) == 4


def test_the_textbook_example_gives_its_figures_to_the_last_digit():
    run = chainrule.train(EXAMPLES / "textbook.yaml", save=False)
    assert f"{run.history['train_loss'][0]:.9f} {run.train.loss:.9f}" == "0.298371109 0.291027774"
    hidden, output = run.network.layers
    assert [f"{w:.8f}" for w in hidden.W.T.ravel()] == [
        "0.14978072", "0.19956143", "0.24975114", "0.29950229"
    ]  # fmt: skip
    assert [f"{w:.8f}" for w in output.W.T.ravel()] == [
        "0.35891648", "0.40866619", "0.51130127", "0.56137012"
    ]  # fmt: skip
    assert [*hidden.b, *output.b] == [0.35, 0.35, 0.6, 0.6]
    text = (EXAMPLES / "textbook.yaml").read_text(encoding="utf-8").splitlines()
    path = [line for line in text if "bias_learning_rate: 0" not in line]
    learnt = chainrule.train(read_yaml("\n".join(path)).value, save=False)
    assert f"{learnt.train.loss:.9f}" == "0.280471447"


def test_every_example_is_named_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        assert f"`{path.name}`" in readme


def test_the_python_lines_of_the_readme_run_as_they_stand(tmp_path, monkeypatch):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(.*?)```", readme, re.DOTALL).group(1)
    (tmp_path / "examples").mkdir()
    shapes = (EXAMPLES / "shapes.yaml").read_text(encoding="utf-8")
    (tmp_path / "examples" / "shapes.yaml").write_text(shapes, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(lines, "README.md", "exec"), names)
    assert names["run"].test.accuracy > 0.9
    assert len(names["train"]) == 350
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    section = readme.split("From arrays or a DataFrame to predictions")[1]
    lines = re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)
    exec(compile(lines, "README.md", "exec"), names)
    assert names["model"].score(names["x"], names["t"]) > 0.9


def test_the_yaml_of_the_readme_trains(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL).group(1)
    path = tmp_path / "readme.yaml"
    path.write_text(text, encoding="utf-8")
    run = chainrule.train(path, overrides=["training.epochs=1"], save=False)
    assert len(run.history["epoch"]) == 1


def test_the_own_table_of_the_readme_is_described_trained_and_predicted(command, folder):
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    Path("people.csv").write_text(re.search(r"```csv\n(.*?)```", page, re.DOTALL).group(1))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Your own table")[1].split("\n## ")[0]
    lines = re.search(r"    network: .*?    training: [^\n]*\n", section, re.DOTALL).group(0)
    Path("people.yaml").write_text(textwrap.dedent(lines))
    run = chainrule.train("people.yaml")
    assert run.train.accuracy > 0.9
    Path("new.csv").write_text("city,survey_weight,age,income\nRome,1,44,\n")
    said = command("predict", run.folder, "new.csv").out
    assert said.startswith("class,no,yes\nyes,")
    described = command("describe", "people.csv").out
    for shown in re.findall(r"^     (\w+ .*\S)$", section, re.MULTILINE)[1:]:
        assert " ".join(shown.split()) in " ".join(described.split()), shown


PAGES = [p for p in ROOT.rglob("*.md") if not {".venv", "runs"} & set(p.relative_to(ROOT).parts)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in inside if not (page.parent / link).exists()] == []
