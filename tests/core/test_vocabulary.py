"""The words of other libraries lead to those of a configuration."""

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import nearest, unknown
from chainrule.core.vocabulary import plainest
from chainrule.nn.layer_types import LAYERS
from chainrule.nn.losses import LOSSES
from chainrule.training.callbacks import CALLBACKS
from chainrule.training.metrics import METRICS
from chainrule.training.schedules import SCHEDULES

KERAS_AND_PYTORCH = [
    (LAYERS, "BatchNormalization", "batch_norm"),
    (LAYERS, "BatchNorm2d", "batch_norm"),
    (LAYERS, "LayerNormalization", "layer_norm"),
    (LAYERS, "GlobalAveragePooling2D", "global_average_pool2d"),
    (LAYERS, "MaxPooling2D", "max_pool2d"),
    (LAYERS, "AveragePooling2D", "average_pool2d"),
    (LAYERS, "SimpleRNN", "recurrent"),
    (LAYERS, "Linear", "dense"),
    (LOSSES, "SparseCategoricalCrossentropy", "cross_entropy"),
    (LOSSES, "categorical_crossentropy", "cross_entropy"),
    (LOSSES, "NLLLoss", "cross_entropy"),
    (LOSSES, "BCEWithLogitsLoss", "binary_cross_entropy"),
    (LOSSES, "binary_crossentropy", "binary_cross_entropy"),
    (LOSSES, "MeanSquaredError", "mse"),
    (LOSSES, "SmoothL1Loss", "huber"),
    (METRICS, "sparse_categorical_accuracy", "accuracy"),
    (METRICS, "mean_squared_error", "rmse"),
    (METRICS, "AUC", "roc_auc"),
    (METRICS, "top_k_categorical_accuracy", "top_5_accuracy"),
    (CALLBACKS, "EarlyStopping", "early_stopping"),
    (CALLBACKS, "ModelCheckpoint", "best_weights"),
    (CALLBACKS, "snapshots", "frames"),
    (SCHEDULES, "ReduceLROnPlateau", "plateau"),
    (SCHEDULES, "OneCycleLR", "one_cycle"),
    (["train_loss", "validation_loss"], "loss", "train_loss"),
    (["train_f1", "validation_f1"], "val_f1", "validation_f1"),
    (["validation", "weights"], "sample_weight", "weights"),
    (["validation", "weights"], "validation_data", "validation"),
    (["size", "classes", "inputs"], "input_dim", "classes"),
]


@pytest.mark.parametrize(("table", "theirs", "ours"), KERAS_AND_PYTORCH)
def test_a_word_of_keras_or_pytorch_leads_to_ours(table, theirs, ours):
    assert nearest(theirs, table) == ours


@given(st.sampled_from([*LAYERS, *CALLBACKS, *SCHEDULES]), st.sampled_from("_ -"), st.booleans())
def test_a_spelling_that_only_looks_different_is_known(word, between, capital):
    tables = [*LAYERS, *CALLBACKS, *SCHEDULES]
    spelt = word.title() if capital else word
    assert nearest(spelt.replace("_", between), tables) == word
    assert nearest(spelt.replace("_", ""), tables) == word
    assert plainest(spelt) == plainest(word)


@pytest.mark.parametrize(
    ("kind", "within", "word", "sentence"),
    [
        ("callback", "", "ReduceLROnPlateau", "that is a schedule: schedule: plateau"),
        ("callback", "", "TerminateOnNaN", "every training ends at a loss that is not finite"),
        ("key", "optimizer", "learning_rate", "the learning rate belongs to the network"),
        ("key", "optimizer", "nesterov", "that is an optimizer of its own: {type: momentum"),
        ("key", "optimizer", "clipnorm", "that is a setting beside optimizer"),
        ("key", "callbacks", "save_best_only", "only the best parameters are kept"),
    ],
)
def test_what_is_no_single_word_here_is_told_in_a_sentence(kind, within, word, sentence):
    message = unknown(kind, word, ["type"], within)
    assert f"unknown {kind} {word!r}; {sentence}" in message
    assert message.endswith(". Known: type")
    assert sentence not in unknown("activation", word, ["type"])


@pytest.mark.parametrize(
    ("module", "name", "hint"),
    [
        ("chainrule.nn", "BatchNormalization", "; did you mean 'BatchNorm'?"),
        ("chainrule.nn", "SimpleRNN", "; did you mean 'Recurrent'?"),
        ("chainrule.nn", "Sequential", "; did you mean 'Network'?"),
        ("chainrule.nn", "Masking", ""),
        ("chainrule", "Conv2D", "; did you mean chainrule.nn.Conv2D?"),
        ("chainrule", "ModelCheckpoint", "; did you mean chainrule.training.BestWeights?"),
        ("chainrule", "__wrapped__", ""),
    ],
)
def test_a_name_that_a_module_does_not_have_leads_to_ours(module, name, hint):
    with pytest.raises(AttributeError) as error:
        getattr(import_module(module), name)
    assert str(error.value) == f"module {module!r} has no attribute {name!r}{hint}"
