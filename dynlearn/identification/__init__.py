"""Identification of linear systems in closed form. It knows no model and no xarray."""
