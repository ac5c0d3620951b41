"""Configurations: two ways to write one, one schema, errors with line and column."""

from chainrule.config.load import Config, load_config

__all__ = ["Config", "load_config"]
