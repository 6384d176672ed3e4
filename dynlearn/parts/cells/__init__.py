"""Cells of recurrent models: the piecewise-linear map from one latent state to the next, one form a file."""
