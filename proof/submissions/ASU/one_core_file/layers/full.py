from .core import Full as FullLayer
