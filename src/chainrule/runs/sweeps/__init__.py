"""Searching a configuration's settings: what varies, the trials, their processes and files."""
