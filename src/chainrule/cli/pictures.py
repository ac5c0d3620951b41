"""The picture that fits a data set: images, or a scatter plot."""

from __future__ import annotations

from secrets import randbits
from typing import TYPE_CHECKING

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.plots.images import image_grid
from chainrule.plots.scatter import scatter
from chainrule.training.scores import true_classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(data: DataSplit, part: Dataset, title: str, count: int) -> Figure:
    """Random images of ``part``, or its points.

    Args:
        data: what the part belongs to.
        part: not empty.
        title: of the picture.
        count: the most images to show.

    Raises:
        DataError: the part has no cases.
    """
    if len(part) == 0:
        raise DataError(f"{title}: there are no cases")
    if data.image_shape is None:
        return scatter(
            part.x, part.t, classes=data.classes, feature_names=data.feature_names, title=title
        )
    chosen = np.random.default_rng(randbits(64)).permutation(len(part))[:count]
    images = data.pictures(_unscaled(data, part.x[chosen]))
    return image_grid(images, _labels(data, part.t[chosen]), title=title)


def _unscaled(data: DataSplit, x: Array) -> Array:
    """The inputs as they were before standardisation."""
    if data.scaling is None:
        return x
    scale, mean = (a.reshape(x.shape[1:]) for a in (data.scaling.scale, data.scaling.mean))
    return x * scale + mean


def _labels(data: DataSplit, t: Array) -> list[str]:
    if data.classes is None:
        return [f"{float(np.ravel(value)[0]):.4g}" for value in t]
    return [data.classes[k] for k in true_classes(t)]
