"""Figures of forecasts and of what inference found."""
