"""The compiled engine: the layers' arithmetic in compiled loops, called once per chunk.

==================  ========================================================================
`engine`            the engine, and the choice of the loop for a network
`support`           fallback reasons, and how much work makes loading compiled code worthwhile
`tables`            a network as arrays of numbers, and θ in the loops' memory layout
`loop`              the base class of the loops, which updates their arguments for each chunk
`cases`             the loop over single cases
`batches`           the loop over minibatches with BLAS; `blas` calls gemm
`lanes`             the loop over minibatches of small networks: each SIMD lane holds a case
`activations`       φ and φ' of a layer's units
`losses`            the losses, and δ of the last layer
`updates`           the optimisers' update rules and the penalties
==================  ========================================================================

How functions are compiled, and SIMD vectors: `chainrule.nn.kernels`. All of the engine's compiled
code lies in this folder because the compile cache is named by a hash of the folder's sources.
"""
