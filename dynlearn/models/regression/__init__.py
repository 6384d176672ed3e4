"""Regressions on delayed outputs and controls."""
