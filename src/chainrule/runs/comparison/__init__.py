"""The same training by our engine and by other libraries, each in a process of its own."""
