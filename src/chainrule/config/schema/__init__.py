"""What a configuration may say: a model for each part of it."""
