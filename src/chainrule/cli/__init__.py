"""The command line: one command a file, each a thin door onto the library."""
