"""The same homework program three times."""
