"""Data: sets of cases, where they come from, and how they are divided and scaled."""
