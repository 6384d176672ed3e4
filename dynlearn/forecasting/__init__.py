"""Forecasting: a fitted model run into the future, or beside a record."""

from dynlearn.forecasting.forecast import forecast
from dynlearn.forecasting.simulate import simulate

__all__ = ["forecast", "simulate"]
