"""Figures anybody can reproduce: that gradients, numbers, files and runs can be trusted."""
