"""Checkpoints: enough of a fit in a file to go on, and by what a fit is known again."""
