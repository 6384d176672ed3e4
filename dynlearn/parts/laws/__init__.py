"""Laws of the outputs."""
