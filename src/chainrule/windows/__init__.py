"""Windows that walk over images: where they stand, and what is computed of what is under them.

==============  ==============================================================================
`geometry`      sizes, strides and paddings; which outputs fit into which images
`sliding`       what is under the windows, and sums put back there
`convolution`   filters shared by all places: convolution and its two gradients
`local`         filters of each place's own
`pooling`       the largest number and the mean of each window
==============  ==============================================================================

All of it is NumPy, for numbers of any kind, complex ones included. `chainrule.loops` has the
same in compiled loops; the tests compare the two.
"""
