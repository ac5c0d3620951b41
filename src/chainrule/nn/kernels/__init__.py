"""What all compiled loops share: how they are compiled, lines of the cache, threads.

======================  ======================================================================
`jit`                   how a function becomes compiled code, and where that is kept
`vectors`               whole lines of the cache in registers
`threads`               blocks of cases shared among threads
======================  ======================================================================

Importing the package itself imports none of them, and so no Numba. The loops of the layers on
images are in `chainrule.nn.images.kernels`.
"""
