"""Training: the loop, its settings, what it gave, and whoever watches."""

from chainrule.training.history import History, Progress, Row
from chainrule.training.settings import Settings
from chainrule.training.trainer import Callback, Part, Trainer

__all__ = ["Callback", "History", "Part", "Progress", "Row", "Settings", "Trainer"]
