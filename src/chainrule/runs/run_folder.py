"""A run's folder: its files, and how they are written and read.

======================  ============================================================
``config.yaml``         the configuration as run, with every choice written out
``metrics.jsonl``       one line per epoch: a row of the history, and the layers' health
``learning_curve.png``  and ``.svg``: losses, accuracy or R², and the test result
``parameters.safetensors``  the arrays of θ by name
``checkpoint.safetensors``  the last checkpoint of the training
``start.safetensors``   the initial values that files or long lists gave, if any did
``run.json``            engine, class names and results
``scaling.safetensors``  mean and scale of every input, if they were standardised
``cases.safetensors``   a digest of every training, validation and test case, if they were read
``target_scaling.safetensors``  those of every output, if the targets were scaled
``frames.safetensors``  the parameters after many epochs, if the callback ``frames`` keeps them
======================  ============================================================
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from math import nan
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from chainrule._version import __version__
from chainrule.core.arguments import is_finite
from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import added_to, is_leftover, reason, require_own, shortened, write_whole
from chainrule.core.limits import MAX_JSON_BYTES, MAX_LINE_BYTES
from chainrule.core.strict_json import as_json, as_model, finite_or_null, parse_json
from chainrule.data.dataset import PARTS, Digests
from chainrule.data.readers.cases import LabelType, commands_terminal
from chainrule.data.readers.encoding import has_type
from chainrule.data.readers.paths import existing_file, read_bytes
from chainrule.data.standardization import Standardization
from chainrule.data.tables.encoding import TableEncoding
from chainrule.runs.tensor_file import packed, read_shapes, read_tensors
from chainrule.training import History, Row
from chainrule.training.engines.base import Place
from chainrule.training.history import FIGURES, Health, NotFinite
from chainrule.training.metrics import METRICS
from chainrule.training.scores import LabelScore, Score, TargetScore

START = "start.safetensors"
"""The name of the file of initial values, to which a run's configuration refers."""

SCALING = ("mean", "scale")
"""The arrays of scaling.safetensors, (inputs,), and target_scaling.safetensors, (outputs,)."""


@dataclass(frozen=True)
class Facts:
    """The contents of ``run.json`` and of the scalings' files; see `chainrule.runs.run.Run`."""

    engine: str
    interrupted: bool
    classes: tuple[str, ...] | None
    scaling: Standardization | None
    scores: dict[str, Score]
    ending: str | None = None
    encoding: TableEncoding | None = None
    label_type: LabelType = "text"
    target_names: tuple[str, ...] | None = None
    target_scaling: Standardization | None = None
    multi_label: bool = False
    not_finite: NotFinite | None = None
    chosen: tuple[str, ...] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def _without_commands(text: str) -> str:
    if commands_terminal(text):
        raise ValueError("control characters in a text")
    return text


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("a class is named twice")
    return names


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError("an unknown metric")
    return name


_Text = Annotated[str, AfterValidator(_without_commands)]
_MetricName = Annotated[str, AfterValidator(_known_metric)]


class _LabelScore(BaseModel):
    """A `LabelScore` as JSON."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: _Text
    cases: int
    accuracy: float
    precision: float
    recall: float
    f1: float


class _TargetScore(BaseModel):
    """A `TargetScore` as JSON; null stands for an error that is not finite."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: _Text
    r2: float | None
    mae: float | None
    rmse: float | None

    def score(self) -> TargetScore:
        """The same figures as a `TargetScore`; an error of null becomes NaN."""
        mae, rmse = (nan if error is None else error for error in (self.mae, self.rmse))
        return TargetScore(self.name, self.r2, mae, rmse)


class _Score(BaseModel):
    """A `Score` as JSON; a loss of null stands for one that is not finite."""

    model_config = ConfigDict(strict=True, extra="forbid")

    loss: float | None
    accuracy: float | None
    r2: float | None
    cases: int
    mae: float | None = None
    rmse: float | None = None
    row_accuracy: float | None = None
    f1: float | None = None
    labels: list[_LabelScore] = []
    targets: list[_TargetScore] = []
    metrics: dict[_MetricName, float | None] = {}

    def score(self) -> Score:
        """The same figures as a `Score`; a loss of null becomes NaN."""
        figures = {name: getattr(self, name) for name in type(self).model_fields}
        figures["loss"] = nan if self.loss is None else float(self.loss)
        figures["labels"] = tuple(LabelScore(**vars(each)) for each in self.labels)
        figures["targets"] = tuple(each.score() for each in self.targets)
        measured = self.metrics.items()
        figures["metrics"] = {name: nan if v is None else float(v) for name, v in measured}
        return Score(**figures)


class Meaning(BaseModel):
    """What the outputs and inputs of a network stand for, as JSON; see `Facts`.

    It comes from a file that anyone may have changed, and is checked as such.
    """

    model_config = ConfigDict(strict=True)

    classes: Annotated[list[_Text], AfterValidator(_distinct)] | None
    encoding: TableEncoding | None = None
    label_type: LabelType = "text"
    target_names: list[_Text] | None = None
    multi_label: bool = False

    @model_validator(mode="after")
    def _names_have_the_type(self) -> Self:
        if not has_type(self.classes or (), self.label_type):
            raise ValueError(f"a class is no label of the type {self.label_type}")
        if self.multi_label and self.classes is not None:
            raise ValueError("its targets are classes and several labels at once")
        return self

    def problem(self, inputs: int, outputs: int) -> str | None:
        """Why it is not the meaning of a network of so many inputs and outputs; None if it is."""
        if self.classes is not None and max(2, outputs) != len(self.classes):
            return f"found {len(self.classes)} classes, but the network has {outputs} outputs"
        if self.encoding is not None and self.encoding.width != inputs:
            return f"found {self.encoding.width} inputs, but the network has {inputs}"
        if self.target_names is not None and len(self.target_names) != outputs:
            found = len(self.target_names)
            return f"found {found} names of targets, but the network has {outputs} outputs"
        return None


class _NotFinite(BaseModel):
    """A `NotFinite` as JSON."""

    model_config = ConfigDict(strict=True, extra="forbid")

    what: Literal["loss", "gradient"]
    place: Place
    layer: _Text | None
    epoch: Annotated[int, Field(ge=1)]
    minibatch: Annotated[int, Field(ge=1)]


class _RunJson(Meaning):
    """The content of ``run.json``; see `Facts`."""

    engine: _Text
    interrupted: bool
    scaling: bool
    scores: dict[Literal["train", "validation", "test"], _Score]
    ending: _Text | None = None
    target_scaling: bool = False
    not_finite: _NotFinite | None = None
    chosen: list[_Text] | None = None
    versions: dict[_Text, _Text] = {}
    chainrule: Any = None  # of a run older than ``versions``


class RunFolder:
    """The paths of a run's files, which this module's docstring lists, and access to them.

    Args:
        path: the folder.

    Attributes:
        curve: the path of the learning curve without the suffix of a format.
        files: the paths of all files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.jsonl"
        self.curve = path / "learning_curve"
        self.parameters = path / "parameters.safetensors"
        self.checkpoint = path / "checkpoint.safetensors"
        self.start = path / START
        self.facts = path / "run.json"
        self.scaling = path / "scaling.safetensors"
        self.target_scaling = path / "target_scaling.safetensors"
        self.cases = path / "cases.safetensors"
        self.frames = path / "frames.safetensors"
        pictures = (self.curve.with_suffix(ending) for ending in (".png", ".svg"))
        self.files = (
            *(self.config, self.metrics, self.parameters, self.checkpoint, self.facts),
            *(self.start, self.scaling, self.target_scaling, self.cases, self.frames),
            *pictures,
        )

    @classmethod
    def names(cls) -> list[str]:
        """The names of all files."""
        return [file.name for file in cls(Path()).files]

    def require_own(self) -> None:
        """Check that none of the files is a link, a pipe or a device.

        Raises:
            ChainruleError: some are; lists each of them.
        """
        require_own(*self.files)

    def leftovers(self) -> list[Path]:
        """Temporary files that remain because a process ended while it wrote."""
        names = [file.name for file in self.files]
        return [
            path
            for path in sorted(self.path.iterdir())
            if any(is_leftover(path.name, of=name) for name in names)
        ]

    def remove_leftovers(self) -> None:
        """Remove the `leftovers`; only call this while no other process writes to the folder.

        Raises:
            ChainruleError: the folder cannot be written to.
        """
        try:
            for path in self.leftovers():
                path.unlink(missing_ok=True)
        except OSError as error:
            message = f"cannot remove what an earlier run left: {error.strerror}"
            raise ChainruleError(Problem(message, self.path)) from error

    def write_facts(self, facts: Facts) -> None:
        """Write ``run.json``, and the files of the scalings that there are.

        Raises:
            ChainruleError: a file cannot be written, or `read_facts` could not read it back.
        """
        text = self.facts_text(facts)
        files = {self.scaling: facts.scaling, self.target_scaling: facts.target_scaling}
        for file, scaling in files.items():
            if scaling is not None:
                content = packed(file, vars(scaling), {"chainrule": __version__})
                write_whole(file, content, own=True)
        write_whole(self.facts, text, own=True)

    def facts_text(self, facts: Facts) -> str:
        """The text of ``run.json``.

        Raises:
            ChainruleError: `read_facts` could not read it back, for example if it is too long.
        """
        scores = {part: asdict(score) for part, score in facts.scores.items()}
        changed: dict[str, Any] = {"scaling": facts.scaling is not None}
        changed["target_scaling"] = facts.target_scaling is not None
        if facts.not_finite is not None:
            changed["not_finite"] = asdict(facts.not_finite)
        if facts.encoding is not None:
            changed["encoding"] = facts.encoding.model_dump(exclude_defaults=True)
        whole = {"chainrule": __version__, **vars(facts), **changed, "scores": scores}
        try:
            return as_json(finite_or_null(whole), indent=2) + "\n"
        except ValueError as error:
            message = f"what is to be said of the run could not be read back: {error}"
            raise ChainruleError(Problem(message, self.facts)) from None

    def read_facts(self, inputs: int, outputs: int) -> Facts:
        """Read ``run.json`` and the scaling; the network has this number of inputs and outputs.

        Raises:
            ChainruleError: a file cannot be read, or does not fit the network.
        """
        content = read_bytes(self.facts, at_most=MAX_JSON_BYTES)
        try:
            found = as_model(_RunJson, parse_json(content))
        except ValueError as error:
            unread = f"cannot read the run's results: {error}"
            raise ChainruleError(Problem(unread, self.facts)) from None
        problem = found.problem(inputs, outputs)
        if problem is not None:
            raise ChainruleError(Problem(problem, self.facts))
        classes = None if found.classes is None else tuple(found.classes)
        names = None if found.target_names is None else tuple(found.target_names)
        scores: dict[str, Score] = {part: s.score() for part, s in found.scores.items()}
        return Facts(
            engine=found.engine,
            interrupted=found.interrupted,
            classes=classes,
            scaling=_read_scaling(self.scaling, inputs, "inputs") if found.scaling else None,
            scores=scores,
            ending=found.ending,
            not_finite=None if found.not_finite is None else NotFinite(**vars(found.not_finite)),
            label_type=found.label_type,
            target_names=names,
            target_scaling=(
                _read_scaling(self.target_scaling, outputs, "outputs")
                if found.target_scaling
                else None
            ),
            multi_label=found.multi_label,
            encoding=found.encoding,
            chosen=None if found.chosen is None else tuple(found.chosen),
            versions=found.versions or _version_alone(found.chainrule),
        )

    def chosen_before(self) -> tuple[str, ...] | None:
        """What ``run.json`` says was left open when a run that goes on was begun; None if nothing.

        It goes on with the configuration of its folder, in which every choice is written out.
        """
        if not os.path.isfile(self.facts):
            return None
        try:
            content = parse_json(read_bytes(self.facts, at_most=MAX_JSON_BYTES))
            chosen = as_model(_RunJson, content).chosen
        except ValueError:  # it is about to be replaced
            return None
        return None if chosen is None else tuple(chosen)

    def write_digests(self, digests: Digests) -> None:
        """Write ``cases.safetensors``: the digests of training, validation and test cases.

        Raises:
            ChainruleError: it cannot be written.
        """
        arrays = dict(zip(PARTS, digests, strict=True))
        content = packed(self.cases, arrays, {"chainrule": __version__})
        write_whole(self.cases, content, own=True)

    def read_digests(self) -> Digests | None:
        """The digests of the training, validation and test cases.

        None if there is no such file: the data were made by a generator, or the run is older than
        the digests are.

        Raises:
            ChainruleError: the file cannot be read, or holds something else.
        """
        if not os.path.lexists(self.cases):
            return None
        shapes = read_shapes(self.cases, "digests")
        if set(shapes) != set(PARTS) or any(len(shape) != 1 for shape in shapes.values()):
            found = ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
            message = f"expected a row of digests for each of {', '.join(PARTS)}; found {found}"
            raise ChainruleError(Problem(message, self.cases))
        arrays, _ = read_tensors(self.cases, "digests")
        train, validation, test = (arrays[name] for name in PARTS)
        for array in (train, validation, test):
            if array.dtype != np.uint64:
                message = f"digests are whole numbers of 64 bits (uint64), found {array.dtype}"
                raise ChainruleError(Problem(message, self.cases))
        return train, validation, test

    def read_history(self) -> History:
        """The history in ``metrics.jsonl``.

        Raises:
            ChainruleError: the file cannot be read, or a line is damaged; names the line.
        """
        history = History()
        try:
            # The file may have any length, since it is read line by line.
            with existing_file(self.metrics, at_most=2**63).open("rb") as file:
                lines = iter(lambda: file.readline(MAX_LINE_BYTES), b"")
                for number, line in enumerate(lines, start=1):
                    row, health = _row(line, self.metrics, number)
                    history.append(row)
                    if health:
                        history.health[len(history.rows)] = health
        except OSError as error:
            problem = f"cannot read the metrics: {error.strerror}"
            raise ChainruleError(Problem(problem, self.metrics)) from None
        return history

    def write_metrics(self, history: History) -> None:
        """Write ``metrics.jsonl``, replacing an older one.

        Raises:
            ChainruleError: the file cannot be written; the older one is then unchanged.
        """
        lines = (_line(history, number) for number in range(1, len(history.rows) + 1))
        write_whole(self.metrics, "".join(lines), own=True)

    def add_metrics(self, history: History) -> None:
        """Append the last epoch's line to ``metrics.jsonl``; null stands for what is not finite.

        Raises:
            ChainruleError: it cannot be written.
        """
        with added_to(self.metrics) as file:
            file.write(_line(history, len(history.rows)).encode())


def _version_alone(found: Any) -> dict[str, str]:
    """The versions of a run that recorded no other than this package's."""
    is_one = isinstance(found, str) and not commands_terminal(found)
    return {"chainrule": found} if is_one else {}


def versions_now() -> dict[str, str]:
    """The versions on which the numbers of a training depend, by the name of the program."""
    return {
        "chainrule": __version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }


def _read_scaling(file: Path, count: int, of: str) -> Standardization:
    """The scaling in a file; the shapes are checked before memory for the arrays is allocated."""
    shapes = read_shapes(file, "the scaling")
    if shapes != dict.fromkeys(SCALING, (count,)):
        given = ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
        message = f"found {given or 'no arrays'}, but the network has {count} {of}"
        raise ChainruleError(Problem(message, file))
    arrays, _ = read_tensors(file, "the scaling")
    found = Standardization(**arrays)
    problem = problem_of_scaling(found, of)
    if problem is not None:
        raise ChainruleError(Problem(problem, file))
    return found


def problem_of_scaling(scaling: Standardization, of: str) -> str | None:
    """Why arrays from a file are no scaling of inputs or outputs; None if they are one."""
    arrays = scaling.mean, scaling.scale
    if not all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays):
        return "a scaling is made of finite numbers in float64"
    if not (scaling.scale > 0).all():
        return f"a scaling has a scale above 0 for each of the {of}"
    return None


def _line(history: History, epoch: int) -> str:
    """The line of an epoch: the columns of its row, and the layers' health if it was measured."""
    row, health = finite_or_null(history.rows[epoch - 1]), history.health.get(epoch)
    return json.dumps({**row, "health": health} if health else row, allow_nan=False) + "\n"


def _row(line: bytes, path: Path, number: int) -> tuple[Row, Health]:
    """A row of the history, and the health of its layers, from a line of JSON."""
    try:
        row = parse_json(line)
    except ValueError:
        row = None
    health = row.pop("health", {}) if isinstance(row, dict) else {}
    if not row or not _are_figures(row) or not _is_health(health):
        raise ChainruleError(Problem("this line is no epoch's figures", path, number))
    return row, health


def _are_figures(value: Any) -> bool:
    """Whether a value from a file is a mapping to finite numbers or null."""
    return isinstance(value, dict) and all(v is None or is_finite(v) for v in value.values())


def _is_health(value: Any) -> bool:
    """Whether a value from a file has the form of `Health`."""
    return isinstance(value, dict) and all(
        _are_figures(layer) and layer.keys() <= {*FIGURES} for layer in value.values()
    )


def empty_folder(name: str, wanted: Path | None, *, of: str) -> Path:
    """Make a folder: ``wanted``, or the first new one of ``runs/NAME-1``, ``runs/NAME-2``, ...

    Args:
        name: the name of the configuration.
        wanted: a new or empty folder; None for a numbered one.
        of: ``run``, ``sweep`` or ``comparison``; its plural is the name of the parent folder.

    Raises:
        ChainruleError: ``wanted`` is not empty, or a folder cannot be made.
    """
    try:
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            if any(wanted.iterdir()):
                message = f"this folder is not empty; a {of} needs a new or an empty one"
                raise ChainruleError(Problem(message, wanted))
            return wanted
        Path(f"{of}s").mkdir(exist_ok=True)
        for number in count(1):
            path = Path(f"{of}s") / f"{shortened(name)}-{number}"
            with suppress(FileExistsError):
                path.mkdir()
                break
        return path
    except OSError as error:
        place = wanted or Path(f"{of}s")
        message = f"cannot make the {of}'s folder: {reason(place, error)}"
        raise ChainruleError(Problem(message, place)) from error
