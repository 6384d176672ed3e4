"""Liftings: coordinates in which dynamics become linear."""
