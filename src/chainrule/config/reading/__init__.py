"""Configurations as text: the readers, the writer, overrides, and where each value stood."""
