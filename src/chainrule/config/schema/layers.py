"""The layers of a configuration: the keys that each type has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, getdoc
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)

from chainrule.config.schema.starts import Start, said_outright
from chainrule.core.errors import unknown
from chainrule.core.schema import (
    AboveZero,
    AboveZeroShare,
    Amount,
    BelowOne,
    Choice,
    Count,
    Flag,
    Maybe,
    Number,
    OneOf,
    OptionalCount,
    Section,
    Text,
    Whole,
    Word,
    described_as,
    expected,
    found,
    invalid,
)
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.images.geometry import PADDINGS
from chainrule.nn.layer_types import LAYERS, Layer, arguments_of
from chainrule.nn.layers.embedding import MOST_CLASSES
from chainrule.nn.layers.normalization import Normalized
from chainrule.nn.penalties import DEFAULT_RATE, EITHER_OR, PENALTIES
from chainrule.nn.sequences.unrolled import OUTPUTS, STARTS

PENALTY_TYPE = Word("penalty", (*PENALTIES, "none"))

RATE = "how much, a finite number of at least 0"
BIASES = "whether biases are penalised too"


class _AnyPenalty(Section):
    """What is added to the loss for large parameters."""

    @classmethod
    def keys(cls) -> list[str]:
        """The keys of both ways to write a penalty: type and rate, or the rates of L1 and L2."""
        return [*OnePenalty.model_fields, *PENALTIES]


class OnePenalty(_AnyPenalty):
    """One penalty."""

    type: Annotated[Any, PENALTY_TYPE] = Field(
        "L2", description="L2 adds rate·Σ½w², L1 adds rate·Σ|w|"
    )
    rate: Amount = Field(DEFAULT_RATE, description=RATE)
    biases: Flag = Field(False, description=BIASES)


class OwnPenalty(OnePenalty):
    """A layer's own penalty, whose type and rate must be written."""

    type: Annotated[Any, PENALTY_TYPE] = Field(
        description="L2 adds rate·Σ½w², L1 adds rate·Σ|w|; none leaves the layer without"
    )
    rate: Amount = Field(description=RATE)


class FreeLayer(_AnyPenalty):
    """No penalty on this layer; rate and biases may be written and have no effect."""

    type: Annotated[Literal["none"], PENALTY_TYPE] = Field(description="no penalty")
    rate: Amount = Field(0.0, description=RATE)
    biases: Flag = Field(False, description=BIASES)


class BothPenalties(_AnyPenalty):
    """Both penalties at once, each at its rate."""

    L1: Amount = Field(0.0, description="the rate of Σ|w|")
    L2: Amount = Field(0.0, description="the rate of Σ½w²")
    biases: Flag = Field(False, description=BIASES)


def _read(value: Any, one: type[OnePenalty] = OnePenalty) -> OnePenalty | BothPenalties | None:
    """The penalty that ``value`` describes; None for null, or ``none`` in any capitalisation."""
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    if isinstance(value, str):
        word = PENALTY_TYPE.check(value)
        if one is OwnPenalty:
            written = f"{{type: {word}, rate: {DEFAULT_RATE}}}"
            raise invalid(f"a layer's own penalty says its rate as well; write {written}")
        return one.model_validate({"type": word})
    if isinstance(value, dict) and any(name in value for name in PENALTIES):
        return _both(value)
    if isinstance(value, dict) and str(value.get("type", "L2")).lower() == "none":
        OnePenalty.model_validate(value)
        return None
    return one.model_validate(value)


def _both(value: dict[str, Any]) -> OnePenalty | BothPenalties:
    """The penalty of a mapping from L1, L2 or both to rates."""
    for key in ("type", "rate"):
        if key in value:
            raise invalid(EITHER_OR, key)
    found = BothPenalties.model_validate(value)
    names = [name for name in PENALTIES if name in value]
    if len(names) > 1:
        return found
    rate = getattr(found, names[0])
    return OwnPenalty.model_validate({"type": names[0], "rate": rate, "biases": found.biases})


def _of_layer(value: Any) -> Any:
    return None if value is None else _read(value, OwnPenalty) or "none"


_NONE = (Literal["none"], None)
Penalty = Annotated[Any, OneOf(_read, lambda: [OnePenalty, BothPenalties, *_NONE])]
"""The network's penalty."""

LayerPenalty = Annotated[
    Any, OneOf(_of_layer, lambda: [OwnPenalty, FreeLayer, BothPenalties, *_NONE])
]
"""A layer's own penalty in place of the network's; ``none`` for no penalty on this layer."""


NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*$"
_NAME = described_as("a word of letters, digits, '_' and '-' that begins with a letter")
Name = Annotated[str, Field(pattern=NAME_PATTERN), _NAME]
OptionalRate = Annotated[Amount | None, described_as("a finite number of at least 0, or null")]


ActivationWord = Annotated[Any, Maybe(Choice("activation", ACTIVATIONS))]

SIDES = "a whole number of at least 1, or two: [height, width]"
_Two = Field(min_length=2, max_length=2)
Sides = Annotated[Count | Annotated[list[Count], _Two], described_as(SIDES)]
Padding = Annotated[
    Whole | Annotated[list[Whole], _Two] | Literal["same", "valid"],
    described_as("a whole number of at least 0, two such, same or valid", words=PADDINGS),
]


def _as_list(value: Any) -> Any:
    """A list, also for a single name."""
    return [value] if isinstance(value, str) else value


_Names = Annotated[
    list[Name] | None,
    described_as("the name of a layer, or a list of such"),
    BeforeValidator(_as_list),
]
_ONE_NAME = {"type": "string", "pattern": NAME_PATTERN}
_LIST = {"type": "array", "items": _ONE_NAME}
# The JSON Schema states the number of names; the rules check it, to report the layer's name.
Inputs = Annotated[
    _Names, WithJsonSchema({"anyOf": [_ONE_NAME, {**_LIST, "maxItems": 1}, {"type": "null"}]})
]
SeveralInputs = Annotated[_Names, WithJsonSchema({**_LIST, "minItems": 2})]


class AnyLayer(Section):
    """What every layer has."""

    name: Annotated[Name | None, _NAME] = Field(
        None, description="what messages and files call the layer"
    )
    inputs: Inputs = Field(
        None,
        description="the name of the layer that feeds this one, `input` for the network's own "
        "input; by default the layer before it",
        examples=["dense_1", "input"],
    )


class _Join(AnyLayer):
    """A layer that joins the outputs of several layers."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.setdefault("required", []).append("inputs")
    )

    inputs: SeveralInputs = Field(
        None,
        description="the names of the layers that feed this one, at least two, `input` for the "
        "network's own input",
        examples=[["input", "dense_2"]],
    )


class LearntStart(Section):
    """A learnt state before the first step."""

    learnt: Annotated[list[Number], Field(min_length=1)] = Field(
        description="the numbers that it starts from"
    )


def _no_numbers(value: Any) -> Any:
    """Refuse the biases themselves where it is asked whether there are any."""
    if isinstance(value, list | dict):
        message = "bias says whether there are biases, true or false; how they start is written"
        raise invalid(f"{message} as biases: {found(value)}")
    return value


@dataclass(frozen=True)
class Key:
    """What a configuration may write for an argument of a layer's constructor.

    Attributes:
        kind: the type of its values; a caller in Python may give objects besides.
        about: its description in the JSON Schema.
        examples: of its values.
        is_open: whether the default follows from other values, so that it is null here.
    """

    kind: Any
    about: str
    examples: list[Any] | None = None
    is_open: bool = False


KEYS: Mapping[str, Key] = {
    "classes": Key(
        Annotated[
            Annotated[int, Field(ge=1, le=MOST_CLASSES)] | None,
            described_as(f"a whole number from 1 to {MOST_CLASSES:,}, or null"),
        ],
        "how many class numbers there are, 0 … classes − 1; a text has one for each character",
        [1000],
    ),
    "size": Key(Count, "the number of units", [100]),
    "activation": Key(
        ActivationWord,
        "the activation function; by default relu, and linear where no layer with an "
        "activation follows",
        ["relu", {"type": "leaky_relu", "slope": 0.2}],
        is_open=True,
    ),
    "bias": Key(Annotated[Flag, BeforeValidator(_no_numbers)], "whether there are biases b"),
    "weights": Key(
        Annotated[Any, Maybe(Start("weights"))],
        "how the weights start: uniform in a range [low, high], or [-r, r] for a number r alone, "
        "by a rule, or as the numbers that are written, one list a row, or that a file holds",
        [[-0.1, 0.1], 0.1, "glorot", [[0.15, 0.25], [0.2, 0.3]], {"file": "W.npy"}],
        is_open=True,
    ),
    "recurrent_weights": Key(
        Annotated[Any, Maybe(Start("recurrent_weights"))],
        "how the weights U of the state before start, as weights do",
        is_open=True,
    ),
    "biases": Key(
        Annotated[Any, Maybe(Start("biases", of_row=True))],
        "how the biases start, as weights do; a rule counts the inputs and outputs of the "
        "layer's weights; a list has one number a unit, but one of two numbers is a range unless "
        "the weights are numbers of one's own",
        [[0, 1], "zeros", {"values": [0.35, 0.35]}],
        is_open=True,
    ),
    "recurrent_biases": Key(
        Annotated[Any, Maybe(Start("recurrent_biases", of_row=True))],
        "how the second biases of the candidate, b_hn, start; by default as biases, and at 0 "
        "where those are numbers of one's own",
        ["zeros"],
        is_open=True,
    ),
    "learning_rate": Key(OptionalRate, "a learning rate of this layer's own", [0.01]),
    "penalty": Key(
        LayerPenalty,
        "a penalty of this layer's own, in place of the network's; none for none",
        [{"type": "L1", "rate": 0.001}, "none"],
    ),
    "outputs": Key(
        Annotated[Any, Word("outputs", OUTPUTS)],
        "what is given on: the outputs of all steps, or the last alone",
    ),
    "start": Key(
        Annotated[
            Literal["zeros", "learnt"]
            | Annotated[list[Number], Field(min_length=1)]
            | LearntStart,
            described_as(
                "zeros, learnt, or a list of numbers, one a unit ({learnt: [...]}: from there)",
                words=STARTS,
            ),
        ],
        "the state before the first step: zeros, numbers that stay, or parameters that are learnt",
        ["learnt", {"learnt": [0.1, -0.1]}],
    ),
    "forget_bias": Key(
        Annotated[Number | None, described_as("a finite number, or null")],
        "added to the initial biases of the forget gate; 1 where there are biases",
        [1.0],
    ),
    "truncate": Key(
        OptionalCount,
        "how many steps gradients go back through, their own counted; null for all",
        [10],
    ),
    "rate": Key(BelowOne, "the probability that a number is left out during training", [0.5]),
    "momentum": Key(
        AboveZeroShare,
        "the share of a minibatch in the running mean and variance, as in PyTorch; Keras counts "
        "what stays, so that its 0.99 is 0.01 here",
        [0.1],
    ),
    "epsilon": Key(
        AboveZero,
        "added to the variance so that its root is never 0; PyTorch's is 1e-5, Keras's 1e-3",
        [1e-5],
    ),
    "filters": Key(Count, "how many filters, the channels of the output"),
    "stride": Key(Sides, "from one place to the next: a number or two"),
    "padding": Key(
        Padding,
        "zeros around the image: a number or two, same for as many outputs as inputs, or valid "
        "for none",
        ["same"],
    ),
}
"""The arguments that layers have, by name."""

_OF_A_KIND: Mapping[tuple[str, str], Key] = {
    ("embedding", "size"): Key(Count, "the length of the vectors", [16]),
    ("softmax", "size"): Key(OptionalCount, "the size of the layer before it, if stated"),
    ("recurrent", "activation"): Key(
        ActivationWord, "the function φ; by default tanh", ["tanh", "linear"], is_open=True
    ),
    **{
        (kind, "activation"): Key(
            ActivationWord,
            "the function φ behind it; a layer before it that states no activation is then linear",
            ["relu"],
        )
        for kind in ("batch_norm", "layer_norm")
    },
    **{
        (kind, key): Key(
            Annotated[Any, Maybe(Start(key, of_row=True, words=("ones", "zeros")))],
            f"how {letter} starts: {first} by default, zeros or ones, {{range: [low, high]}}, or "
            "numbers of one's own, one a feature",
            [first, {"file": f"{key}.npy"}],
            is_open=True,
        )
        for kind in ("batch_norm", "layer_norm")
        for key, letter, first in (
            ("weights", "the scale γ", "ones"),
            ("biases", "the shift β", "zeros"),
        )
    },
}
"""Arguments that mean something else in one type of layer than in the others."""

_SIDES = Key(Sides, "of a filter or a window: a number, or [height, width]", [3])
_OPEN_STRIDE = Key(
    Annotated[Sides | None, described_as(f"{SIDES}, or null")],
    "from one window to the next: a number or two; by default the size",
)
_BY_ANNOTATION = {"int": Count, "float": Number, "bool": Flag, "str": Text}
"""The types of arguments that are not in the tables: those of a user's own layer."""


def _key(kind: str, parameter: Parameter) -> Key:
    """What may be written for an argument of a constructor."""
    name, annotation = parameter.name, str(parameter.annotation)
    if name == "size" and "Sequence" in annotation:
        return _SIDES
    if name == "stride" and parameter.default is None:
        return _OPEN_STRIDE
    if found := _OF_A_KIND.get((kind, name)) or KEYS.get(name):
        return found
    return Key(_BY_ANNOTATION.get(annotation.partition(" |")[0], Any), f"{name} of {kind}")


def section(kind: str, layer: type[Layer]) -> type[AnyLayer]:
    """The section of a type of layer, with its constructor's arguments as keys."""
    words = [kind, *(word for word, meant in ALIASES.items() if meant == kind)]
    may_be_left_out = kind in ("dense", "softmax")
    about = "the kind of layer" + "".join(f"; {w} is another word for {kind}" for w in words[1:])
    fields: dict[str, Any] = {
        "type": (Literal[tuple(words)], Field(kind if may_be_left_out else ..., description=about))
    }
    for parameter in arguments_of(layer).values():
        if parameter.name in AnyLayer.model_fields:
            continue
        key = _key(kind, parameter)
        default = ... if parameter.default is Parameter.empty else parameter.default
        default = None if key.is_open else default
        field = Field(default, description=key.about, examples=key.examples)
        fields[parameter.name] = (key.kind, field)
    base = _Join if layer.joins else AnyLayer
    about = (getdoc(layer) or "").partition("\n\n")[0]
    return create_model(layer.__name__, __base__=base, __doc__=about, **fields)


ALIASES = {"basic_layer": "dense"}
"""Other names of types of layers."""


@cache
def section_of(kind: str) -> type[AnyLayer]:
    """The section of a type of layer in `LAYERS`."""
    return section(kind, LAYERS[kind])


def _layer(value: Any) -> AnyLayer:
    """The layer that a name or a mapping describes, checked as that type only."""
    kind, at, what = value, None, "softmax, or a mapping such as {size: 10}"
    if isinstance(value, dict):
        kind, at = value.get("type", "dense"), "type"
        what = "the word for a kind of layer, such as dense"
    if not isinstance(kind, str):
        raise expected(what, at)
    if kind.lower() not in (*LAYERS, *ALIASES):
        raise invalid(unknown("layer type", kind, (*LAYERS, *ALIASES)), at)
    options = dict(value) if isinstance(value, dict) else {}
    kind = ALIASES.get(kind.lower(), kind.lower())
    if kind == "dense" and not options:
        raise invalid(f"a {kind} layer needs a size; write {{size: 10, activation: relu}}")
    options = said_outright(options, normalises=issubclass(LAYERS[kind], Normalized))
    return section_of(kind).model_validate({**options, "type": kind})


def _kinds() -> list[Any]:
    """The sections of all layers, and the names that can stand for a layer alone."""
    alone = tuple(kind for kind in LAYERS if _stands_alone(kind))
    return [*map(section_of, LAYERS), Literal[alone]]


def _stands_alone(kind: str) -> bool:
    """Whether a layer of this type can be written as its name alone."""
    fields = section_of(kind).model_fields.items()
    needs_more = any(field.is_required() for key, field in fields if key != "type")
    return not needs_more and not LAYERS[kind].joins


LayerEntry = Annotated[AnyLayer, OneOf(_layer, _kinds)]
"""An item of the list of layers."""
