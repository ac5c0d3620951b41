"""Layers on images, and the windows from which they compute their outputs.

==========================  ==================================================================
`geometry`                  sizes, strides and paddings; the number of places of a window
`im2col`                    an image's values window by window, and windows summed to an image
`filtered`                  the base of layers with filters
`conv2d`                    filters shared by all places
`locally_connected2d`       filters of its own at each place
`pooled`                    the maximum and the mean of each window
`kernels`                   the same computations in compiled loops
==========================  ==================================================================

A layer's file holds its computation in NumPy, its Jacobians and the layer itself. The NumPy code
accepts any numeric type, also complex; the tests compare it with the compiled loops. A Jacobian
treats each case as a row of numbers: (channels, height, width) flattened for a layer's input, and
(filters, down, across) for its output. Explicit matrices are built as `chainrule.nn.jacobians`
says; ``vjp`` and ``jvp`` do not build them.
"""
