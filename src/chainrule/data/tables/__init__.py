"""Tables: named columns as they were read, and what they become as inputs and targets."""
