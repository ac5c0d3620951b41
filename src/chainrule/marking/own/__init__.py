"""A student alone: what is in a file of code, and whether each gradient in it is right."""
