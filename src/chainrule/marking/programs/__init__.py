"""What courses ask for, as programs of NumPy lines, with the bugs that students make in them."""

from collections.abc import Callable, Mapping

from chainrule.marking.program import Program
from chainrule.marking.programs.convolution import convolution
from chainrule.marking.programs.dense_numeric import mini_batch, numeric_gradient
from chainrule.marking.programs.descent import descent
from chainrule.marking.programs.dropping import dropout
from chainrule.marking.programs.functions import elementwise
from chainrule.marking.programs.losses import cross_entropy, softmax_loss
from chainrule.marking.programs.networks import classifier, dense_network
from chainrule.marking.programs.normalization import batch_norm, layer_norm
from chainrule.marking.programs.pooling import average_pool, max_pool
from chainrule.marking.programs.recurrence import recurrent
from chainrule.marking.programs.rows import full
from chainrule.marking.programs.running_statistics import batch_norm_test
from chainrule.marking.programs.sequential import sequential
from chainrule.marking.programs.softmax import softmax_layer
from chainrule.marking.programs.squared_errors import squared_error
from chainrule.marking.programs.structure import structure
from chainrule.marking.programs.training_loop import training_loop

PROGRAMS: Mapping[str, Callable[..., Program]] = {
    "average_pool": average_pool,
    "batch_norm": batch_norm,
    "batch_norm_test": batch_norm_test,
    "classifier": classifier,
    "descent": descent,
    "convolution": convolution,
    "cross_entropy": cross_entropy,
    "dense_network": dense_network,
    "dropout": dropout,
    "elementwise": elementwise,
    "full": full,
    "layer_norm": layer_norm,
    "max_pool": max_pool,
    "mini_batch": mini_batch,
    "numeric_gradient": numeric_gradient,
    "recurrent": recurrent,
    "sequential": sequential,
    "softmax_layer": softmax_layer,
    "softmax_loss": softmax_loss,
    "squared_error": squared_error,
    "structure": structure,
    "training_loop": training_loop,
}
"""The programs that a part of an assignment may name; its options are their arguments."""
