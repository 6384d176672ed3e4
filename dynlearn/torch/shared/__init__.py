"""What the ways through the door share: arrays, weights, and what of a model is not an array."""
