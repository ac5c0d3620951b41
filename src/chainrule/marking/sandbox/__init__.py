"""Running code that nobody trusts: what it may do, how long, and what comes back."""
