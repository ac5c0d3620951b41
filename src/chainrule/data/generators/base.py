"""The settings common to all kinds of data, and how a generator of data is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from chainrule.core.arguments import MOST, is_whole
from chainrule.core.declared import Arguments, Rule, checked
from chainrule.core.errors import ConfigError, Problem
from chainrule.core.limits import MAX_DATA_BYTES
from chainrule.core.schema import Flag, Section, Seed, Word, described_as
from chainrule.data.splits import DEFAULT_SPLIT, Split

F = TypeVar("F", bound=Callable[..., Any])

CHANNELS = ("last", "first")
"""The place of the channel axis: (height, width, 3), or (3, height, width) for convolution."""

UNSAID: Any = None
"""Stands for a default that depends on other values; the generator or the reader chooses it."""


class Data(Section):
    """The settings that every kind of data has."""

    split: Annotated[Any, Split()] = Field(
        list(DEFAULT_SPLIT),
        description="the fractions of training, validation and test data, which sum to 1, or "
        "percentages, which sum to 100",
    )
    standardize: Annotated[
        bool | Literal["center"], described_as("true, false or center", words=("center",))
    ] = Field(
        False,
        description="bring each input to mean 0 and deviation 1, or by center to mean 0 alone, "
        "by the training data",
    )
    flatten: Flag = Field(True, description="images as rows of pixels rather than 2-D")
    channels: Annotated[Any, Word("channels", CHANNELS)] = Field(
        UNSAID,
        description="where the colours of an image stand: last, red, green and blue of each pixel "
        "together, or first, a plane a colour; by default first for a network of image layers",
    )
    seed: Seed = Field(UNSAID, description="the data's own seed; by default that of training")
    target: Annotated[Any, Word("target", ("class", "value", "labels"))] = Field(
        None,
        description="class numbers, values, or labels: columns of 0 and 1, of which a case may "
        "have several; by default it follows from the loss and the targets",
    )
    scale_targets: Flag = Field(
        False,
        description="bring each target that is a value to mean 0 and deviation 1, by the training "
        "data, while the network is trained; predictions and scores are in the targets' own units",
    )


GENERATORS: dict[str, Arguments] = {}
"""The declared arguments of each generator, by its name."""


def generator(name: str, *rules: Rule) -> Callable[[F], F]:
    """A decorator for a function or class that makes data: its arguments are keys of ``data:``.

    Args:
        name: the name of the generator in a configuration.
        rules: conditions that involve several arguments.
    """

    def declare(maker: F) -> F:
        GENERATORS[name] = Arguments(maker, rules, Data, {"generator": name})
        return checked(maker, GENERATORS[name])

    return declare


def a_case_each(classes: str) -> Rule:
    """The rule that there are at least as many cases as classes (in the key ``classes``)."""

    def check(values: Any) -> Any:
        count, groups = values["count"], values[classes]
        number = len(groups) if isinstance(groups, list) else groups
        if is_whole(count, 1) and is_whole(number, 1) and count < number <= MOST:
            yield ("count",), f"count {count} is too small for {number} classes"

    return check


def ends_of(numbers: int | Sequence[int]) -> tuple[int, int]:
    """The two ends (low, high) of a range; a single number is both."""
    low, high = (numbers, numbers) if isinstance(numbers, int) else numbers
    return low, high


def refuse_beyond_memory(what: str, size: int, key: str = "count") -> None:
    """Refuse to make an array whose ``size`` in bytes exceeds `core.limits.MAX_DATA_BYTES`.

    Raises:
        ConfigError: the array is too large; the error names the setting ``key``.
    """
    if size > MAX_DATA_BYTES:
        most = MAX_DATA_BYTES // 2**30
        message = f"{what} would need {size / 2**30:.1f} GiB; at most {most} are made"
        raise ConfigError(Problem(message, key=key))
