"""The engine of PyTorch: a network as modules, its functions and its optimisers."""
