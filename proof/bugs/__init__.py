"""Classic bugs of backpropagation, each as a few changes of the source text.

They are planted in copies of the package, never in the package itself. A bug that changes nothing
for some activations gives the reason, which `proof.battery` verifies by comparing bits.
"""

from proof.bugs import (
    of_activations,
    of_embedding,
    of_explain,
    of_export,
    of_gates,
    of_graphs,
    of_images,
    of_layers,
    of_losses,
    of_metrics,
    of_modes,
    of_normalization,
    of_optimisers,
    of_penalties,
    of_recurrence,
    of_schedules,
    of_scores,
    of_starts,
    of_tables,
    of_training,
    of_weights,
)
from proof.bugs.bug import NAMES, Bug, Edit

__all__ = ["BUGS", "NAMES", "Bug", "Edit"]

BUGS = (
    *of_losses.BUGS,
    *of_penalties.BUGS,
    *of_activations.BUGS,
    *of_layers.BUGS,
    *of_embedding.BUGS,
    *of_explain.BUGS,
    *of_graphs.BUGS,
    *of_images.BUGS,
    *of_training.BUGS,
    *of_optimisers.BUGS,
    *of_scores.BUGS,
    *of_metrics.BUGS,
    *of_weights.BUGS,
    *of_starts.BUGS,
    *of_tables.BUGS,
    *of_export.BUGS,
    *of_recurrence.BUGS,
    *of_gates.BUGS,
    *of_modes.BUGS,
    *of_normalization.BUGS,
    *of_schedules.BUGS,
)
