"""Mutants of the numeric core, made and tried by mutmut in a copy of the repository.

mutmut changes one thing at a time (an operator, a number, an argument) and runs the tests that
reach the function. Some mutants change nothing that a test could notice; they count as survivors
too.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.line import Line, Stored, store, stored_text

ROOT = Path(__file__).parents[1]
LEAST_KILLED = 0.95
ASKED = f"≥ {LEAST_KILLED:.0%} killed"

LEAST_OF_ONE = 0.9
"""Least share killed of one module by its own tests, without those that reach all modules."""

TESTS: Mapping[str, tuple[str, ...]] = {
    "nn/activations": ("nn/test_activations.py",),
    "nn/jacobians": ("nn/test_jacobians.py",),
    "nn/layers/base": (
        "nn/layers/test_layer.py",
        "nn/layers/test_what_layers_say.py",
        "nn/layers/test_dense.py",
        "nn/test_description.py",
    ),
    "nn/layers/dense": (
        "nn/layers/test_layer.py",
        "nn/layers/test_dense.py",
        "nn/sequences/test_sequence_networks.py",
    ),
    "nn/layers/softmax": (
        "nn/layers/test_layer.py",
        "nn/layers/test_softmax.py",
        "nn/sequences/test_sequence_networks.py",
    ),
    "nn/losses": ("nn/test_losses.py", "nn/test_loss_targets.py"),
    "nn/penalties": ("nn/test_penalties.py",),
    "nn/parameters": ("nn/test_parameters.py",),
    "nn/initializers": ("nn/test_initializers.py",),
    "training/optimizers/base": ("training/test_optimizers.py", "training/test_clipping.py"),
    "training/optimizers/rules": ("training/test_optimizers.py",),
    "training/schedules": ("training/test_schedules.py",),
    "training/scores": ("training/test_scores.py",),
    "nn/graph": ("nn/test_layer_graph.py",),
    "nn/building": ("nn/test_chain.py",),
    "nn/layers/join": (
        "nn/layers/test_layer.py",
        "nn/layers/test_join.py",
        "nn/test_graph_networks.py",
    ),
    "nn/network": (
        "nn/test_network.py",
        "nn/test_graph_networks.py",
        "nn/sequences/test_sequence_networks.py",
    ),
    "core/arrays": ("nn/test_parameters.py", "nn/test_inputs_and_targets.py"),
}
"""Modules that are mutated, and the tests of each."""

OF_ALL = ("gradients/test_gradient_table.py", "training/test_training_table.py")
"""Tests that reach nearly all of these; they run last."""

OF_IMAGES = (
    "nn/images/geometry",
    "nn/images/im2col",
    "nn/images/filtered",
    "nn/images/conv2d",
    "nn/images/locally_connected2d",
    "nn/images/pooled",
    "nn/layers/flatten",
)
TESTS_OF_IMAGES = (
    "nn/images/test_geometry.py",
    "nn/images/test_what_windows_compute.py",
    "nn/images/test_image_jacobians.py",
    "nn/images/test_image_layers_as_told.py",
    "nn/images/test_ways_through_filters.py",
    "nn/images/test_filters_and_pooling.py",
    "nn/test_image_networks.py",
)

OF_SEQUENCES = (
    "core/sequences",
    "nn/sequences/losses",
    "nn/sequences/through_time",
    "nn/sequences/each_step",
    "nn/sequences/unrolled",
    "nn/sequences/recurrent",
    "nn/sequences/gated",
    "nn/sequences/lstm",
    "nn/sequences/gru",
)
TESTS_OF_SEQUENCES = (
    "core/test_padding.py",
    "nn/sequences/test_sequence_losses.py",
    "nn/sequences/test_start.py",
    "nn/sequences/test_recurrence.py",
    "nn/sequences/test_each_step.py",
    "nn/sequences/test_through_time.py",
    "nn/sequences/test_recurrent.py",
    "nn/sequences/test_sequence_networks.py",
    "training/test_clipping.py",
)


@dataclass(frozen=True)
class Group:
    """Modules that are mutated together.

    Attributes:
        what: what the modules belong to.
        stored: the name of the stored result.
        modules: of the package, without their ending.
        tests: files in tests/ that are run on them.
    """

    what: str
    stored: str
    modules: Sequence[str]
    tests: Sequence[str]


_OWN = [test for some in TESTS.values() for test in some]
CORE = Group("the numeric core", "mutants", tuple(TESTS), tuple(dict.fromkeys([*_OWN, *OF_ALL])))
GROUPS = (
    CORE,
    Group("layers on images", "mutants-images", OF_IMAGES, TESTS_OF_IMAGES),
    Group("networks in time", "mutants-sequences", OF_SEQUENCES, TESTS_OF_SEQUENCES),
)

NEVER = (
    "nn/test_graph_networks.py::test_every_method_of_the_check_follows_the_graph",
    "nn/sequences/test_sequence_networks.py::test_other_libraries_agree",
    "nn/sequences/test_sequence_networks.py::test_it_is_pytorchs_rnn",
    "nn/sequences/test_sequence_networks.py::test_what_cannot_run_it_says_so",
    "nn/images/test_filters_and_pooling.py::test_the_check_finds_all_of_it_right",
    "nn/images/test_filters_and_pooling.py::test_a_wrong_derivative_is_found",
    "nn/test_image_networks.py::test_images_that_branch_pass_every_check",
    "training/test_clipping.py::test_it_is_what_pytorch_does_but_for_its_millionth",
    "training/test_clipping.py::test_every_engine_clips_or_hands_over",
)
"""Tests that start threads of PyTorch or JAX, which a forked process would wait for."""

QUICK = (
    "nn/penalties",
    "training/schedules",
    "training/optimizers/rules",
    "nn/parameters",
    "nn/initializers",
)
"""The short form takes one of these, chosen by the date, with its own tests alone."""

KILLED, SURVIVED, TIMED_OUT, UNCOVERED = "killed", "survived", "timed out", "uncovered"
ENDS = {0: SURVIVED, 1: KILLED, 3: KILLED, 5: UNCOVERED, 33: UNCOVERED}
ENDS |= dict.fromkeys((24, -24, 36, 152, 255), TIMED_OUT)
"""The result of a mutant, by mutmut's exit code."""

SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{modules}]
also_copy = ["conftest.py"]
pytest_add_cli_args = ["-p", "no:cacheprovider", {never}]
pytest_add_cli_args_test_selection = [{tests}]
"""


def run_mutants(modules: Sequence[str], tests: Sequence[str]) -> dict[str, str]:
    """The result of every mutant, by its name.

    Args:
        modules: of the package, without their ending.
        tests: files and folders in tests/.

    Raises:
        RuntimeError: mutmut failed, or made no mutant.
    """
    with TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        _copy_repository(folder, modules, tests)
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2"]
        environment = {**os.environ, "PYTHONPATH": "", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        found: dict[str, str] = {}
        for module in modules:
            kept = folder / "mutants" / "src" / "chainrule" / f"{module}.py.meta"
            codes = json.loads(kept.read_text())["exit_code_by_key"] if kept.exists() else {}
            found |= {m: ENDS.get(code, f"ended with {code}") for m, code in codes.items()}
    if done.returncode or not found:
        raise RuntimeError(f"mutmut made {len(found)} mutants: {done.stdout[-1500:]}{done.stderr}")
    return found


def _copy_repository(folder: Path, modules: Sequence[str], tests: Sequence[str]) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    shutil.copy(ROOT / "conftest.py", folder)
    settings = SETTINGS.format(
        modules=", ".join(f'"src/chainrule/{module}.py"' for module in modules),
        tests=", ".join(f'"tests/{test}"' for test in tests),
        never=", ".join(f'"--deselect=tests/{test}"' for test in NEVER),
    )
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(project + settings, encoding="utf-8")


def summary(found: Mapping[str, str], least: float = LEAST_KILLED) -> tuple[str, bool]:
    """The counts in words, and whether enough are killed; without a mutant nothing holds."""
    counts = Counter(found.values())
    named = [KILLED, SURVIVED, TIMED_OUT, UNCOVERED]
    words = [f"{counts[end]:,} {end}" for end in named]
    if others := sum(counts.values()) - sum(counts[end] for end in named):
        words.append(f"{others} otherwise")
    share = counts[KILLED] / len(found) if found else 0.0
    return f"{share:.1%} of {len(found):,}: {', '.join(words)}", share >= least


def run_group(group: Group) -> Stored:
    """Try every mutant of a group, and keep the counts and the names of those not killed."""
    start = time.perf_counter()
    found = run_mutants(group.modules, group.tests)
    measured, holds = summary(found)
    alive: dict[str, object] = {name: end for name, end in found.items() if end != KILLED}
    seconds = time.perf_counter() - start
    command = "python -m proof mutants --full"
    return store(
        group.stored, measured, holds=holds, command=command, seconds=seconds, figures=alive
    )


def lines(full: bool) -> Iterator[Line]:
    """All mutants, or those of one module beside the stored results."""
    if find_spec("mutmut") is None:
        why = "mutmut is not installed: pip install 'chainrule[proof]'"
        yield Line(f"mutants of {CORE.what}", ASKED, why, None, stored_text(CORE.stored))
        return
    for group in GROUPS if full else ():
        result = run_group(group)
        yield Line(f"mutants of {group.what}", ASKED, result.measured, result.holds, str(result))
    if not full:
        module = random.Random(date.today().isoformat()).choice(QUICK)
        measured, holds = summary(run_mutants([module], TESTS[module]), LEAST_OF_ONE)
        claim, asked = f"mutants of {module} by its own tests", f"≥ {LEAST_OF_ONE:.0%} killed"
        yield Line(claim, asked, measured, holds, stored_text(CORE.stored))
