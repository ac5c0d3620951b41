"""Compiled loops of the layers on images: each file holds kernels and the class that calls them.

======================  ======================================================================
`grids`                 images on grids, on which what is under a filter is a shift; bounds
`convolution`           a convolution and its backward pass
`local`                 filters of each place's own, likewise
`pooling`               the largest and the mean of windows, likewise
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba. What they share with other
compiled loops is in `chainrule.nn.kernels`.
"""
