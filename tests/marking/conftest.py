"""The hostile submissions are data: nothing imports them outside the sandbox."""

collect_ignore = ["hostile"]
