"""Comparison of one training by our engine and by other libraries, each in its own process."""
