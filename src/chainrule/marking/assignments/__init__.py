"""An exercise: its file, what is wrong with it, what it would notice, and how one is begun."""
