"""Checks at the border of a model: its numbers, its clock, its controls, and what was measured."""
