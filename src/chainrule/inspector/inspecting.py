"""`inspect`: a configuration's or a run's network with some cases of its data, as a page."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.config.load import load_config
from chainrule.core.arguments import MAX_SEED, is_whole, require_count
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, ShapeError, shown
from chainrule.core.notation import counted
from chainrule.data.dataset import PART_WORDS
from chainrule.data.standardization import Standardization
from chainrule.data.tables.encoding import TableEncoding
from chainrule.explain.lesson import in_float64
from chainrule.inspector.film import ENDS, Film, film_of, replayed
from chainrule.inspector.inspected import require_minibatch
from chainrule.inspector.inspection import Inspection, page_file
from chainrule.inspector.live import Live, OwnTraining, WatchedTraining
from chainrule.inspector.planes import plane_told
from chainrule.inspector.record import FirstStep
from chainrule.inspector.scene import Told
from chainrule.inspector.telling import (
    image_in_rows,
    label_name,
    labels_of,
    outputs_of,
    scaling_of,
    table_columns,
)
from chainrule.nn.losses import BinaryCrossEntropy
from chainrule.nn.network import Network
from chainrule.runs.run import Run, load
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.taught import Taught, taught
from chainrule.training.optimizers import Optimizer
from chainrule.training.optimizers import optimizer as make_optimizer

if TYPE_CHECKING:
    from chainrule.config.load import Config

MOST_CASES = 2_000
COUNT = 32
"""How many cases a page shows unless it is told."""


def inspect(
    source: Run | Config | Mapping[str, Any] | str | os.PathLike[str],
    *,
    case: int | None = None,
    split: str = "train",
    count: int | None = None,
    overrides: Sequence[str] = (),
    film: bool = False,
    train: bool = False,
    save: str | os.PathLike[str] | None = None,
) -> Inspection:
    """A network with some cases of its data, as a page that steps through their pass.

    A configuration's network is shown as it starts, a run's as it is after its training. The
    update is the first step of the optimiser on the cases that are shown.

    Args:
        source: a run or its folder; or a configuration, its file, or a mapping.
        case: one case of the data, counted from 0; with batch normalisation its minibatch, the
            first one of a training that holds it. None for the first ones of the part.
        split: ``train``, ``validation`` or ``test``.
        count: how many of the first cases, 32 unless there are fewer.
        overrides: items that replace settings of a configuration.
        film: train in memory first, and keep the parameters of many epochs for the film of the
            training. A run that was trained with the callback ``frames`` has them already.
        train: whether `Inspection.open` also begins to train what a configuration describes, in a
            process of its own and into a new folder below ``runs``, and the page follows it. Of
            a folder into which another process trains, the page follows that.
        save: the file to write the page to.

    Returns:
        The network and the cases: a notebook shows the page, `Inspection.save` writes it, and
        `Inspection.open` serves it.

    Raises:
        ChainruleError: the run or the configuration cannot be read, there is no such case, or the
            page cannot be written.

    Example:
        >>> import chainrule
        >>> found = chainrule.inspect({
        ...     "network": {"layers": [{"size": 2, "activation": "tanh"}, {"size": 1}]},
        ...     "data": {"generator": "curve", "count": 40}}, count=8)
        >>> found.record["dense_1.z"].shape
        (8, 2)
    """
    if case is not None and count is not None:
        raise ConfigError(
            "case shows one case and count the first ones of a part: give one of them"
        )
    if count is not None and not is_whole(count, 1):
        raise ConfigError(f"count is a whole number of at least 1, found {count!r}")
    if train and (film or save is not None):
        raise ConfigError("a page that follows a training is served: leave out film and save")
    if save is not None:
        page_file(save)  # what is wrong with it is said before anything is computed
    folder = _folder(source)
    if train and folder is not None:  # there is no result yet, but the configuration is
        source = RunFolder(folder).config
    source = _loaded(source)
    found = taught(source, overrides, "inspect")
    made = _of_data(found, case, split, COUNT if count is None else count)
    if train:
        made = replace(made, training=_training(source, overrides, folder))
        return replace(made, told=replace(made.told, notes=_as_it_opens(made, found)))
    shown = _film(source, overrides, film)
    if shown is not None:
        told = replace(made.told, film=shown, notes=_as_it_opens(made, found))
        made = replace(made, told=told)
    if save is not None:
        made.save(save)
    return made


def _as_it_opens(made: Inspection, found: Taught) -> tuple[str, ...]:
    """The notes of a page that goes on to show other weights."""
    when = f"As the page opens, {found.when[0].lower()}{found.when[1:]}"
    return tuple(when if note == found.when else note for note in made.told.notes)


def _folder(source: Any) -> Path | None:
    """The path of a folder; None of anything else."""
    is_path = isinstance(source, str | os.PathLike) and os.path.isdir(source)
    return Path(source) if is_path else None


def _loaded(source: Any) -> Any:
    """The run of a folder; anything else as it is."""
    return source if _folder(source) is None else load(source)


def _training(
    source: Any, overrides: Sequence[str], folder: Path | None
) -> Callable[[Network], Live]:
    """What begins a training, or begins to follow the one in a folder."""
    if folder is not None:
        return partial(WatchedTraining, folder)
    if isinstance(source, Run):
        raise ConfigError("this run has been trained; train its configuration, run.config")
    return partial(OwnTraining, load_config(source, overrides))


def _film(source: Any, overrides: Sequence[str], again: bool) -> Film | None:
    """The film of a training, which is run again for it if it is asked for."""
    if isinstance(source, Run):
        kept = film_of(source)
        has_all = kept is not None and kept.note != ENDS
        return replayed(source) if again and not has_all else kept
    return replayed(load_config(source, overrides)) if again else None


def _of_data(found: Taught, case: int | None, split: str, count: int) -> Inspection:
    """Some cases of a part of the data of a configuration or run."""
    part, place = found.part(split), 0
    if case is None:
        numbers, weights = found.first(part, count)
    else:
        numbers, place, weights = found.minibatch(part, split, case, with_all=False)
    data, settings = found.resolved.data, found.settings
    train = data.train
    made = inspection_of(
        found.resolved.network,
        part.x[numbers],
        part.t[numbers],
        weights=weights,
        case=place,
        names=data.feature_names,
        outputs=outputs_of(data, found.resolved.network),
        labels=labels_of(
            part.t[numbers],
            data.target_names if data.multi_label else data.classes,
            data.target_scaling,
            is_set=data.multi_label,
        ),
        numbers=numbers,
        notes=[_which(numbers, split), found.when, *found.notes()],
        title=found.name,
        seed=settings.seed,
        optimizer=settings.optimizer,
        scale=found.scale(),
        clip_gradient_norm=settings.clip_gradient_norm,
        scaling=data.scaling,
        target_scaling=data.target_scaling,
        encoding=data.encoding,
        classes=data.classes,
        image=image_in_rows(data.image_shape, found.resolved.network.input_shape),
    )
    if len(train):  # its cases are drawn into the planes of two inputs, whatever is looked at
        plane = plane_told(made.network, train.x, train.t, data.classes)
        made = replace(made, told=replace(made.told, plane=plane))
    return made


def _which(numbers: Array, split: str) -> str:
    """Which cases are shown, as a sentence."""
    words = PART_WORDS[split]
    if len(numbers) == 1:
        return f"Case 1 is case {numbers[0]} of the {words} data, counted from 0."
    return f"{counted(len(numbers), 'case')} of the {words} data."


def inspection_of(
    network: Network,
    x: Any,
    t: Any,
    *,
    weights: Any = None,
    case: int = 0,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    numbers: Sequence[int] | Array | None = None,
    notes: Sequence[str] = (),
    title: str = "A network",
    seed: int = 0,
    optimizer: str | Mapping[str, Any] | Optimizer = "sgd",
    scale: float = 1.0,
    clip_gradient_norm: float | None = None,
    scaling: Standardization | None = None,
    target_scaling: Standardization | None = None,
    encoding: TableEncoding | None = None,
    classes: Sequence[str] | None = None,
    image: Sequence[int] | None = None,
    save: str | os.PathLike[str] | None = None,
) -> Inspection:
    """A network with the cases of some arrays, as a page that steps through their pass.

    Args:
        network: evaluated at its present θ; it is not changed.
        x: inputs, (cases, input), of at most 2,000 cases; they make one minibatch.
        t: the targets, as `Network.loss` takes them.
        weights: those of the cases, as `Network.loss` takes them.
        case: which of the cases is looked at first, an index into x.
        names: what the inputs are called.
        outputs: what the outputs stand for, such as the names of the classes.
        labels: what each case is; by default its class, or its values.
        numbers: the number of each case in the data it is of; by default its index.
        notes: sentences on the data.
        title: the heading.
        seed: the seed of the random numbers of layers such as dropout.
        optimizer: the rule of the update: a name, ``type`` with options, or an object.
        scale: the factor by which a schedule multiplies every learning rate.
        clip_gradient_norm: the largest norm of the gradient; None for any.
        scaling: that was applied to x, by which the page also shows its values before that.
        target_scaling: that was applied to t, likewise.
        encoding: how the columns of a table became x.
        classes: the names of the classes; by default ``outputs``. They are two where there is
            one output.
        image: the height and width of the grey images that the rows of x are.
        save: the file to write the page to.

    Raises:
        ChainruleError: x, t or a setting is not as it must be, or the page cannot be written.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(1, "linear")], input=1, loss="mse")
        >>> network.theta = [3.0, 1.0]
        >>> inspection_of(network, [[2.0]], [[5.0]]).record["dense_1.W_grad"]
        array([[8.]])
    """
    require_count("seed", seed, 0, MAX_SEED)
    made = in_float64(network)
    x, t = made.prepare(x, t)
    _require_cases(made, len(x), case)
    _require_texts(made, len(x), names=names, labels=labels, outputs=outputs, classes=classes)
    _require_lines(notes)
    _require_image(image, made.input_shape)
    numbers = range(len(x)) if numbers is None else numbers
    classes = outputs if classes is None and made.loss_function.for_classes else classes
    if labels is None:
        is_set = _is_set(made)
        labels = labels_of(t, outputs if is_set else classes, target_scaling, is_set=is_set)
    told = Told(
        title,
        names,
        outputs,
        [(int(n), str(label)) for n, label in zip(numbers, labels, strict=True)],
        tuple(notes),
        case=int(case),
        scaling=scaling_of(scaling, made.input_shape, "scaling"),
        target_scaling=scaling_of(target_scaling, _output_shape(made), "target_scaling"),
        columns=table_columns(encoding),
        classes=classes,
        target=label_name(encoding),
        image=image,
        plane=plane_told(made, x, t, classes),
    )
    weights = made.prepare_weights(weights, len(x))
    step = FirstStep(make_optimizer(optimizer), scale, clip_gradient_norm)
    found = Inspection(made, x.copy(), t.copy(), weights, told, step, seed)
    if save is not None:
        found.save(save)
    return found


def _is_set(network: Network) -> bool:
    """Whether a case may have several labels, 0 and 1 for each output."""
    return isinstance(network.loss_function, BinaryCrossEntropy) and network.outputs > 1


def _output_shape(network: Network) -> tuple[int, ...]:
    return network.layers[network.graph.order[-1]].output_shape


def _require_cases(network: Network, cases: int, case: int) -> None:
    """Refuse cases that make no minibatch, too many of them, and one that is not among them."""
    require_minibatch(network, cases)
    if cases > MOST_CASES:
        raise ShapeError(f"a page shows at most {MOST_CASES:,} cases, found {cases:,}")
    if not is_whole(case) or not 0 <= case < cases:
        raise ShapeError(f"case is a whole number from 0 to {cases - 1}, found {case!r}")


def _require_texts(network: Network, cases: int, **texts: Any) -> None:
    """Refuse names that are not as many as what they name."""
    last = _output_shape(network)[-1]
    wanted = {
        "names": network.input_shape[-1],
        "labels": cases,
        "outputs": last,
        "classes": max(2, last),
    }
    for what, given in texts.items():
        if given is None:
            continue
        if isinstance(given, str) or not isinstance(given, Sized):
            raise ShapeError(f"{what} are a list of {wanted[what]} texts, found {shown(given)}")
        if len(given) != wanted[what]:
            is_pair = what == "outputs" and (last, len(given)) == (1, 2)
            more = "; the names of two classes are classes=" if is_pair else ""
            raise ShapeError(f"{what} are {wanted[what]} texts, found {len(given)}{more}")


def _require_lines(notes: Any) -> None:
    """Refuse notes that are one text, whose letters would be notes, or no texts."""
    if isinstance(notes, str) or not isinstance(notes, Sequence):
        raise ShapeError(f"notes are a list of sentences, found {shown(notes)}")


def _require_image(image: Any, inputs: Sequence[int]) -> None:
    """Refuse sides of an image that are not those of the inputs."""
    if image is None:
        return
    sides = [*image] if isinstance(image, Sequence) and not isinstance(image, str) else []
    is_right = len(sides) == 2 and all(is_whole(side, 1) for side in sides)
    if not is_right or sides[0] * sides[1] != prod(inputs):
        raise ShapeError(
            f"image is the height and the width of the {prod(inputs)} numbers of a case, "
            f"found {shown(image)}"
        )
