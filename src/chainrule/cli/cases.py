"""Cases for a trained network: from a file, or from the run's own data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chainrule.cli.terminal import say
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, DataError, Problem, ShapeError, unknown
from chainrule.core.notation import sizes_text
from chainrule.core.sequences import NO_CLASS
from chainrule.data.dataset import PARTS, Dataset, DataSplit
from chainrule.data.digests import known_cases
from chainrule.data.readers.cases import Cases, place_channels
from chainrule.data.readers.characters import Alphabet, windows_of_file
from chainrule.data.readers.files import FORMATS, is_table, read_inputs, recognise
from chainrule.data.readers.image_folder import read_images
from chainrule.data.readers.pictures import is_image
from chainrule.data.readers.sequence_file import holds_sequences, read_sequences
from chainrule.data.settings import own_arguments
from chainrule.data.tables.loading import table_options
from chainrule.data.tables.reading import read_table
from chainrule.runs.passed import encoded_table
from chainrule.runs.predictions import encoded_labels, scaled
from chainrule.runs.run import Run


def part_of(data: DataSplit, split: str) -> Dataset:
    """The part of the data that ``--split`` names.

    Raises:
        ChainruleError: no such part.
    """
    if split not in PARTS:
        raise ChainruleError(unknown("split", split, PARTS))
    part: Dataset = getattr(data, split)
    return part


def cases_of_split(run: Run, split: str) -> Dataset:
    """A part of the run's data, with scaled inputs.

    Raises:
        ChainruleError: the data cannot be read again, or none of the part's cases is left in them.
    """
    part = part_of(run.data, split)
    kept = 0 if run.digests is None else len(run.digests[PARTS.index(split)])
    if kept and not len(part):
        message = f"none of the run's {kept:,} {split} cases is left: {run.data.notes[-1]}"
        hint = "with a FILE, all of its cases are evaluated"
        raise DataError(run.config.problem(("data",), f"{message}; {hint}"))
    _say_notes(run.data.notes)
    return part


def _say_notes(notes: Sequence[str]) -> None:
    """Print notes on the cases to stderr, because the results on stdout may go to a file."""
    for note in notes:
        say(f"note: {note}", to_stderr=True)


def cases_of_file(
    run: Run, file: Path, labels_file: Path | None = None, split: str = "test"
) -> tuple[Array, Array | None, Array | None]:
    """The inputs of a file, scaled as the run's were, its targets and its weights, or None.

    Args:
        run: the trained network, with its scaling and classes.
        file: in any format that data are read from; for a network of images an image, or a
            folder of them.
        labels_file: the file of labels that belongs to an IDX file, if they are wanted.
        split: of a folder of images, or an .npz file, that has the parts of the data, the part.

    Raises:
        ChainruleError: the file cannot be read, or does not fit the run's network or classes.
    """
    _require_cases(run, file)
    if labels_file is not None and (
        os.path.isdir(file) or not FORMATS[recognise(file)].has_labels_apart
    ):
        message = f"only IDX files have labels in a file of their own; {file} is none"
        raise DataError(Problem(message, labels_file))
    if _are_sequences(run, file):
        x, t, weights = _sequences(run, file)
        _say_how_many_are_known(run, x, t)
        return (*_prepared(run, file, x, t), weights)
    cases = _read(run, file, labels_file, split)
    x = _scaled(run, file, cases.x)
    if cases.labels is None:
        return x, None, cases.weights
    t = encoded_labels(run, cases.labels)
    _say_how_many_are_known(run, cases.x, t)
    return x, scaled(run, t), cases.weights


def _say_how_many_are_known(run: Run, x: Array, t: Array | None) -> None:
    """A note if the run was trained or validated on some of the cases.

    Args:
        run: the trained network.
        x: inputs in original units, (cases, ...).
        t: their targets; None if there are none.
    """
    if t is None or run.digests is None:
        return
    known = known_cases(x, t, run.digests)
    if known is not None:
        _say_notes([known])


def inputs_of_file(run: Run, file: Path) -> Array:
    """The inputs of `cases_of_file` alone; labels in a table of cases may be of any kind."""
    _require_cases(run, file)
    if _are_sequences(run, file):
        return _prepared(run, file, _sequences(run, file)[0], None)[0]
    return _scaled(run, file, _read(run, file, None, None).x)


def _require_cases(run: Run, file: Path) -> None:
    """Refuse a folder unless the run's data were a folder of images."""
    if os.path.isdir(file) and "folder" not in run.config.data:
        message = "expected a file of cases, but this is a folder; only a run that was trained on "
        raise DataError(Problem(f"{message}a folder of images takes one", file))


def _are_sequences(run: Run, file: Path) -> bool:
    wanted = run.network.reads_sequences
    return "text" in run.config.data or holds_sequences(file, wanted=wanted)


def _sequences(run: Run, file: Path) -> tuple[Array, Array | None, Array | None]:
    """Windows of a text, or the sequences of an .npz file, of the network's input shape.

    The targets are as the run's data have them, or None if there are none.
    """
    settings = run.config.data
    if "text" in settings and not holds_sequences(file):  # data make writes a text's windows
        assert run.classes is not None
        alphabet = Alphabet.named(run.classes)
        part, notes = windows_of_file(file, alphabet, **own_arguments(settings))
        _say_notes(notes)
        return part.x, part.t, None
    found = read_sequences(file)
    if found.x.shape[1:] != run.network.input_shape:
        shapes = (found.x.shape[1:], run.network.input_shape)
        shape, taken = (" of ".join(map(str, shape)) for shape in shapes)
        message = f"found sequences of {shape} numbers, but the network takes {taken}"
        raise DataError(Problem(message, file))
    if found.classes is not None and run.classes is not None and found.classes != run.classes:
        both = (", ".join(names) for names in (found.classes, run.classes))
        raise DataError(Problem("found the classes {}; the run has {}".format(*both), file))
    if run.classes is None and found.t is not None and found.t.dtype.kind in "iu":
        values = np.where(found.t == NO_CLASS, np.nan, found.t)[..., None]
        return found.x, values, found.weights
    return found.x, found.t, found.weights


def _scaled(run: Run, file: Path, x: Array) -> Array:
    """The inputs of a file as `Run.scaled` gives them; an error has the file's name."""
    try:
        return run.scaled(x)
    except ShapeError as error:
        raise DataError(Problem(str(error), file)) from None


def _prepared(run: Run, file: Path, x: Array, t: Array | None) -> tuple[Array, Array | None]:
    """Sequences and their targets as the network takes them."""
    try:
        t = None if t is None else run.network.prepare_targets(scaled(run, t))
        return run.network.prepare_inputs(x), t
    except ShapeError as error:
        raise DataError(Problem(str(error), file)) from None


def _read(run: Run, file: Path, labels_file: Path | None, split: str | None) -> Cases:
    """The cases of a file, with inputs as there, (cases, features); a split asks for labels."""
    settings = run.config.data
    if run.encoding is not None and is_table(file):
        options = table_options(settings, run.encoding.texts)
        found = read_table(file, options)
        table = encoded_table(run, found, with_labels=split is not None)
        _say_notes(table.notes)
        return table
    if "folder" in settings and (os.path.isdir(file) or is_image(file)):
        return _read_images(run, file, split)
    cases = read_inputs(
        file,
        features=run.network.input,
        labels=labels_file,
        channels=settings.get("channels"),
        part=None if split == "test" else split,  # test data are taken with a note
    )
    _say_notes(cases.notes)
    return cases


def _read_images(run: Run, path: Path, split: str | None) -> Cases:
    """Images in the size and the colours of those the run was trained on.

    Predictions are a row for each image, so that none may be left out.
    """
    settings = run.config.data
    cases = read_images(
        path,
        size=settings.get("size"),
        color=settings.get("color", False),
        part=split,
        skip_broken=split is not None and settings.get("skip_broken", False),
    )
    _say_notes(cases.notes)
    x = place_channels(cases.x, cases.image_shape, settings.get("channels"))
    x = x.reshape(len(cases), -1)
    if x.shape[1] != run.network.input:
        sides = sizes_text(cases.x.shape[1:])
        message = f"found images of {sides}, but the network has {run.network.input} inputs"
        raise DataError(Problem(message, path))
    return replace(cases, x=x)
