"""Figures of plans and closed loops."""
