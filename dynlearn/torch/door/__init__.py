"""Modules of PyTorch become programs of JAX."""
