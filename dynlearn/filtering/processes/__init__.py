"""Processes: one run of a state-space model as the methods see it."""
