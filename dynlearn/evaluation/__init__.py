"""Evaluation: forecasts scored on held-out data, never without the baselines."""

from dynlearn.evaluation import reconstruction
from dynlearn.evaluation.baselines import Baselines, fit_baselines
from dynlearn.evaluation.evaluate import compare, evaluate
from dynlearn.evaluation.reconstruction import reconstruction_scores
from dynlearn.evaluation.scores import DEFINITIONS
from dynlearn.evaluation.summary import rich_table, show, summary

__all__ = [
    "DEFINITIONS",
    "Baselines",
    "compare",
    "evaluate",
    "fit_baselines",
    "reconstruction",
    "reconstruction_scores",
    "rich_table",
    "show",
    "summary",
]
