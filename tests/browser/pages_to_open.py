"""The pages that are opened: reports of runs of every kind, and what notebooks show."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import chainrule
from chainrule.core.errors import DivergenceError
from chainrule.gradients import check
from chainrule.marking.assignments.assignment import assignment_at
from chainrule.marking.classes.classroom import Class, mark_handed_in
from chainrule.marking.classes.reports.of_class import class_page
from chainrule.marking.classes.reports.student import student_page
from chainrule.marking.classes.submissions import Submission
from chainrule.runs.explained import explained
from chainrule.runs.report.page import report

HOSTILE = "<script>document.title = 'taken'; console.error(1)</script>\"'><img src=http://x/y>&"

CLASSES = {"layers": [{"size": 4, "activation": "tanh"}, {"size": 3}, "softmax"]}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "classes": {
        "network": CLASSES,
        "data": {"generator": "blobs", "classes": 3, "count": 90},
        "training": {"epochs": 12, "metrics": ["f1", "log_loss"], "schedule": "cosine"},
    },
    "values": {
        "network": {"loss": "mse", "layers": [{"size": 6, "activation": "tanh"}, {"size": 1}]},
        "data": {"generator": "curve", "count": 60},
        "training": {"epochs": 5},
    },
    "images": {
        "network": {
            "layers": [
                {"type": "conv2d", "size": 3, "filters": 4, "activation": "relu"},
                "flatten",
                {"size": 3},
                "softmax",
            ],
        },
        "data": {"generator": "shapes", "size": 12, "classes": 3, "count": 120, "flatten": False},
        "training": {"epochs": 3},
    },
    "steps": {
        "network": {"loss": "mse", "layers": [{"type": "recurrent", "size": 3}, {"size": 1}]},
        "data": {"generator": "echo", "count": 40, "steps": 5, "delay": 2},
        "training": {"epochs": 3},
    },
    "long": {
        "network": {"loss": "mse", "layers": [{"size": 2, "activation": "tanh"}, {"size": 1}]},
        "data": {"generator": "curve", "count": 10},
        "training": {"epochs": 3000},
    },
    "diverged": {
        "network": {
            "loss": "mse",
            "learning_rate": 50.0,
            "layers": [{"size": 4, "activation": "relu"}, {"size": 1}],
        },
        "data": {"generator": "curve", "count": 60},
        "training": {"epochs": 12},
    },
    "untrained": {
        "network": CLASSES,
        "data": {"generator": "blobs", "classes": 3, "count": 30},
        "training": {"epochs": 0},
    },
}
"""The runs of which there is a report, by the name of its page."""


EXPLAINED = ("classes", "values", "images", "steps")
"""The runs of which a pass is worked out with its numbers."""


def all_pages(folder: Path) -> dict[str, Path]:
    """Every page, written into a folder, by name."""
    found = {}
    for name, config in CONFIGURATIONS.items():
        with suppress(DivergenceError):
            chainrule.train(config, run=folder / name)
        found[name] = _reported(folder, name, name)
    _hostile_run(folder / "hostile")
    found["hostile"] = _reported(folder, "hostile", "hostile")
    for name in EXPLAINED:
        path = folder / f"explained-{name}.html"
        path.write_text(explained(folder / name).html(), "utf-8")
        found[path.stem] = path
    found["several"] = _reported(folder, "several", "classes", "images", "hostile")
    found["notebook"] = _notebook(folder)
    found |= _marked(folder)
    return found


MARKED = ("marked-student", "marked-class")
"""The pages of a marking."""


def _marked(folder: Path) -> dict[str, Path]:
    """The page of a student who is called a piece of HTML, and that of the class."""
    assignment = assignment_at(Path("custom"))
    text = (assignment.solution / "swish.py").read_text("utf-8")
    place = folder / "handed_in"
    for k, code in enumerate((text.replace("dx = dy *", "dx ="), "raise 1", f"{text}  ")):
        (place / f"{k}").mkdir(parents=True)
        (place / f"{k}" / "swish.py").write_text(code, "utf-8")
    submissions = [Submission(f"{HOSTILE} {k}", place / f"{k}") for k in range(3)]
    results = tuple(mark_handed_in(assignment, one) for one in submissions)
    pages = student_page(assignment, results[0]), class_page(Class(assignment, results))
    paths = {name: folder / f"{name}.html" for name in MARKED}
    for path, page in zip(paths.values(), pages, strict=True):
        path.write_text(page, "utf-8")
    return paths


def _reported(folder: Path, name: str, *runs: str) -> Path:
    path = folder / f"{name}.html"
    report([folder / run for run in runs], path)
    return path


def _hostile_run(folder: Path) -> None:
    """A run whose columns and classes have names that would be HTML."""
    x = pd.DataFrame({f"{HOSTILE} {k}": np.arange(40.0) % (k + 3) for k in range(3)})
    t = [f"{HOSTILE} {k % 2}" for k in range(40)]
    layers = [{"size": 3, "activation": "relu"}, {"size": 2}, "softmax"]
    config = {"network": {"layers": layers}, "training": {"epochs": 3}}
    chainrule.train(config, data=(x, t), run=folder)


def _notebook(folder: Path) -> Path:
    """What a notebook shows of the objects of two runs, each in its own region as it does."""
    pieces = {}
    for name in ("classes", "images"):
        run = chainrule.load(folder / name)
        network, data = run.network, run.data
        network.forward_pass(data.train.x[:3])
        pieces |= {
            f"{name}: {what}": shown._repr_html_()
            for what, shown in {
                "run": run,
                "network": network,
                "history": run.history,
                "data": data,
                "part": data.train,
                "score": run.test,
                "configuration": run.config,
                "gradients": network.backward_pass(data.train.t[:3]),
                "report": check(network, data.train.x[:3], data.train.t[:3], coordinates=2),
                "jacobian": network.layers[0].jacobians()["W"],
            }.items()
        }
    body = "".join(
        f'<section tabindex="0" aria-label="{escape(name)}" style="overflow-x:auto">'
        f"<h2>{escape(name)}</h2>{piece}</section>"
        for name, piece in pieces.items()
    )
    path = folder / "notebook.html"
    path.write_text(
        '<!doctype html><html lang="en" style="color-scheme:light dark"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Notebook</title>'
        f"<body><main><h1>What a notebook shows</h1>{body}</main></body></html>",
        "utf-8",
    )
    return path
