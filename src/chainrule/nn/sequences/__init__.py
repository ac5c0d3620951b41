"""Sequences of steps: padding, recurrence and its derivatives through time, losses over steps."""
