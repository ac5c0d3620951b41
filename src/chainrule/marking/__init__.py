"""Marking: a student's code is run in a sandbox, judged by its numbers, and its bug is named."""
