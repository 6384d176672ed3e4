"""Figures of what `dl.analysis` finds in a fitted model."""
