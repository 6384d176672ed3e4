"""Reports: results as one self-contained HTML page."""

from dynlearn.report.environment import environment
from dynlearn.report.report import Report

__all__ = ["Report", "environment"]
