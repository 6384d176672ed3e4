"""Reinforcement learning: models as environments, and environments whose truth is known."""

from dynlearn.rl.environment import ModelEnv
from dynlearn.rl.pendulum import PendulumCost, PendulumTruth

__all__ = ["ModelEnv", "PendulumCost", "PendulumTruth"]
