"""What the families are built of, in PyTorch: the same weights give the same numbers as `dynlearn.parts`."""
