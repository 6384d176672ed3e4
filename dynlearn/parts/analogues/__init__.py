"""What a context says of a point: where the run went from places like it."""
