"""One forward and backward pass worked out as on a blackboard: rules, numbers, results."""
