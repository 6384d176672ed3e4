"""A first guess of a linear state-space model: principal components of delayed outputs, and two regressions."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from dynlearn.contract.scaling import Scaling
from dynlearn.errors import FitError
from dynlearn.identification.ridge import Regression
from dynlearn.trajectories.window import Window

RIDGE = 1e-4
FLOOR = 0.1
"""Standard deviation of every noise a fit starts from, at least: EM hardly leaves a noise near zero."""
LARGEST = 0.999
"""Modulus of an eigenvalue a fit starts from, at most."""

Groups = Sequence[tuple[np.ndarray, Window]]
"""Runs of similar length in a window each, beside their places in the data."""


def first_guess(groups: Groups, scaling: Scaling, states: int, *, feedthrough: bool) -> dict[str, np.ndarray]:
    """A, B, c, C, D, Q, R in scaled units, the state of unit variance; missing outputs are interpolated.

    Only a start: the fit that follows takes the data as they are.
    """
    delays = math.ceil(states / groups[0][1].output.shape[-1])
    each = [_lagged(which, runs, scaling, delays) for which, runs in groups]
    parts = [np.concatenate(found) for found in zip(*each, strict=True)]
    order = np.argsort(parts[0], kind="stable")
    run, time, lagged, y, u = (part[order] for part in parts)
    follows = (run[1:] == run[:-1]) & (time[1:] == time[:-1] + 1)
    if len(lagged) < 2 or not follows.any():
        raise FitError(
            f"LinearStateSpace: no run has {delays + 2} samples, which a start with states={states} needs; "
            f"use fewer states or longer runs."
        )
    mean = lagged.mean(0)
    _, s, vt = np.linalg.svd(lagged - mean, full_matrices=False)
    scale = np.maximum(s / math.sqrt(len(lagged)), 1e-3)
    x = np.zeros((len(lagged), states))
    rank = min(states, len(s))
    x[:, :rank] = ((lagged - mean) @ vt[:rank].T) / scale[:rank]

    here, now, there = x[:-1][follows], u[:-1][follows], x[1:][follows]
    W = Regression(np.concatenate([here, now], axis=1), there).solve(RIDGE)
    A, B, c = W[:states].T, W[states:-1].T, W[-1]
    A = A * min(1.0, LARGEST / max(np.abs(np.linalg.eigvals(A)).max(), 1e-12))
    seen = np.concatenate([x, u], axis=1) if feedthrough else x
    V = Regression(seen, y).solve(RIDGE)
    noise = y - seen @ V[:-1] - V[-1]
    return {
        "A": A,
        "B": B,
        "c": c,
        "C": V[:states].T,
        "D": V[states:-1].T if feedthrough else np.zeros((y.shape[-1], u.shape[-1])),
        "Q": _covariance(there - here @ W[:states] - now @ W[states:-1] - c, FLOOR),
        "R": _covariance(noise, FLOOR),
    }


def _covariance(residual: Float[np.ndarray, "sample n"], floor: float) -> Float[np.ndarray, "n n"]:
    return residual.T @ residual / max(len(residual), 1) + floor**2 * np.eye(residual.shape[1])


def interpolated(
    y: Float[np.ndarray, "run time output"], observed: Bool[np.ndarray, "run time output"]
) -> Float[np.ndarray, "run time output"]:
    """Linear between measured values, constant outside them, 0 (the mean) where an output has none."""
    index, filled = np.arange(y.shape[1]), np.zeros(y.shape)
    for run, j in np.ndindex(y.shape[0], y.shape[2]):
        at = observed[run, :, j]
        if at.any():
            filled[run, :, j] = np.interp(index, index[at], y[run, at, j])
    return filled


def _lagged(which: np.ndarray, runs: Window, scaling: Scaling, delays: int) -> tuple[np.ndarray, ...]:
    """Run and time of every sample with so many before it, [y_k, .., y_{k-delays}], y_k and u_k."""
    own = scaling.on_host()
    y = interpolated(own.output(runs.output), np.asarray(runs.observed))
    u, valid = own.control(runs.control), np.asarray(runs.valid)
    run, time = np.nonzero(valid & (np.arange(y.shape[1]) >= delays))
    stacked = np.concatenate([y[run, time - j] for j in range(delays + 1)], axis=1)
    return which[run], time, stacked, y[run, time], u[run, time]
