"""Optimisers for tests: those that treat every parameter by itself."""

from __future__ import annotations

from chainrule.training.optimizers import OPTIMIZERS

ELEMENT_WISE = [name for name in OPTIMIZERS if name != "lbfgs"]
"""Their names; L-BFGS has no `step`, and its own tests in `training/test_lbfgs.py`."""
