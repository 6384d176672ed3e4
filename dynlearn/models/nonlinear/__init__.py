"""State-space models with any transition and any observation."""
