"""The basis of all compiled loops: compilation, SIMD vectors and threads.

======================  ======================================================================
`jit`                   how functions are compiled, and where the code is cached
`vectors`               SIMD vectors as long as a cache line
`exponential`           eˣ, the sigmoid and tanh, which the compiler vectorises
`threads`               blocks of cases shared among threads
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba. The loops of the layers on
images are in `chainrule.nn.images.kernels`, those of gates in `chainrule.nn.sequences.kernels`.
"""
