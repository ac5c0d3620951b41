"""The compiled engine: the arithmetic of the layers in compiled loops, a chunk a call.

==================  ========================================================================
`engine`            the engine, and which loop suits a network
`support`           fallback reasons, and from which work on compiled code is worth loading
`tables`            a network as tables of numbers, θ in the loops' memory layout
`loop`              the base class of the loops: what they are given, up to date for each chunk
`cases`             the loop over single cases
`batches`           the loop over minibatches with BLAS; `blas` makes its products
`lanes`             the loop over minibatches of small networks: each SIMD lane holds a case
`activations`       φ and φ' of a layer's units
`losses`            the losses, and δ of the last layer
`updates`           the optimisers' update rules and the penalties
==================  ========================================================================

How a function becomes compiled code, and vectors in registers: `chainrule.nn.kernels`. All files
that hold compiled code lie in this folder because its sources name the cache of that code.
"""
