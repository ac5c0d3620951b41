"""Compiled loops: what the engines and the layers on images have in common, and these layers' own.

==============  ==============================================================================
`jit`           how a function becomes compiled code, and where that is kept
`vectors`       whole lines of the cache in registers
==============  ==============================================================================
"""
