"""Models that see a whole window in one parallel pass."""
