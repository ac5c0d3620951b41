"""Classic bugs of backpropagation, each as a few changes of the source text.

They are planted in copies of the package and never shipped in it. Some change nothing for some
activations; why is said with the bug, and the battery makes sure of it by comparing bits.
"""

from proof.bugs import (
    of_activations,
    of_graphs,
    of_images,
    of_layers,
    of_losses,
    of_modes,
    of_penalties,
    of_recurrence,
    of_training,
)
from proof.bugs.bug import NAMES, Bug, Edit

__all__ = ["BUGS", "NAMES", "Bug", "Edit"]

BUGS = (
    *of_losses.BUGS,
    *of_penalties.BUGS,
    *of_activations.BUGS,
    *of_layers.BUGS,
    *of_graphs.BUGS,
    *of_images.BUGS,
    *of_training.BUGS,
    *of_recurrence.BUGS,
    *of_modes.BUGS,
)
