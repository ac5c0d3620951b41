"""Published data sets, by their names or from a folder of their files."""
