"""The border to Gymnasium: what is let in as an environment, and what passes in and out, checked and copied."""

from dynlearn.trajectories.environments.episode import Episode, keeping, recorded
from dynlearn.trajectories.environments.interval import stated_interval
from dynlearn.trajectories.environments.opened import opened
from dynlearn.trajectories.environments.policy import Policy, Random, as_policy
from dynlearn.trajectories.environments.spaces import check_actions, check_observations
from dynlearn.trajectories.environments.world import Transition, World

__all__ = [
    "Episode",
    "Policy",
    "Random",
    "Transition",
    "World",
    "as_policy",
    "check_actions",
    "check_observations",
    "keeping",
    "opened",
    "recorded",
    "stated_interval",
]
