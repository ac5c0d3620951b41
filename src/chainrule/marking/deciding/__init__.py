"""From a submission's numbers to what is wrong with it, and how that is said."""
