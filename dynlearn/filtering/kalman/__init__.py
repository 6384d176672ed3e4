"""Exact inference in linear Gaussian chains, in square-root form."""
