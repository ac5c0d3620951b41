"""docs/export.md: what it shows runs as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from chainrule.runs.export.document import _Document
from chainrule.runs.export.formats import FORMATS

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.filterwarnings("ignore:missing cells filled in")


def test_the_lines_of_python_and_of_c_run(folder, capsys):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the extra onnx")
    names: dict[str, object] = {}
    for lines in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        if "needs torch" not in lines or find_spec("torch"):
            exec(lines, names)
    printed = capsys.readouterr().out
    label = names["label"]
    assert set(label) <= {"yes", "no"}
    assert label[0] in printed
    assert names["run"].predict({"age": [52.0, None], "city": ["Rome", None]}).tolist() == [*label]
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler, cc, on this machine")
    (text,) = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)
    Path("example.c").write_text(text)
    flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
    subprocess.run([compiler, *flags, "-o", "example", "example.c", "-lm"], check=True)
    word, probability = subprocess.check_output("./example", text=True).split()
    assert word == label[0]
    assert float(probability) == pytest.approx(names["probabilities"][0].max(), abs=1e-3)


def test_every_key_and_every_format_is_on_the_page():
    for key in _Document.model_fields:
        assert f"`{key}`" in PAGE
    for name, each in FORMATS.items():
        assert f"| `{name}` | `{each.endings[0]}` |" in PAGE
