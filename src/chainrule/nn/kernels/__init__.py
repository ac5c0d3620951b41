"""The basis of all compiled loops: compilation, SIMD vectors and threads.

======================  ======================================================================
`jit`                   how functions are compiled, and where the code is cached
`vectors`               SIMD vectors as long as a cache line
`threads`               blocks of cases shared among threads
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba. The loops of the layers on
images are in `chainrule.nn.images.kernels`.
"""
