"""Numerics: device windows, distributions, keys. They know no model and no xarray."""
