"""Controllers: from what was observed to the next control."""
