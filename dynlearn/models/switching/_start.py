"""A first guess of a switching linear model: regressions on delayed outputs that take turns."""

import math

import jax.numpy as jnp
import numpy as np

from dynlearn.contract.scaling import Scaling
from dynlearn.errors import FitError
from dynlearn.identification.mixture import Rows, mixtures
from dynlearn.models.linear.build import factor
from dynlearn.models.linear.start import interpolated
from dynlearn.models.switching.system import Start, SwitchingSystem, switch_of
from dynlearn.trajectories.window import Window

FLOOR = 0.1
"""Standard deviation of every noise a fit starts from, at least: EM hardly leaves a noise near zero."""


def first_guesses(
    runs: Window,
    scaling: Scaling,
    states: int,
    regimes: int,
    rng: np.random.Generator,
    *,
    shared: bool,
    reads_state: bool,
    keep: int = 1,
) -> list[SwitchingSystem]:
    """At most `keep`, best first; in scaled units, the state made of principal components of delayed outputs.

    Which regime holds when is that of the likeliest mixtures of regressions of the next outputs on the delayed
    ones. Gaps are interpolated: only a start, the fit that follows takes the data as they are.
    """
    y = interpolated(np.asarray(scaling.output(runs.output), float), np.asarray(runs.observed))
    u, valid = np.asarray(scaling.control(runs.control), float), np.asarray(runs.valid)
    # Outputs that show a part of the state are predicted from more of them than the state has entries.
    delays = 2 * math.ceil(states / y.shape[-1])
    inside = valid[:, delays:-1] & valid[:, delays + 1 :]
    need = (states + u.shape[-1] + 1) * regimes
    if inside.size == 0 or inside.sum() < need:
        raise FitError(
            f"SwitchingLinear: {int(inside.sum())} transitions with {delays} samples before them are fewer than the "
            f"{need} that states={states}, regimes={regimes} need to start from; use fewer of them or longer runs."
        )
    length = y.shape[1] - delays
    lagged = np.concatenate([y[:, delays - j : delays - j + length] for j in range(delays + 1)], axis=-1)
    u, y, valid = u[:, delays:], y[:, delays:], valid[:, delays:]
    u = np.where(valid[..., None], u, 0)
    ones = np.ones((*valid.shape, 1))
    rows = Rows(
        jnp.asarray(np.concatenate([lagged, u, ones], axis=-1)[:, :-1]),
        jnp.asarray(y[:, 1:]),
        jnp.asarray(inside),
    )
    few = y.shape[-1] * (math.ceil(states / y.shape[-1]) + 1)
    x = _components(lagged[..., :few], valid, states)

    def system(w: np.ndarray, log_move: np.ndarray) -> SwitchingSystem:
        here = np.concatenate([x, u, ones], axis=-1)[:, :-1]
        steps = [_regression(here, x[:, 1:], w[..., j]) for j in range(regimes)]
        seen = np.concatenate([x, ones], axis=-1)
        each = np.concatenate([w[:, :1], w], axis=1) * valid[..., None]
        shares = [each.sum(-1)] if shared else list(np.moveaxis(each, -1, 0))
        views = [_regression(seen, y, share) for share in shares]
        W, V = np.stack([W.T for W, _ in steps]), np.stack([V.T for V, _ in views])
        return SwitchingSystem(
            A=jnp.asarray(W[:, :, :states]),
            B=jnp.asarray(W[:, :, states:-1]),
            c=jnp.asarray(W[:, :, -1]),
            Q=jnp.asarray(np.stack([Q for _, Q in steps])),
            C=jnp.asarray(V[:, :, :-1]),
            d=jnp.asarray(V[:, :, -1]),
            R=jnp.asarray(np.stack([R for _, R in views])),
            switch=switch_of(log_move, np.zeros((regimes, states)) if reads_state else None),
            start=Start.wide(states, regimes),
            fitted=False,
        )

    found = mixtures(rows, regimes, rng, keep=keep)
    return [system(np.asarray(one.weight), np.asarray(one.laws.log_move)) for one in found]


def _components(lagged: np.ndarray, valid: np.ndarray, states: int) -> np.ndarray:
    """The leading principal components, of unit variance."""
    rows = lagged[valid]
    mean = rows.mean(0)
    _, s, vt = np.linalg.svd(rows - mean, full_matrices=False)
    scale = np.maximum(s / math.sqrt(len(rows)), 1e-3)
    return np.where(valid[..., None], (lagged - mean) @ vt[:states].T / scale[:states], 0)


def _regression(Phi: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares, and a factor of the residual's covariance."""
    w = weight.reshape(-1)
    X, Y = Phi.reshape(-1, Phi.shape[-1]), target.reshape(-1, target.shape[-1])
    W = np.linalg.solve(X.T @ (w[:, None] * X) + 1e-4 * np.eye(X.shape[1]), X.T @ (w[:, None] * Y))
    residual = Y - X @ W
    square = residual.T @ (w[:, None] * residual) / max(w.sum(), 1.0)
    return W, factor(square + FLOOR**2 * np.eye(Y.shape[1]))
