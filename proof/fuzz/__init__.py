"""Fuzzers of the readers of strangers' files: a target each, built on atheris."""
