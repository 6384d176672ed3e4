"""Models trained once on many systems, which forecast a new one from its context alone."""
