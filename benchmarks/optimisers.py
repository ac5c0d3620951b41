"""Final losses of every optimiser on two of the examples, for the table in docs/optimisers.md.

Run it with ``python -m benchmarks.optimisers``. The best of a few learning rates counts for each
rule, so that no rule wins by its default; the rate stands beside the loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from chainrule import train
from chainrule.core.errors import DivergenceError

EXAMPLES = Path(__file__).parent.parent / "examples"
RATES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
SEEDS = (1, 2, 3)
RULES: dict[str, Any] = {
    "sgd": "sgd",
    "momentum": "momentum",
    "nesterov": {"type": "momentum", "nesterov": True},
    "adagrad": "adagrad",
    "rmsprop": "rmsprop",
    "adam": "adam",
    "adamw": "adamw",
    "nadam": "nadam",
    "lbfgs": "lbfgs",
    "lbfgs, 800 epochs": "lbfgs",
}
EXAMPLES_HERE = ("spirals.yaml", "regression.yaml")
EPOCHS = 40


def loss_of(
    example: str, rule: Any, rate: float | None, seed: int, epochs: int
) -> tuple[float, float]:
    """The losses on training and validation data after the last epoch; ∞ if it diverged."""
    changes = [f"training.epochs={epochs}", f"training.seed={seed}", "training.schedule=constant"]
    changes += [f"training.optimizer={rule if isinstance(rule, str) else _flow(rule)}"]
    changes += [f"network.learning_rate={'null' if rate is None else rate}"]
    if rule == "lbfgs":
        changes += ["training.batch_size=full"]
    try:
        run = train(EXAMPLES / example, overrides=changes, save=False)
    except DivergenceError:
        return float("inf"), float("inf")
    assert run.train is not None
    assert run.validation is not None
    return run.train.loss, run.validation.loss


def _flow(rule: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {str(value).lower()}" for key, value in rule.items()) + "}"


def row(example: str, name: str) -> tuple[float, float, float | None]:
    """Medians over the seeds at the best rate: training loss, validation loss, and that rate."""
    found, rule, epochs = [], RULES[name], 800 if "800" in name else EPOCHS
    for rate in (None,) if rule == "lbfgs" else RATES:
        losses = [loss_of(example, rule, rate, seed, epochs) for seed in SEEDS]
        found.append((median(a for a, _ in losses), median(b for _, b in losses), rate))
    return min(found, key=lambda each: each[0])


def table() -> Iterator[str]:
    """The lines of the table."""
    names = [name.removesuffix(".yaml") for name in EXAMPLES_HERE]
    heads = [f"{name}: training | validation | rate" for name in names]
    yield "| optimiser | " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * 3 * len(EXAMPLES_HERE)
    for name in RULES:
        cells = []
        for example in EXAMPLES_HERE:
            training, validation, rate = row(example, name)
            cells += [f"{training:.3g}", f"{validation:.3g}", "–" if rate is None else f"{rate:g}"]
        yield f"| `{name}` | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
