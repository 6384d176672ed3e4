"""Baselines: what every learned model has to beat."""
