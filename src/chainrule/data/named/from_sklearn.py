"""Named data sets that come with scikit-learn; `cifar.py` reads the CIFAR sets."""

from __future__ import annotations

from typing import Any

from chainrule.core.errors import ConfigError, MissingExtraError, Problem, unknown
from chainrule.data.readers.cases import Cases, Labels

IN_SKLEARN = ("iris", "digits")
"""The sets that come with scikit-learn itself, so that nothing is downloaded."""

CIFAR_NAMES = ("cifar10", "cifar100")
"""The named sets that are read from the user's copy of the published files."""

NAMES = (*IN_SKLEARN, *CIFAR_NAMES)
"""All sets that have a name."""


def read_named(name: str) -> Cases:
    """All cases of a named data set.

    ``iris`` has 150 flowers of 3 species with 4 lengths in cm each; ``digits`` has 1,797
    handwritten digits of 8 x 8 pixels, whose grey values are divided by 16 to lie in 0..1.

    Args:
        name: one of `IN_SKLEARN`.

    Returns:
        x float64, (150, 4) or (1797, 8, 8), and the labels with the classes' names.

    Raises:
        ConfigError: the name is another.
        MissingExtraError: scikit-learn is not installed.
    """
    if name not in IN_SKLEARN:
        raise ConfigError(unknown("data set", name, IN_SKLEARN))
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingExtraError(
            f"the data set {name!r} comes with scikit-learn, which is not installed; "
            "install it with: pip install 'chainrule[sklearn]'"
        ) from None
    bunch: Any = datasets.load_iris() if name == "iris" else datasets.load_digits()
    labels = Labels(
        bunch.target,
        lambda case, message: Problem(f"case {case} of {name}: {message}"),
        names=tuple(str(word) for word in bunch.target_names),
        type="text" if name == "iris" else "int",
    )
    if name == "digits":
        return Cases(bunch.images / 16.0, labels, image_shape=(8, 8))
    return Cases(bunch.data, labels, feature_names=tuple(bunch.feature_names))
