"""Compiled loops of the layers on images.

======================  ======================================================================
`grids`                 images on grids, on which what is under a filter is a shift
`convolution`           a convolution and its backward pass; the loops: `convolution_kernels`
`local`                 filters of each place's own; the loops: `local_kernels`
`pooling`               the largest and the mean of windows; the loops: `pooling_kernels`
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba. What they share with other
compiled loops is in `chainrule.nn.kernels`.
"""
