"""Search over settings of a configuration: what varies, the trials, their processes and files."""
