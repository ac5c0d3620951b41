"""One homework program in chainrule, in NumPy and in PyTorch."""
