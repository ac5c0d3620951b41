"""Layers on images, and the windows that walk over images.

==========================  ==================================================================
`filtered`                  what the layers with filters share; `conv2d`, `locally_connected2d`
`pooled`                    the layers that pool
`geometry`                  sizes, strides and paddings; which outputs fit into which images
`sliding`                   what is under the windows, and sums put back there
`convolution_numpy`         filters shared by all places: convolution and its two gradients
`local_numpy`               filters of each place's own
`pooling_numpy`             the largest number and the mean of each window
`filter_jacobians`          what the Jacobians share; `convolution_jacobians`, `local_jacobians`
`pooling_jacobians`         the Jacobians of pooling
`kernels`                   the same computations in compiled loops
==========================  ==================================================================

The modules in NumPy take numbers of any kind, complex ones included; the tests compare them with
the compiled loops. To a Jacobian each case is a row of numbers before and behind: a row stands for
(channels, height, width), or (filters, down, across) behind a layer. Explicit matrices are built
as `chainrule.nn.jacobians` says; ``vjp`` and ``jvp`` go through the windows.
"""
