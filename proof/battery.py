"""Tests and trainings of a copy of the package with a planted bug, in a process of its own.

`proof.kills` runs this with the copy first on the path:

    python -m proof.battery ACTIVATIONS HARMLESS TESTS TRAINED

Names of activations and of test files are separated by commas; TRAINED is one activation, or
empty. The results are printed as one line of JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings

TESTS = Path(__file__).parents[1] / "tests"
BY_ACTIVATION = ("gradients/test_gradient_table.py", "training/test_training_table.py")
"""Tests whose first parameter is the activation."""

OF_ALL = (
    "nn/layers/test_dense.py",
    "nn/layers/test_layer.py",
    "nn/layers/test_softmax.py",
    "nn/test_activations.py",
    "nn/test_losses.py",
    "training/test_optimizers.py",
    "nn/test_parameters.py",
    "nn/test_penalties.py",
    "data/test_sources.py",
)
"""Tests of code that runs whatever the activation is, run where those by activation all pass."""

OF_MAKE_TEST = ("-m", "not exhaustive")
"""The tests that `make test` runs, and no others."""

CASES = 240

# One failure is enough; Hypothesis need not look for the smallest case that fails.
settings.register_profile("first failure", phases=[Phase.explicit, Phase.generate])


class Recorder:
    """A pytest plugin: the first test that failed for each activation.

    Under None stands the first failure of a test that has no activation.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self.killers: dict[str | None, str] = {}

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip the further tests of an activation that one test has failed for."""
        if self._activation_of(item.nodeid) in self.killers:
            pytest.skip("killed already")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that failed."""
        if report.failed:
            test = report.nodeid
            self.killers.setdefault(self._activation_of(test), test.split("/")[-1])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be imported."""
        self.pytest_runtest_logreport(report)  # type: ignore[arg-type]

    def _activation_of(self, test: str) -> str | None:
        first = test.partition("[")[2].partition("-")[0].rstrip("]")
        return first if first in self._names else None


def run_tests(files: Iterable[str], names: Iterable[str], *more: str) -> dict[str | None, str]:
    """Run test files of the suite; returns, by activation, the first test that failed.

    Args:
        files: in tests/.
        names: of the activations to look for in the names of the tests.
        more: arguments for pytest.
    """
    recorder = Recorder(names)
    settings.load_profile("first failure")
    words = ["-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-W", "ignore"]
    words += [*OF_MAKE_TEST, *more, *(str(TESTS / file) for file in files)]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(words, plugins=[recorder])
    return recorder.killers


def killers_of(names: list[str], harmless: set[str], files: list[str]) -> dict[str, str | None]:
    """By activation, the test that failed; None where none did.

    Args:
        names: of the activations.
        harmless: those for which the bug is declared to change nothing.
        files: of tests to run in place of those by activation; one failure then counts for every
            activation.
    """
    if files:
        return dict.fromkeys(names, run_tests(files, (), "--maxfail=1").get(None))
    wanted = " or ".join(f"{name}-" for name in names)
    found = run_tests(BY_ACTIVATION, names, "-k", wanted)
    if any(name not in found and name not in harmless for name in names):
        found |= run_tests(OF_ALL, ())
    return {
        name: found.get(name) or (None if name in harmless else found.get(None)) for name in names
    }


def bits(activation: str) -> str:
    """A digest of θ and the losses after two epochs with an activation."""
    network, engine, x, _ = _training(activation, batch_size=16)
    order, minibatches = np.arange(len(x))[::-1], engine.minibatches
    losses = [engine.run(order, 0, minibatches).losses for _ in range(2)]
    return sha256(network.theta.tobytes() + np.concatenate(losses).tobytes()).hexdigest()


def _training(activation: str, batch_size: int) -> Any:
    """Three clouds of points, a small network, an engine; and the points to test it on."""
    from chainrule import Dense, Network, Softmax
    from chainrule.training.engines import NumpyEngine
    from chainrule.training.optimizers import optimizer

    rng = np.random.default_rng(3)
    t = rng.integers(0, 3, CASES)
    x = rng.normal(size=(CASES, 2)) + 2.5 * np.array([[1, 0], [-1, 1], [-1, -1]])[t]
    layers = [Dense(8, activation), Dense(8, activation), Dense(3, "linear"), Softmax()]
    network = Network(layers, input=2, penalty={"type": "L2", "rate": 1e-3}, seed=5)
    step, half = optimizer("momentum"), CASES // 2
    rates = network.parameters.layout.runs(network.rates(0.02))
    step.bind(network.theta, network.gradients.vector, rates)
    engine = NumpyEngine(network, step, x[:half], t[:half], batch_size=batch_size, classes=True)
    return network, engine, x[:half], (x[half:], t[half:])


def accuracy(activation: str) -> float:
    """The accuracy of a trained network on cases that it has not seen."""
    network, engine, cases, (x, t) = _training(activation, batch_size=16)
    rng = np.random.default_rng(4)
    for _ in range(60):
        engine.run(rng.permutation(len(cases)), 0, engine.minibatches)
    return float((network.forward_pass(x).argmax(axis=1) == t).mean())


def passes(activation: str) -> dict[str, bool]:
    """Whether the gradient of one batch passes two lax comparisons with central differences."""
    network, _, x, (_, t) = _training(activation, batch_size=16)
    x, t, theta = x[:6], t[:6], network.theta.copy()
    network.loss(x, t)
    found, numeric = network.backward_pass(t).vector.copy(), np.empty_like(theta)
    for i in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[i] += 1e-6
        down[i] -= 1e-6
        numeric[i] = (network.loss(x, t, up) - network.loss(x, t, down)) / (up[i] - down[i])
    size = np.linalg.norm(found) + np.linalg.norm(numeric)
    # PyTorch's gradcheck: |a − n| ≤ atol + rtol |n| with 1e-5 and 1e-3
    within = np.abs(found - numeric) <= 1e-5 + 1e-3 * np.abs(numeric)
    return {
        "gradcheck": bool(within.all()),
        "course": bool(np.linalg.norm(found - numeric) <= 1e-4 * size),
    }


def attempt(measure: Callable[[str], Any], activation: str) -> Any:
    """The result of a measurement, or the name of the error that a bug made it raise."""
    try:
        return measure(activation)
    except Exception as error:
        return type(error).__name__


def main() -> int:
    """Run the tests and trainings that the command line names, and print the results."""
    warnings.simplefilter("ignore")
    names, harmless, files, trained = ([n for n in a.split(",") if n] for a in sys.argv[1:])
    killers = killers_of(names, set(harmless), files)
    found: dict[str, Any] = {"killers": killers, "bits": {n: attempt(bits, n) for n in names}}
    for name in trained:
        found |= {"accuracy": attempt(accuracy, name), "passes": attempt(passes, name)}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
