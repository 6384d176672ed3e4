"""Transitions of state-space models: the mean of the next state and the noise around it."""
