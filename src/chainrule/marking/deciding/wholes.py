"""What is taught where only the right numbers are known, and not how they come about."""

from __future__ import annotations

_FACTOR = (
    "Every number is right but for this one factor.",
    "Take one case, then the same case twice: by what should each result change, and by what does "
    "yours?",
)

_TAUGHT = {
    "sign": (
        "Every number is right but for its sign.",
        "Follow the signs through the derivation, from its last line to the first.",
    ),
    "doubled": _FACTOR,
    "halved": _FACTOR,
    "no_mean": _FACTOR,
    "mean_twice": _FACTOR,
    "divided": _FACTOR,
    "multiplied": _FACTOR,
    "transposed": (
        "The numbers are right, but rows stand where columns belong.",
        "Write the shape of every array beside the line that makes it.",
    ),
    "kept_from_before": (
        "The first call on an object is right. In the second the result is added to that of the "
        "first, in place of taking its place.",
        "Make the same call twice on one object and compare. Where is the array set to zero?",
    ),
    "stale": (
        "The first call on an object is right. After the second the array still holds what the "
        "first gave.",
        "Make two different calls on one object. Which values are kept, and when are they new?",
    ),
    "part_lost": (
        "All else is right.",
        "What is the first value of your loop's counter, and what the last?",
    ),
    "one_number": (
        "What should be summed over some entries is summed over all of them.",
        "Over which axis does the sum go, and what is the result's shape?",
    ),
    "float32": (
        "Somewhere on the way the numbers lose half of their digits.",
        "Look for astype, dtype= or np.float32.",
    ),
    "squared": (
        "Each number is the square of the right one.",
        "Where in the derivation does the square end?",
    ),
}

_CONSTANT = (
    "Whatever the inputs are, the same comes out.",
    "Change one input a little: what should follow?",
)


def taught_of_whole(kind: str) -> tuple[str, str]:
    """What happens in the code where a whole result differs in one way, and where to look.

    Args:
        kind: of the difference, as `deciding.mutations` calls it.

    Example:
        >>> taught_of_whole("sign")[0]
        'Every number is right but for its sign.'
    """
    return _TAUGHT.get(kind, _CONSTANT)
