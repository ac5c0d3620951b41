"""What a network, or one layer of it, says of penalties."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from chainrule.core.schema import Amount, Flag, Section, Word, invalid
from chainrule.nn.penalties import DEFAULT_RATE, EITHER_OR, PENALTIES

PENALTY_TYPE = Word("penalty", (*PENALTIES, "none"))

RATE = "how much, a finite number of at least 0"
BIASES = "whether biases are penalised too"


class _AnyPenalty(Section):
    """What is added to the loss for large parameters."""

    @classmethod
    def keys(cls) -> list[str]:
        """The keys of every way to write a penalty; L1 or L2 among them mean rates by type."""
        return [*OnePenalty.model_fields, *PENALTIES]


class OnePenalty(_AnyPenalty):
    """One penalty."""

    type: Annotated[Any, PENALTY_TYPE] = Field(
        "L2", description="L2 adds rate·Σ½w², L1 adds rate·Σ|w|"
    )
    rate: Amount = Field(DEFAULT_RATE, description=RATE)
    biases: Flag = Field(False, description=BIASES)


class OwnPenalty(OnePenalty):
    """One penalty of a layer, which says all that it is."""

    type: Annotated[Any, PENALTY_TYPE] = Field(
        description="L2 adds rate·Σ½w², L1 adds rate·Σ|w|; none leaves the layer without"
    )
    rate: Amount = Field(description=RATE)


class FreeLayer(_AnyPenalty):
    """No penalty on this layer; rate and biases may stand there and have no effect."""

    type: Annotated[Literal["none"], PENALTY_TYPE] = Field(description="no penalty")
    rate: Amount = Field(0.0, description=RATE)
    biases: Flag = Field(False, description=BIASES)


class BothPenalties(_AnyPenalty):
    """Both penalties at once, each at its rate."""

    L1: Amount = Field(0.0, description="the rate of Σ|w|")
    L2: Amount = Field(0.0, description="the rate of Σ½w²")
    biases: Flag = Field(False, description=BIASES)


def _read(value: Any, one: type[OnePenalty]) -> OnePenalty | BothPenalties | None:
    """A penalty, or None for ``none`` in any spelling."""
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
    """Rates by type; of one alone it is that penalty."""
    for key in ("type", "rate"):
        if key in value:
            raise invalid(EITHER_OR, key)
    found = BothPenalties.model_validate(value)
    names = [name for name in PENALTIES if name in value]
    if len(names) > 1:
        return found
    rate = getattr(found, names[0])
    return OwnPenalty.model_validate({"type": names[0], "rate": rate, "biases": found.biases})


def _of_network(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return _read(value, OnePenalty)


def _of_layer(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Left out, a layer has the network's penalty; the word ``none`` frees it."""
    return None if value is None else _read(value, OwnPenalty) or "none"


Penalty = Annotated[
    OnePenalty | BothPenalties | Literal["none"] | None, WrapValidator(_of_network)
]
"""What the network says."""

LayerPenalty = Annotated[
    OwnPenalty | FreeLayer | BothPenalties | Literal["none"] | None, WrapValidator(_of_layer)
]
"""What a layer says, in place of what the network says."""
