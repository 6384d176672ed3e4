"""Families trained in PyTorch itself."""
