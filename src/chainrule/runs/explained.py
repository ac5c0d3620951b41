"""One case of a configuration's or a run's data worked out, as `chainrule explain` shows it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.data.dataset import PART_WORDS
from chainrule.explain.explaining import explain
from chainrule.explain.numbers import DIGITS
from chainrule.runs.run import Run
from chainrule.runs.taught import taught

if TYPE_CHECKING:
    from chainrule.config.load import Config
    from chainrule.explain.explanation import Explanation


def explained(
    source: Run | Config | Mapping[str, Any] | str | os.PathLike[str],
    *,
    case: int = 0,
    weight: str | None = None,
    split: str = "train",
    digits: int = DIGITS,
    overrides: Sequence[str] = (),
) -> Explanation:
    """The forward pass, the backward pass and the update of one case, worked out.

    A configuration's network is worked out as it starts, a run's as it is after its training. The
    update is the first step of the optimiser, on this case alone. With batch normalisation, and
    for L-BFGS, which takes all cases, the case is worked out within its minibatch: the first one
    of a training that holds it.

    Args:
        source: a run or its folder; or a configuration, its file, or a mapping.
        case: which case of the data, counted from 0.
        weight: the weight to look at, such as ``dense_1.W[0,2]``.
        split: ``train``, ``validation`` or ``test``.
        digits: how many significant digits are shown, where not more are needed.
        overrides: items that replace settings of a configuration.

    Raises:
        ChainruleError: the run or the configuration cannot be read, or there is no such case or
            weight.

    Example:
        >>> import chainrule
        >>> found = chainrule.explained({
        ...     "network": {"layers": [{"size": 2, "activation": "tanh"}, {"size": 1}]},
        ...     "data": {"generator": "curve", "count": 40}})
        >>> found.step("L").result.value == found.step("L").rules[-1].evaluate()
        True
    """
    found = taught(source, overrides)
    part = found.part(split)
    chosen, place, weights = found.minibatch(part, split, case)
    return explain(
        found.resolved.network,
        part.x[chosen],
        part.t[chosen],
        weight,
        case=place,
        weights=weights,
        digits=digits,
        names=found.resolved.data.feature_names,
        outputs=found.outputs,
        notes=found.notes(),
        title=f"One pass worked out: {found.name}",
        about=f"Case {case} of the {PART_WORDS[split]} data, counted from 0. {found.when}",
        seed=found.settings.seed,
        optimizer=found.settings.optimizer,
        scale=found.scale(),
        clip_gradient_norm=found.settings.clip_gradient_norm,
    )
