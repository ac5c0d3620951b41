"""The inspector: a page that steps through a real pass of a network."""
