"""Models of a latent process in continuous time, measured at any instants."""
