"""Encoders: from a window of the past to a state."""
