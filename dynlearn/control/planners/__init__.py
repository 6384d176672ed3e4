"""Planners: they see a transition and a cost, and nothing else."""
