"""Figures of models and fits."""
