"""The engine in compiled loops: the arithmetic of the layers, a stretch of minibatches a call.

==================  ========================================================================
`plan`              which networks are covered; a network as tables of numbers
`packing`           θ as the loops want it: padded rows, turned where that is faster
`exponentials`      eˣ for x ≤ 0 by a polynomial
`activations`       φ and φ' of a layer's units
`outputs`           the loss of a case, and δ of the last layer
`updates`           the optimisers' rules, a row of weights at a time
`cases`             the loop over single cases
`blas`              matrix products within compiled code
`batches`           the loop over minibatches; `blocks`, `batch_updates`
`program`           what either is given, up to date for each stretch; `one_case`, `many_cases`
`engine`            the engine itself
`choice`            where compiled code is worth its start
==================  ========================================================================

How a function becomes compiled code, and lines of the cache in registers: `chainrule.nn.kernels`.
Nothing imports Numba before an engine is made that will run compiled code.
"""
