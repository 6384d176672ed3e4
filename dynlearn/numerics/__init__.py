"""Numerics: triangular factors, discretisation, distributions, keys, precision. They know no model and no xarray."""
