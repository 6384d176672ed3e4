"""Objectives: what a gradient fit minimises, one file each, and the table of their names."""
