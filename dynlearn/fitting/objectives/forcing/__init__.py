"""Teacher forcing: objectives that put data in the place of what the model said before."""
