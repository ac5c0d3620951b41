"""Compiled loops: what the engines and the layers on images have in common, and these layers' own.

======================  ======================================================================
`jit`                   how a function becomes compiled code, and where that is kept
`vectors`               whole lines of the cache in registers
`bounds`                looked at before a kernel is called
`threads`               blocks of cases shared among threads
`grids`                 images on grids, on which what is under a filter is a shift
`convolution`           a convolution and its backward pass; the loops: `convolution_kernels`
`local`                 filters of each place's own; the loops: `local_kernels`
`pooling`               the largest and the mean of windows; the loops: `pooling_kernels`
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba.
"""
