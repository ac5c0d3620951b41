"""What every other folder builds on: errors, limits, arrays, checks of arguments, files."""
