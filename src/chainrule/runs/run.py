"""A run: a network trained as a configuration says, with its history, data and scores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NoReturn

from chainrule.core import html
from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ChainruleError, DataError, Problem, printable
from chainrule.core.files import as_path
from chainrule.core.notation import counted, cut
from chainrule.core.vocabulary import instead
from chainrule.data.target_scaling import with_scaled_targets
from chainrule.nn.network import Network
from chainrule.runs.checkpoint import load_parameters, problems_of_parameters
from chainrule.runs.predictions import predictions
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.tensor_file import read_shapes
from chainrule.training import History
from chainrule.training.history import NotFinite
from chainrule.training.score_tables import metric_rows, score_rows
from chainrule.training.scores import Score, TargetKind, evaluate, outputs

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.config.load import Config
    from chainrule.data.dataset import DataSplit, Digests
    from chainrule.data.readers.cases import LabelType
    from chainrule.data.standardization import Standardization
    from chainrule.data.tables.encoding import TableEncoding


_PASSED = (
    "this run's data were passed in Python and are in no file, so they cannot be read again; pass "
    "data to run.evaluate(...), or name a FILE of them on the command line"
)

_EXPORTED = (
    "an exported file holds a network and no data; pass data to run.evaluate(...), or name a FILE "
    "of them to chainrule evaluate; what else is asked of data needs the run's folder"
)


@dataclass(eq=False)
class Run:
    """A trained network and all that belongs to it.

    Attributes:
        network: as it was when training ended.
        history: columns with one value per epoch, such as ``history["train_loss"]``.
        config: the configuration as run, with every default and automatic choice written out.
        engine: the name of the engine that trained the network.
        folder: the folder with its files; None if none were written.
        scores: by name (``train``, ``validation``, ``test``) the score of each part of the data
            that has cases. If a signal ended training, parts may be missing.
        classes: the names of the classes; None if the targets are values.
        scaling: the standardisation fitted on the training data; None if there is none.
        interrupted: whether training was interrupted, so that it can be resumed.
        ending: a text if training did not simply end after its last epoch: it was stopped early,
            diverged, or restored the parameters of an earlier epoch. Otherwise None.
        signal: the number of the signal that ended it, such as `signal.SIGTERM`; otherwise None.
        was_finished: whether the run was finished before, so that nothing was left to resume.
        encoding: how the columns of a table became inputs; None if the data are no table.
        fallback_reason: why the engine that the configuration names left the network to
            ``engine``; None if it did not.
        label_type: the type of the classes' labels in the data, which predictions have too:
            ``text``, ``int``, ``float`` or ``bool``.
        target_names: the names of the values or labels that the network predicts, or None.
        target_scaling: the scaling of the targets, fitted on the training data; None if there is
            none. `predict`, `outputs` and `evaluate` are in the targets' own units.
        multi_label: whether a case may have several labels, one for each output.
        not_finite: where the number arose that ended training because it was infinite or NaN:
            pass, layer, epoch and minibatch; None if there was none.
        chosen: the paths of the configuration's values that were left open, see `Config.chosen`;
            None for a run of an earlier version, which did not record it.
        versions: of the programs on which the numbers depend, as they were in training.
    """

    network: Network
    history: History
    config: Config
    engine: str
    folder: Path | None
    scores: dict[str, Score]
    classes: tuple[str, ...] | None
    scaling: Standardization | None
    interrupted: bool = False
    ending: str | None = None
    encoding: TableEncoding | None = None
    signal: int | None = None
    was_finished: bool = False
    fallback_reason: str | None = None
    label_type: LabelType = "text"
    target_names: tuple[str, ...] | None = None
    target_scaling: Standardization | None = None
    multi_label: bool = False
    not_finite: NotFinite | None = None
    chosen: tuple[str, ...] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    _data: DataSplit | None = field(default=None, repr=False)
    _digests: Digests | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name of the run's folder, such as ``shapes-1``, or else of the configuration."""
        return self.folder.resolve().name if self.folder else self.config.name

    @property
    def train(self) -> Score | None:
        """The score on the training data, evaluated after training."""
        return self.scores.get("train")

    @property
    def validation(self) -> Score | None:
        """The score on the validation data; None if there are none."""
        return self.scores.get("validation")

    @property
    def test(self) -> Score | None:
        """The score on the test data; None if there are none."""
        return self.scores.get("test")

    @property
    def data(self) -> DataSplit:
        """Training, validation and test data as the network sees them: standardised if needed.

        Pass them to ``run.network``; `predict`, `outputs` and `evaluate` take original units.

        The data of a loaded run are read again. If they have changed since training, each part
        holds those of its cases that are left, and ``notes`` say what has changed.

        Raises:
            ChainruleError: the data of a loaded run cannot be read again, or none of their cases
                is left.
        """
        if self._data is None:
            self._data = self._data_again()
        return self._data

    @property
    def has_data(self) -> bool:
        """Whether `data` are in memory, so that nothing needs to be read again."""
        return self._data is not None

    @property
    def digests(self) -> Digests | None:
        """A number for each case of each part, by which it is known again in changed data.

        None if the data were made by a generator, or by a version that kept no digests. See
        `chainrule.data.digests`.

        Raises:
            ChainruleError: the file of a loaded run's digests is damaged.
        """
        if self._digests is None and self.folder is not None:
            self._digests = RunFolder(self.folder).read_digests()
        return self._digests

    def _data_again(self) -> DataSplit:
        """The data, made or read again, in the run's parts and standardised as the run was."""
        from chainrule.data.digests import as_trained

        if not self.engine:
            raise DataError(_EXPORTED)
        if "python" in self.config.data:
            raise DataError(self.config.problem(("data", "python"), _PASSED))
        data = self._read_again()
        if self.digests is not None and data.digests is not None:
            data = as_trained(data, self.digests)
            if not any(map(len, data)):
                raise DataError(self.config.problem(("data",), data.notes[-1]))
        if self.target_scaling is not None:
            data = with_scaled_targets(data, self.target_scaling)
        if self.scaling is None:
            return data
        train, validation, test = (
            replace(part, x=self.scaled(part.x).reshape(part.x.shape)) for part in data
        )
        return replace(data, train=train, validation=validation, test=test, scaling=self.scaling)

    def _read_again(self) -> DataSplit:
        """The data as they are now, encoded as the run's were, in the units of their source."""
        from chainrule.runs.resolve import resolve_data

        changed: dict[str, Any] = {"standardize": False, "scale_targets": False}
        if self.multi_label:
            changed["target"] = "labels"
        encoding, classes = self.encoding, None
        # Where digests find the cases again, a changed file may have other classes and categories.
        if self.digests is not None:
            classes = self.classes
            if classes is not None:
                changed["target"] = "class"
            if encoding is not None:
                encoding = encoding.model_copy(update={"new_categories": "other"})
        raw = self.config.replace(data=changed)
        data = resolve_data(raw, encoding=encoding, classes=classes)
        if data.classes != self.classes:
            found, expected = (
                ", ".join(names or ["none"]) for names in (data.classes, self.classes)
            )
            message = f"the data have changed since the run: classes {found}; it had {expected}"
            raise DataError(self.config.problem(("data",), message))
        return data

    def scaled(self, x: Any) -> Array:
        """Inputs in original units, flattened and standardised as the network's training data.

        Args:
            x: (cases, input), or images (cases, height, width).

        Raises:
            ShapeError: x does not fit the network.
        """
        x = as_numbers(x, "inputs", "biuf")
        prepared = self.network.prepare_inputs(x)
        if self.scaling is None:
            return prepared
        return self.scaling.apply(x.reshape(prepared.shape))  # before x is rounded to float32

    def outputs(self, x: Any) -> Array:
        """The network's outputs for inputs as `predict` takes them, (cases, outputs).

        The run's standardisation is applied first. If the targets were scaled for training, the
        outputs are in the targets' own units.

        Raises:
            ShapeError: x does not fit the network.
            DataError: a table lacks a column, or a cell is not as in training.
        """
        return self.outputs_of_scaled(self._prepared(x))

    def _prepared(self, x: Any) -> Array:
        """What a caller passes to `outputs` or `predict`, encoded and scaled as in training."""
        from chainrule.runs.passed import cases_for, warn

        cases = cases_for(self, x)
        warn(cases.notes, 3)
        return self.scaled(cases.x)

    def outputs_of_scaled(self, x: Array) -> Array:
        """The same as `outputs`, for inputs that are standardised already."""
        return TargetKind.of(self).in_own_units(outputs(self.network, x))

    def predict(self, x: Any) -> Array:
        """The predictions for inputs in original units.

        Args:
            x: an array, (cases, inputs), images or sequences, as the network was trained on. Of a
                run that was trained on a table also a data frame, a mapping from names to columns,
                or one row as a mapping from names to cells: columns go by their names, and are
                encoded as in training. An array then holds the columns of the training data in
                their order, with or without the label, or the network's inputs if all are
                numbers. A `DataWarning` tells of columns of no use and of cells that were filled.

        Returns:
            The labels of the classes, (cases,), in the type that they have in the data
            (`label_type`). If a case may have several labels, 0 or 1 for each of ``target_names``,
            (cases, labels); `outputs` gives their probabilities. Otherwise values in their own
            units, (cases, outputs). If the network predicts at every step, (cases, steps) or
            (cases, steps, outputs). At padding, and where an output is NaN, a text is empty, and
            a number NaN, so that whole numbers become floats where there is such an output.

        Raises:
            ShapeError: x does not fit the network.
            DataError: a table lacks a column, or a cell is not as in training.
        """
        return predictions(self, self.outputs_of_scaled(self._prepared(x)))

    def evaluate(self, x: Any, t: Any = None, weights: Any = None) -> Score | None:
        """The score of the network on cases in original units; None if there are no cases.

        Args:
            x: inputs as `predict` takes them; or a tuple of x, t and perhaps weights.
            t: None if x is a table with the columns of the labels; otherwise targets as in the
                data: the classes' labels, names or numbers, (cases,), or one-hot rows; 0 and 1
                for each label, (cases, labels); or values in their own units, (cases,) or (cases,
                outputs). For sequences with targets at their steps class numbers (cases, steps),
                −1 for none, or values (cases, steps, outputs).
            weights: how much each case counts, (cases,); None for the column of weights in the
                table, or where all count the same.

        A `DataWarning` tells how many cases the network was trained on.

        Raises:
            ShapeError: x, t or weights do not fit.
            DataError: a label is none of the classes, or no number where numbers are expected; or
                there are no labels.

        Example:
            >>> from chainrule import train
            >>> run = train({
            ...     "network": {"loss": "mse", "layers": [{"size": 1}]},
            ...     "data": {"generator": "curve", "count": 40},
            ...     "training": {"epochs": 1}}, save=False)
            >>> run.evaluate([[0.5], [0.25]], [0.0, 1.0]).cases
            2
        """
        from chainrule.runs.passed import scored, warn

        found = scored(self, x, t, weights)
        warn(found.notes, 2)
        return self.score_of_scaled(self.scaled(found.x), found.t, found.weights)

    def score_of_scaled(
        self, x: Array, t: Array, weights: Any = None, metrics: Sequence[str] | None = None
    ) -> Score | None:
        """The same as `evaluate`, for inputs and targets in the form that the network takes.

        Args:
            x: inputs, (cases, inputs).
            t: targets.
            weights: those of the cases, or None.
            metrics: the names of further metrics; None for those of the configuration.
        """
        named = self.config.training["metrics"] or () if metrics is None else metrics
        kind = TargetKind.of(self)
        return evaluate(self.network, x, t, kind=kind, weights=weights, metrics=named)

    def export(
        self, path: str | os.PathLike[str], *, to: str | None = None, dtype: str | None = None
    ) -> tuple[str, ...]:
        """Write the network for another program, with its scaling, encoding and class names.

        Args:
            path: the file; an older one is replaced.
            to: ``onnx``, ``torch``, ``safetensors``, ``json`` or ``c``; by default the format that
                has the ending of the path. See docs/export.md.
            dtype: ``float32`` or ``float64``, where the format has both; by default float32 for
                ONNX, else the network's.

        Returns:
            What is to be said of the file, such as its size on a microcontroller.

        Raises:
            ChainruleError: the format cannot hold this network, a package that it needs is not
                installed, or the file cannot be written.
        """
        from chainrule.runs.export.formats import export

        return export(self, path, to=to, dtype=dtype)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse an attribute that there is not; of what is a function, say which."""
            there = None if name.startswith("_") else instead("attribute of Run", name)
            hint = f"; {there}" if there else ""
            raise AttributeError(f"'Run' has no attribute {name!r}{hint}")

    def __repr__(self) -> str:
        scores = ", ".join(f"{part} {_words(score)}" for part, score in self.scores.items())
        where = "" if self.folder is None else cut(printable(str(self.folder)), 60)
        parts = (counted(len(self.history.rows), "epoch"), scores, where)
        return f"Run({'; '.join(filter(None, parts))})"

    @html.never_fails
    def _repr_html_(self) -> str:
        epochs = counted(len(self.history.rows), "epoch")
        where = f"in {self.folder}" if self.folder else "no files were written"
        headings, rows = metric_rows(self.scores)
        engine = f" with the engine {self.engine}" if self.engine else ""
        return html.piece(
            f"Run {self.name}: {epochs}{engine}",
            html.lines(self.ending),
            html.table(*score_rows(self.scores)) if self.scores else "",
            html.table(headings, rows) if rows else "",
            html.picture(self._small_curve(), "the learning curve") if self.history.rows else "",
            html.lines(where, f"{self.network!r}"),
        )

    def _small_curve(self) -> bytes:
        """The learning curve, for notebooks."""
        from chainrule.plots.learning_curve import learning_curve
        from chainrule.plots.save import small_png

        test = None if self.test is None else self.test.figures
        return small_png(learning_curve(self.history, title=self.name, test=test))


def _words(score: Score) -> str:
    if score.accuracy is not None:
        return f"{score.accuracy:.1%} right"
    return f"loss {score.loss:.4g}" if score.r2 is None else f"R² {score.r2:.3f}"


def load(folder: str | os.PathLike[str]) -> Run:
    """Load a run from its folder, with its scaling and class names.

    Args:
        folder: a folder that `train` wrote; or a file that `Run.export` wrote as ``json`` or
            ``safetensors``, which gives a run without history, data and scores.

    Raises:
        ChainruleError: the folder is missing or holds no run, or one of its files is damaged.
    """
    from chainrule.config.load import load_config
    from chainrule.runs.resolve import parameter_shapes
    from chainrule.runs.starts import without_files

    files = RunFolder(as_path(folder, "a run"))
    if os.path.isfile(files.path):
        return _of_file(files.path)
    files.require_own()
    # Unlike Path.is_file, os.path.isfile raises no error for a name that is too long.
    if not os.path.isfile(files.config) or not os.path.isfile(files.facts):
        holds = f"a run's folder holds {files.config.name} and {files.facts.name}"
        this = "it does not exist" if not os.path.exists(files.path) else "this is none"
        if os.path.isfile(files.path / "sweep.json"):
            this = "this is a sweep, whose folder runs/ holds the runs that --keep kept"
        elif os.path.isfile(files.config) and os.path.isfile(files.checkpoint):
            this = (
                f"this one's training has not ended; if it was killed, chainrule train with "
                f"--run {files.path} --resume goes on"
            )
        raise ChainruleError(Problem(f"{holds}; {this}", files.path))
    config = load_config(files.config)
    # Compare the shapes with those in the file before memory for the network is allocated.
    expected, found = parameter_shapes(config), read_shapes(files.parameters)
    problems = problems_of_parameters(files.parameters, found, expected)
    if problems:
        raise ChainruleError(problems)
    network = Network.from_config(without_files(config.network))
    outputs = network.layers[-1].output_shape[-1]
    facts = files.read_facts(inputs=network.input, outputs=outputs)
    load_parameters(files.parameters, network)
    return Run(
        network=network,
        history=files.read_history(),
        config=config,
        folder=files.path,
        **vars(facts),
    )


def _of_file(path: Path) -> Run:
    """The run of an exported file: a network that predicts, without history, data and scores."""
    from chainrule.runs.export.document import read

    model = read(path)
    own = {each.name for each in fields(Run)}
    known = {each.name: getattr(model, each.name) for each in fields(model) if each.name in own}
    return Run(history=History(), engine="", folder=None, scores={}, **known)
