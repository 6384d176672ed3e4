"""Recurrent models: piecewise-linear maps of a latent state, trained by teacher forcing."""
