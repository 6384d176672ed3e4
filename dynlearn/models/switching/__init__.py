"""Linear regimes, and what makes them change."""
