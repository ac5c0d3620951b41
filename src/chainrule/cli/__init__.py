"""The command line: one command a file, each a thin interface to the library."""
