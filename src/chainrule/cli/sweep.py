"""``chainrule sweep CONFIG --vary PATH=VALUES ...``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Config, Overrides, Quiet
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.runs.sweeps.sweep import Sweep
    from chainrule.runs.sweeps.trial import Trial

SHOWN = 10
"""The largest number of trials in the table, which lists the best ones."""


def command(
    config: Config,
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="KEY=VALUES",
            help="What varies: a list such as training.seed=1,2 or a range such as "
            "network.learning_rate=log:1e-4..1 (also uniform:, int:, logint:). Give it again "
            "for each key.",
        ),
    ],
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            metavar="N",
            min=1,
            help="Random draws; by default the whole grid of lists.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", min=1, help="Processes; by default one a core."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="The score that judges, such as validation_loss or best_validation_accuracy; "
            "by default validation_accuracy where there are classes.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the draws.")] = 0,
    set_: Overrides = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="A new folder, or that of a sweep to go on with.", metavar="FOLDER"
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the folder of every trial's run.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train once for each combination of settings; show the best.

    The files go to a new folder: sweeps/NAME-1, sweeps/NAME-2, and so on. With --run and the
    folder of an existing sweep, the command continues that sweep: it runs the trials that are
    missing, those whose process was killed, and more trials if --trials is larger than before.
    """
    from chainrule.cli.tables import print_rows
    from chainrule.runs.sweeps.plan import Variation
    from chainrule.runs.sweeps.sweep import sweep

    found = sweep(
        config,
        [Variation.parse(item) for item in vary],
        trials=trials,
        jobs=jobs,
        seed=seed,
        by=by,
        overrides=set_ or [],
        folder=run,
        keep=keep,
        on_trial=None if quiet else _report_trial,
    )
    if not quiet:
        say()
        print_rows(*_table(found))
        _report_summary(found)
    if found.interrupted:
        raise typer.Exit(130)
    if found.best is None:
        raise typer.Exit(2)


def _report_trial(trial: Trial, found: Sweep) -> None:
    """Print one line about a trial that has just finished."""
    values = ", ".join(f"{path} {text}" for path, text in trial.values.items())
    if trial.failure is not None:
        what = f"failed: {trial.failure}"
    elif found.by in trial.scores:
        what = f"{_score_label(found.by)} {_score_text(found.by, trial.scores[found.by])}"
    else:
        what = f"has no {_score_label(found.by)}"
    best = found.best
    star = "  (the best so far)" if best is trial and len(found.trials) > 1 else ""
    say(
        f"{len(found.trials):>{len(str(found.plan.count))}}/{found.plan.count}  {what}  "
        f"[{values}]  {trial.seconds:.1f} s{star}",
    )


def _score_label(score: str) -> str:
    return score.replace("_", " ")


def _score_text(score: str, value: float) -> str:
    return f"{value:.2%}" if score.endswith("accuracy") else f"{value:.5g}"


def _table(found: Sweep) -> tuple[list[str], list[list[str]]]:
    """The column headings, and one row for each of the best trials."""
    paths = [variation.path for variation in found.plan.variations]
    rows = [
        [
            str(trial.number + 1),
            *(trial.values[path] for path in paths),
            _score_text(found.by, trial.scores[found.by]),
            f"{trial.seconds:.1f}",
        ]
        for trial in found.ranked[:SHOWN]
    ]
    return ["trial", *paths, _score_label(found.by), "seconds"], rows


def _report_summary(found: Sweep) -> None:
    """Print what follows the table.

    This is: all final scores of the best trial, the ranges to widen because its value lies near
    an end of them, the number of failed and of missing trials, and the folder of the files.
    """
    best = found.best
    if best is None:
        say("no trial has a score")
    else:
        scores = [
            f"{_score_label(key)} {_score_text(key, value)}"
            for key, value in best.scores.items()
            if not key.startswith("best_")
        ]
        say(f"the best is trial {best.number + 1}: {', '.join(scores)}")
    for variation, end in found.at_the_edge():
        say(f"its {variation.path} lies at the {end} end of {variation.text}: search further")
    if found.failed:
        say(f"{len(found.failed)} of {len(found.trials)} trials failed")
    if found.interrupted:
        left = found.plan.count - len(found.trials)
        say(f"interrupted; {left} trials are left: the same command with --run {found.folder}")
    say(f"\nsweep  {found.folder}")
    if best is not None:
        say(f"best   chainrule train {found.folder / 'best.yaml'}")
