"""Runs: from a configuration to a folder of results, how it goes on, sweeps and comparisons."""
