"""Models become modules of PyTorch."""
