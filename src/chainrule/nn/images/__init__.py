"""Layers on images, and the windows that they look through.

==========================  ==================================================================
`geometry`                  sizes, strides and paddings; which outputs fit into which images
`im2col`                    the numbers under the windows, and sums over windows as an image
`filtered`                  what layers of filters share
`conv2d`                    filters shared by all places
`locally_connected2d`       filters of each place's own
`pooled`                    the largest number and the mean of each window
`kernels`                   the same computations in compiled loops
==========================  ==================================================================

A layer's file holds its computation in NumPy, its Jacobians and the layer itself. NumPy takes
numbers of any kind, complex ones included; the tests compare it with the compiled loops.
To a Jacobian each case is a row of numbers: it stands for (channels, height, width) before a
layer, and for (filters, down, across) behind it. Explicit matrices are built as
`chainrule.nn.jacobians` says; ``vjp`` and ``jvp`` go through the windows.
"""
