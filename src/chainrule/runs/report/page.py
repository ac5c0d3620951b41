"""The page of a report: what stands on it, filled into its templates."""

from __future__ import annotations

import base64
import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from chainrule._version import __version__
from chainrule.core.errors import ChainruleError, Problem, printable, shown
from chainrule.core.files import as_path, refuse_input, write_whole
from chainrule.core.notation import sizes_text
from chainrule.core.registry import missing_extra
from chainrule.data.dataset import PART_WORDS
from chainrule.data.settings import PATH_KEYS, names_in
from chainrule.nn.description import Description, describe
from chainrule.runs.doctor.diagnosis import ILLNESSES, Diagnosis
from chainrule.runs.doctor.examine import examine
from chainrule.runs.report.charts import Chart, by_key
from chainrule.runs.report.configuration import Line, configuration_lines, differences
from chainrule.runs.report.confusion import Confusion, confusion
from chainrule.runs.report.curves import health_charts, learning_curves, minibatch_chart
from chainrule.runs.report.drawing import network_drawing
from chainrule.runs.report.examined import Examined, examined
from chainrule.runs.report.mistakes import Mistakes, mistakes
from chainrule.runs.report.scores import score_table
from chainrule.runs.report.weights import FirstWeights, first_weights
from chainrule.runs.run import Run, load
from chainrule.runs.run_folder import RunFolder
from chainrule.training.metrics import HEADINGS, measure_text

TEMPLATES = files("chainrule.runs.report") / "templates"


@dataclass(frozen=True)
class Section:
    """A part of the page, whose template has its key as its name."""

    key: str
    title: str


SECTIONS = (
    Section("results", "Results"),
    Section("curves", "Learning curves"),
    Section("doctor", "What the doctor finds"),
    Section("mistakes", "What it gets wrong"),
    Section("network", "Network"),
    Section("weights", "What the first layer looks for"),
    Section("health", "The layers' health"),
    Section("configuration", "Configuration"),
)

COMPARED = ("results", "curves")
"""The sections that compare runs; the others are about each alone."""

MOST_IN_DETAIL = 8
"""Of more runs than this there are only the sections that compare them."""


Reported = Run | str | os.PathLike[str]


def report(runs: Reported | Iterable[Reported], path: str | os.PathLike[str]) -> None:
    """Write a page about a run, or about several beside each other: one HTML file.

    It holds all that it needs: styles, script, pictures. Nothing is requested from anywhere.

    Args:
        runs: a run, or the folder of one; or several of them.
        path: the file; an older one is replaced.

    Raises:
        MissingExtraError: the extra ``report`` of chainrule is not installed.
        ChainruleError: a folder holds no run, the file cannot be written, or there is no run.

    Example:
        >>> chainrule.report(["runs/shapes-1", "runs/shapes-2"], "shapes.html")  # doctest: +SKIP
    """
    file = as_path(path, "the report")
    if not isinstance(runs, Run | str | os.PathLike | Iterable):
        raise ChainruleError(f"a report is about runs or their folders, found {shown(runs)}")
    given = [runs] if isinstance(runs, Run | str | os.PathLike) else [*runs]
    loaded = [run if isinstance(run, Run) else load(run) for run in given]
    if os.path.isdir(file):
        name = default_path(file, len(loaded))
        message = f"this is a folder; a report is one file, such as {name}"
        raise ChainruleError(Problem(message, file))
    refuse_input(file, *(as_path(run, "a run") for run in given if not isinstance(run, Run)))
    for run in loaded:
        if run.folder is not None:
            because = f"this file belongs to the run in {run.folder}"
            refuse_input(file, *RunFolder(run.folder).files, because=because)
    write_whole(file, report_html(loaded))


def report_html(runs: Sequence[Run]) -> str:
    """The text of the page; see `report`."""
    if not runs:
        raise ChainruleError("a report is about one run or several; there is none")
    names = _names(runs)
    pages = [
        RunPage(run, name, k, len(runs))
        for k, (run, name) in enumerate(zip(runs, names, strict=True))
    ]
    charts = learning_curves({page.name: page.run.history for page in pages})
    every = minibatch_chart(runs[0]) if len(runs) == 1 else None
    charts += [every] if every is not None else []
    in_detail = len(runs) <= MOST_IN_DETAIL
    sections = [one for one in SECTIONS if in_detail or one.key in COMPARED]
    if in_detail and all(page.weights.reason for page in pages):
        sections = [one for one in sections if one.key != "weights"]
    health = [chart for page in pages if in_detail for chart in page.health]
    environment = _environment()
    script = _text_of("script.js")
    filled: str = environment.get_template("page.html").render(
        pages=pages,
        charts=charts,
        scores=score_table({page.name: page.run.scores for page in pages}),
        scaled=any(run.target_scaling is not None for run in runs),
        differences=differences({page.name: page.run.config for page in pages}),
        chart_data=by_key([*charts, *health]),
        illnesses=ILLNESSES,
        running=any(run.config.training["evaluate"] == "running" for run in runs),
        sections=sections,
        in_detail=in_detail,
        level=3 if len(pages) == 1 else 4,
        version=__version__,
        policy=_policy(script),
        style=_trusted(_text_of("style.css")),
        script=_trusted(script),
    )
    return filled


def _names(runs: Sequence[Run]) -> list[str]:
    """A name for each run, longer where two have the same."""
    names = [run.name for run in runs]
    for k, run in enumerate(runs):
        if names.count(run.name) > 1:
            parent = run.folder.resolve().parent.name if run.folder else ""
            longer = f"{parent}/{run.name}" if parent else run.name
            names[k] = longer if longer not in names else f"{run.name} ({k + 1})"
    return names


def _environment() -> Any:
    """The templates, with every text escaped that is not made here."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("a report", "report", "jinja2") from None
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text_of),
        autoescape=True,
        finalize=lambda found: printable(found) if type(found) is str else found,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["heading"] = lambda name: HEADINGS.get(name, name)
    environment.filters["sizes"] = sizes_text
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _text_of(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def _trusted(text: str) -> Any:
    """A text that is put on the page as it is: it is one of our own files."""
    from markupsafe import Markup

    return Markup(text)


def _policy(script: str) -> str:
    """What a browser may load and run on the page: nothing but what stands in it."""
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )


@dataclass(frozen=True)
class RunPage:
    """One run as the templates show it.

    Attributes:
        run: the run.
        name: its name, which no other run of the page has.
        number: of the run on the page, from 0.
        among: how many runs the page is about.
    """

    run: Run
    name: str
    number: int = 0
    among: int = 1

    @cached_property
    def network(self) -> Description:
        """Its layers and their sizes."""
        return describe(self.run.network)

    @cached_property
    def drawing(self) -> str:
        """The network as SVG."""
        return network_drawing(self.run, self.network, units=self.among <= 3)

    @property
    def epochs(self) -> int:
        """How many epochs are finished."""
        return len(self.run.history.rows)

    @property
    def summary(self) -> str:
        """The run in one line."""
        size = f"{self.network.parameters:,} parameters"
        if not self.run.engine:
            return f"An exported network of {size}."
        trained = f"{size}, trained for {self.epochs:,} epoch{'s' * (self.epochs != 1)}"
        for part in reversed(PART_WORDS):
            score = self.run.scores.get(part)
            if score is not None:
                own = [name for name in ("accuracy", "r2", "mae", "loss") if name in score.figures]
                figure = measure_text(own[0], score.figures[own[0]])
                measured = (
                    f"{HEADINGS[own[0]]} {figure} on {score.cases:,} {PART_WORDS[part]} cases"
                )
                return f"{trained}: {measured}."
        return f"{trained}."

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is to be known of the training at a glance."""
        run, training = self.run, self.run.config.training
        seconds = sum(row.get("seconds") or 0 for row in run.history.rows)
        sizes = [f"{s.cases:,} {PART_WORDS[part]}" for part, s in run.scores.items()]
        found = [
            ("epochs", f"{self.epochs:,} of {training['epochs']:,}"),
            ("time in training", f"{seconds:.3g} s"),
            ("cases", ", ".join(sizes) or "not known"),
            ("parameters", f"{self.network.parameters:,} in {self.network.dtype}"),
            ("engine", run.engine or "none: an exported network"),
            ("seed", str(training["seed"])),
        ]
        return [*found, *((name, version) for name, version in run.versions.items())]

    @property
    def warnings(self) -> list[str]:
        """How the training ended, where that was not after its last epoch; and a fallback."""
        run = self.run
        found = []
        if run.interrupted and run.ending is None:
            found.append(
                f"Training was interrupted after {self.epochs:,} whole epochs; these are the "
                "results so far."
            )
        if run.ending is not None:
            found.append(f"The training of this run: {run.ending}.")
        if run.fallback_reason is not None:
            found.append(f"The engine is {run.engine}: {run.fallback_reason}.")
        return found

    @property
    def lines(self) -> list[Line]:
        """The configuration, line by line, with what was not written marked."""
        return configuration_lines(self.run.config, self.run.chosen)

    @cached_property
    def health(self) -> list[Chart]:
        """The charts of the layers' health; empty where it was not recorded."""
        return health_charts(self.run.history, f"run-{self.number + 1}-")

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What the doctor finds; None if the data are gone."""
        return None if self.examined is None else examine(self.run)

    @cached_property
    def examined(self) -> Examined | None:
        """Cases with what the network says of them; None if the data are gone."""
        return self._examined[0]

    @property
    def data_problem(self) -> str:
        """Why there are no cases; empty if there are."""
        return self._examined[1]

    @cached_property
    def _examined(self) -> tuple[Examined | None, str]:
        try:
            return examined(self.run), ""
        except ChainruleError as error:
            return None, f"They cannot be read again: {error}"

    @cached_property
    def mistakes(self) -> Mistakes | None:
        """The cases that it gets most wrong."""
        return None if self.examined is None else mistakes(self.examined)

    @cached_property
    def confusion(self) -> Confusion | None:
        """The confusion matrix, where the targets are classes."""
        if self.examined is None or self.run.classes is None:
            return None
        return confusion(self.examined)

    @cached_property
    def weights(self) -> FirstWeights:
        """The weights of the first layer."""
        return first_weights(self.run)

    @property
    def again(self) -> bool:
        """Whether a configuration alone makes the run again: the data are in no memory."""
        return bool(self.run.engine) and "python" not in self.run.config.data

    @property
    def command(self) -> str:
        """What trains the run again, once its configuration is saved, for a shell."""
        return f"chainrule train {shlex.quote(self.file)}"

    @property
    def file(self) -> str:
        """The name under which the configuration is saved."""
        return f"{self.name.replace('/', '-')}.yaml"

    @property
    def has_relative_paths(self) -> bool:
        """Whether the configuration names files by where they lie from the run's folder."""
        data = self.run.config.data
        named = [name for key in PATH_KEYS if key in data for name in names_in(data[key])]
        return any(not Path(name).is_absolute() for name in named)

    @property
    def download(self) -> str:
        """The configuration as a link that saves it."""
        text = self.run.config.to_yaml().encode()
        return "data:text/yaml;base64," + base64.b64encode(text).decode()


def default_path(run: Path, count: int) -> Path:
    """The file of a report that is not named: in the folder of the first run."""
    return run / ("report.html" if count == 1 else "comparison.html")
