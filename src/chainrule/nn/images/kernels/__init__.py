"""Compiled loops of the layers on images: each file holds kernels and the class that calls them.

======================  ======================================================================
`grids`                 images on grids, where values under a filter are shifts; bounds checks
`convolution`           convolution, forward and backward
`local`                 filters of its own at each place, forward and backward
`pooling`               maximum and mean pooling, forward and backward
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba. What they share with other
compiled loops is in `chainrule.nn.kernels`.
"""
