"""The engine in compiled loops: the arithmetic of the layers, a chunk of minibatches a call.

==================  ========================================================================
`plan`              a network as tables of numbers, and θ as the loops want it
`exponentials`      eˣ for x ≤ 0 by a polynomial
`activations`       φ and φ' of a layer's units
`outputs`           the loss of a case, and δ of the last layer
`updates`           the optimisers' rules, a row of weights at a time
`cases`             the loop over single cases, and the program that runs it
`lanes`             minibatches of networks of few units: each lane of a register a case
`blas`              matrix products within compiled code
`batches`           the loop over minibatches; `batch_updates`, `many_cases`
`program`           what either is given, up to date for each chunk
`engine`            the engine itself, and which program suits a network
`support`           which networks are not covered, and where compiled code is worth its start
==================  ========================================================================

How a function becomes compiled code, and lines of the cache in registers: `chainrule.nn.kernels`.
Nothing imports Numba before an engine is made that will run compiled code.
"""
