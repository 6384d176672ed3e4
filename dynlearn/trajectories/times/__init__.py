"""Times in every spelling, and the instants that come of them."""
