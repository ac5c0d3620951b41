"""Training: the loop, its settings, callbacks, and the history of losses and scores."""

from chainrule.training.callbacks import Callback, EarlyStopping
from chainrule.training.history import History, Progress, Row
from chainrule.training.settings import Settings
from chainrule.training.trainer import Part, Trainer

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "Part",
    "Progress",
    "Row",
    "Settings",
    "Trainer",
]
