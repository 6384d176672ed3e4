"""Koopman models: linear dynamics in lifted coordinates."""
