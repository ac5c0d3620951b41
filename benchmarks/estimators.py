"""`chainrule.Classifier` and `Regressor` beside scikit-learn's, all with their default arguments.

Every fold of five is trained on by both in turns, in several repetitions with other folds; the
score is that of the fold that was left out. Run with:
python -m benchmarks.estimators [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean, median, stdev
from time import perf_counter
from typing import Any

from benchmarks.results import header, store

FOLDS, REPETITIONS = 5, 4
SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes")


def models(name: str) -> dict[str, Callable[[int], Any]]:
    """What is compared on a data set, ours first, as functions of the random state."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    from chainrule import Classifier, Regressor

    ours, theirs = (Regressor, MLPRegressor) if name == "diabetes" else (Classifier, MLPClassifier)
    return {
        "ours": lambda state: ours(random_state=state),
        "theirs": lambda state: theirs(random_state=state),
    }


def measure(name: str, repetitions: int) -> dict[str, dict[str, list[float]]]:
    """The scores and the seconds of each fold, by program."""
    from sklearn import datasets
    from sklearn.model_selection import KFold, StratifiedKFold

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    kind = KFold if name == "diabetes" else StratifiedKFold
    made = models(name)
    found: dict[str, dict[str, list[float]]] = {
        program: {"scores": [], "seconds": []} for program in made
    }
    made["ours"](0).fit(x[:2].repeat(5, axis=0), [0, 1] * 5)  # compiled code is loaded once
    for repetition in range(repetitions):
        folds = kind(FOLDS, shuffle=True, random_state=repetition)
        for train, test in folds.split(x, y):
            for program, make in made.items():
                model = make(repetition)
                start = perf_counter()
                model.fit(x[train], y[train])
                found[program]["seconds"].append(perf_counter() - start)
                found[program]["scores"].append(float(model.score(x[test], y[test])))
    return found


def compared(found: Mapping[str, Mapping[str, list[float]]]) -> dict[str, float]:
    """The figures of a data set.

    Returns:
        The mean score of both, the mean difference of a fold's two scores with its standard
        error, the median milliseconds of both and the median ratio of a fold's two times.
    """
    ours, theirs = found["ours"], found["theirs"]
    differences = [a - b for a, b in zip(ours["scores"], theirs["scores"], strict=True)]
    ratios = [a / b for a, b in zip(ours["seconds"], theirs["seconds"], strict=True)]
    return {
        "score": fmean(ours["scores"]),
        "their score": fmean(theirs["scores"]),
        "difference": fmean(differences),
        "standard error": stdev(differences) / len(differences) ** 0.5,
        "ms": median(ours["seconds"]) * 1e3,
        "their ms": median(theirs["seconds"]) * 1e3,
        "ratio": median(ratios),
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one repetition")
    parser.add_argument("--json", type=Path, help="the file of results to add to")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # theirs often ends before it has converged
    repetitions = 1 if options.quick else REPETITIONS
    results = {}
    for name in SETS:
        results[name] = compared(measure(name, repetitions))
        figures = ", ".join(f"{key} {value:.4g}" for key, value in results[name].items())
        print(f"{name}: {figures}", flush=True)
    if options.json:
        found = {**header(), "folds": FOLDS * repetitions, "sets": results}
        store(options.json, {"estimators": found})


if __name__ == "__main__":
    main()
