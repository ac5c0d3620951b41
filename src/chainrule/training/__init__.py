"""Training: the loop, its settings, callbacks, and the history of losses and scores."""

from chainrule.training.callbacks import (
    BestWeights,
    Callback,
    CsvLog,
    EarlyStopping,
    Frames,
    TensorBoard,
    TimeLimit,
)
from chainrule.training.history import History, Progress, Row
from chainrule.training.settings import Settings
from chainrule.training.trainer import Part, Trainer

__all__ = [
    "BestWeights",
    "Callback",
    "CsvLog",
    "EarlyStopping",
    "Frames",
    "History",
    "Part",
    "Progress",
    "Row",
    "Settings",
    "TensorBoard",
    "TimeLimit",
    "Trainer",
]
