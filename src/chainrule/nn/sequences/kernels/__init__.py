"""Compiled loops of the layers with gates: `gates` has those of one step, forward and backward.

Importing the package itself imports none of them, and so no Numba. What they share with other
compiled loops is in `chainrule.nn.kernels`.
"""
