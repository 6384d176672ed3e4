"""Linear Gaussian state-space models, and structural ones made of pieces."""
