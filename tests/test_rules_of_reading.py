"""No module does what a stranger's file could make use of."""

from __future__ import annotations

import pytest

from rules_of_reading import ALLOWED, breaches, broken, sources


def test_every_breach_is_allowed_with_a_reason_and_no_reason_is_left_over():
    assert {key: ALLOWED.get(key, lines) for key, lines in breaches().items()} == ALLOWED


def test_the_whole_package_and_the_courses_are_looked_at():
    names = {path.as_posix() for path in sources()}
    for part in (
        "data/readers/npz_file.py",
        "runs/sweeps/pool.py",
        "runs/comparison/worker.py",
        "letters.py",
    ):
        assert any(name.endswith(part) for name in names), part


BREACHES = {
    "pickle": [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "def f():\n    import joblib.numpy_pickle",
        "np.load(path, allow_pickle=True)",
        "np.lib.format.read_array(stream, allow_pickle=wanted)",
        "torch.load(path)",
    ],
    "code that is run": [
        "eval(text)",
        "exec(text)",
        "compile(t, 'a', 'exec')",
        "builtins.eval(t)",
    ],
    "import by a name": ["importlib.import_module(name)", "import_module(f'a.{name}')"],
    "another YAML": [
        "import yaml",
        "YAML(typ='unsafe')",
        "ruamel.yaml.YAML(typ=kind)",
        "yaml.unsafe_load(text)",
    ],
    "shell": ["subprocess.run(words, shell=True)", "run(words, shell=wanted)", "os.system(words)"],
    "path": [
        "folder / info.filename",
        "open(info.filename)",
        "Path(folder, str(info.filename))",
        "archive.extractall(folder)",
    ],
    "an error passed over": [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    pass",
    ],
}


@pytest.mark.parametrize(
    ("rule", "source"), [(rule, text) for rule, texts in BREACHES.items() for text in texts]
)
def test_a_breach_is_found(rule, source):
    assert rule in [found for _, found in broken(source)]


@pytest.mark.parametrize(
    "source",
    [
        "import json",
        "from importlib import import_module\nimport_module('json')",
        "re.compile(text)",
        "np.lib.format.read_array(stream, allow_pickle=False)",
        "YAML(typ='safe', pure=True)",
        "subprocess.run([sys.executable, '-c', program])",
        "folder / settings['file']",
        "zipfile.ZipFile(path).open(info)",
        "try:\n    f()\nexcept ValueError:\n    pass",
    ],
)
def test_what_is_right_is_no_breach(source):
    assert list(broken(source)) == []
