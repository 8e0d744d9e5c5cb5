"""Use cases that take objects: what the fronts share."""
