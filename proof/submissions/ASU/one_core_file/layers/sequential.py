from .core import Seq as Sequential
