"""The battery by which the doctor is measured: illnesses that are planted, and healthy runs."""
