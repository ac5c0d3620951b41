"""Pictures of runs and of data, as Matplotlib figures.

Every function returns a `matplotlib.figure.Figure` that is not registered with pyplot, so figures
can be made without a screen, in threads and in tests. Matplotlib is imported only when a figure is
made.
"""

from chainrule.plots.comparison import compare_histories
from chainrule.plots.decision_boundary import boundary_of, decision_boundary
from chainrule.plots.graph import graph_picture
from chainrule.plots.images import image_grid
from chainrule.plots.learning_curve import learning_curve
from chainrule.plots.save import save_figure, show_or_save
from chainrule.plots.scatter import scatter
from chainrule.plots.weights import weight_images

__all__ = [
    "boundary_of",
    "compare_histories",
    "decision_boundary",
    "graph_picture",
    "image_grid",
    "learning_curve",
    "save_figure",
    "scatter",
    "show_or_save",
    "weight_images",
]
