"""The errors that a user can cause, and functions that write their messages.

Every such error is a `ChainruleError`. It carries one `Problem` for each thing that is wrong, with
its place, so that all errors of a file can be reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from chainrule.core.limits import MOST_LETTERS, MOST_PROBLEMS

if TYPE_CHECKING:
    from pathlib import Path

_WORDS_ELSEWHERE: Mapping[str, str] = {
    "silu": "swish",
    "sigmoid": "logistic",
    "linear": "identity none",
    "leaky_relu": "lrelu leakyrelu",
    "glorot": "xavier",
    "he": "kaiming",
    "zeros": "zero",
    "torch": "pytorch",
    "mse": "mean_squared_error squared_error l2_loss",
    "mae": "mean_absolute_error absolute_error l1_loss",
    "binary_cross_entropy": "bce",
    "cross_entropy": "crossentropy categorical_crossentropy nll log_loss",
    "loss": "cost loss_function criterion",
    "learning_rate": "lr eta step_size max_lr",
    "activation": "act activation_function transfer_function nonlinearity",
    "size": "units neurons nodes hidden hidden_size num_units n_units image_size",
    "penalty": "regularization regularizer",
    "weights": "weight_init weight_range initializer initialization",
    "biases": "bias_init bias_range",
    "dense": "fc fully_connected",
    "count": "n number samples n_samples num_samples",
    "file": "filename",
    "epochs": "num_epochs n_epochs iterations",
    "batch_size": "batch minibatch minibatch_size mini_batch_size batchsize bs",
    "data": "dataset",
    "network": "globals",
    "optimizer": "optimiser",
    "rate": "weight_decay lambda",
    "alpha": "rho",
    "initial": "initial_accumulator_value",
    "memory": "maxcor history_size",
    "gradient_tolerance": "gtol tolerance_grad",
    "loss_tolerance": "ftol tolerance_change",
    "line_search": "maxls",
    "sgd": "gd",
    "one_cycle": "onecycle onecyclelr one_cycle_lr",
    "plateau": "reduce_lr_on_plateau reducelronplateau on_plateau adaptive",
    "inverse": "invscaling inverse_time",
    "exponential": "exponentiallr exponential_decay",
    "step": "steplr step_decay",
    "cosine": "cosineannealinglr cosine_annealing cosine_decay",
    "warm_up": "warmup warmup_epochs",
    "early_stopping": "earlystopping early_stop",
    "best_weights": "model_checkpoint modelcheckpoint save_best_only restore_best_weights",
    "csv_log": "csv_logger csvlogger",
    "time_limit": "timer time_stopping timestopping max_time",
    "validation_loss": "val_loss",
    "validation_accuracy": "val_accuracy val_acc",
    "rectangle": "square box",
    "circle": "disc disk ellipse",
    "cross": "plus",
    "saltire": "x",
    "corner": "l",
    "tee": "t",
    "cup": "u",
    "zed": "z",
    "bars": "stripes",
    "spirals": "spiral",
    "moons": "moon",
    "rings": "circles",
    "blobs": "gaussian",
    "digits": "mnist",
    "roc_auc": "auc auroc rocauc roc_auc_score roc_auc_ovr",
    "f1": "f1_score fscore f_score",
    "f1_macro": "macro_f1",
    "f1_micro": "micro_f1",
    "log_loss": "logloss neg_log_loss",
    "balanced_accuracy": "balanced_accuracy_score bacc uar",
    "accuracy": "acc accuracy_score",
    "r2": "r2_score r_squared",
    "rmse": "root_mean_squared_error",
    "label_smoothing": "smoothing",
    "class_weights": "class_weight pos_weight",
    "metrics": "scoring scores",
}
"""For each word of a configuration, the words that other libraries and textbooks use for it."""

SYNONYMS: Mapping[str, str] = {
    other: word for word, others in _WORDS_ELSEWHERE.items() for other in others.split()
}
"""For each word of another library or textbook, the word of a configuration."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Its ``str`` is safe to print: control characters, which may come from a file, are escaped.

    Attributes:
        message: what was found and what was expected, in one sentence.
        path: the file that the problem is in, if any.
        line: counted from 1.
        column: counted from 1.
        key: the setting that is wrong, if the code that found the problem does not know where the
            setting was written. Other code then looks up its file, line and column.
    """

    message: str
    path: Path | str | None = None
    line: int | None = None
    column: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = [str(p) for p in (self.path, self.line, self.column) if p is not None]
        message, half = self.message, MOST_LETTERS // 2
        if len(message) > MOST_LETTERS:
            message = f"{message[:half]} ... {message[-half:]}"
        return printable(f"{':'.join(place)}: {message}" if place else message)


def printable(text: str) -> str:
    r"""The text with control characters written as escapes, so that a terminal only displays it.

    Kept as they are: line ends, tabs, spaces of any width, the soft hyphen, and the zero-width
    joiner and non-joiner. Text from a file must pass through this function before it is shown on
    a terminal, in a message, a table or a ``repr``.

    Example:
        >>> print(printable("cat\u202e\x1b[2J"))
        cat\u202e\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _KEPT else ascii(c)[1:-1] for c in text)


_KEPT = "\n\t\u00ad\u200c\u200d\u00a0\u1680\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""The characters that `printable` keeps although ``str.isprintable`` is False for them."""


class ChainruleError(ValueError):
    """A failure that the user can correct; its text is written for the user.

    Args:
        problems: one message, or any number of `Problem`. If there are more than
            `MOST_PROBLEMS` + 1, the first `MOST_PROBLEMS` are kept, and one that states how many
            more there were.
    """

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = [problems]
        found = tuple(problems)
        if len(found) > MOST_PROBLEMS + 1:
            more = f"and {len(found) - MOST_PROBLEMS:,} more problems"
            found = (*found[:MOST_PROBLEMS], Problem(more, found[0].path))
        self.problems: tuple[Problem, ...] = found
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(ChainruleError):
    """A configuration that cannot be run."""


class DataError(ChainruleError):
    """Data that cannot be read, or do not fit the network."""


class ShapeError(ChainruleError):
    """An array of a shape or type that is not accepted."""


class UnknownNameError(ShapeError, KeyError):
    """An unknown name. It is also a ``KeyError``, the error of a mapping without that key."""

    def __str__(self) -> str:
        return ValueError.__str__(self)


class OtherThreadError(ChainruleError):
    """A backward pass after another thread's forward pass, or over another thread's gradients."""


class DivergenceError(ChainruleError):
    """A loss or a gradient that is no longer a finite number."""


class MissingExtraError(ChainruleError):
    """An optional package that a feature needs and that is not installed."""


class DataWarning(UserWarning):
    """What a trained network was told of new data, such as columns of no use or filled cells."""


class CompileCacheWarning(RuntimeWarning):
    """Compiled code could not be cached or read from the cache: it is compiled once more."""


_CACHED_CHOICES = 200
"""`nearest` caches its results only for lists of at most this many valid words."""

_MOST_LISTED = 40  # Of more words than this, half as many are listed, and the others counted.
_LONGEST_WORD = 100
"""`nearest` finds no word for a longer text, and `shown` shortens it by default."""


def shown(value: object, most: int = _LONGEST_WORD) -> str:
    """The ``repr`` of a value; if it is longer than ``most`` + 2, its first part and " ...".

    Example:
        >>> shown("relu"), shown("a" * 30, 10)
        ("'relu'", "'aaaaa ...")
    """
    text = repr(value[: most + 2] if isinstance(value, str) else value)
    return text if len(text) <= most + 2 else f"{text[: most - 4]} ..."


def nearest(word: object, valid: Iterable[str]) -> str | None:
    """The valid word that is most similar to ``word``, or None if none is similar.

    Example:
        >>> nearest("rellu", ["relu", "tanh"])
        'relu'
        >>> nearest("Swish", ["silu", "tanh"])
        'silu'
    """
    valid = list(valid)
    if len(str(word)) > _LONGEST_WORD:
        return None
    lowered = {name.lower(): name for name in valid}
    text = str(word).strip().lower().replace("-", "_").replace(" ", "_")
    if text in lowered:
        return lowered[text]
    if SYNONYMS.get(text) in valid:
        return SYNONYMS[text]
    look = _most_similar if len(lowered) <= _CACHED_CHOICES else _most_similar.__wrapped__
    found = look(text, tuple(lowered))
    return lowered[found] if found else None


@lru_cache(maxsize=256)  # the same unknown word may be on many lines of a configuration
def _most_similar(text: str, valid: tuple[str, ...]) -> str | None:
    """The valid word most similar to ``text``, with a similarity of at least 0.6, or None."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(text, valid, n=1, cutoff=0.6)), None)


def unknown(kind: str, word: object, valid: Iterable[str]) -> str:
    """The message for a word that is not among the valid ones, with the most similar of these.

    Example:
        >>> unknown("activation", "tahn", ["relu", "tanh"])
        "unknown activation 'tahn'; did you mean 'tanh'? Known: relu, tanh"
    """
    valid = list(valid)
    guess = nearest(word, valid)
    hint = f"; did you mean {guess!r}?" if guess else "."
    few = valid if len(valid) <= _MOST_LISTED else valid[: _MOST_LISTED // 2]
    rest = f" ... and {len(valid) - len(few)} more" if len(few) < len(valid) else ""
    return f"unknown {kind} {shown(word)}{hint} Known: {', '.join(few) or 'none'}{rest}"
