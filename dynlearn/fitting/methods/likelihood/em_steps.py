"""The steps of EM for linear Gaussian systems: expected squares of all runs, and what is fitted to them."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from dynlearn.contract.linear_gaussian import chain
from dynlearn.errors import FitError
from dynlearn.filtering.kalman.recursions import run_filter, run_smoother
from dynlearn.fitting.checkpoint.checkpoint import Checkpoint, Progress
from dynlearn.fitting.methods.likelihood._moments import initial_rows, output_rows, transition_rows
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Report
from dynlearn.models.linear.linear_state_space import LinearStateSpace
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories.window import Window

RIDGE = 1e-6
"""Rows of this size keep a regression on an input that never changes solvable; 1e-12 beside one sample."""


class Expected(NamedTuple):
    """What the M-step regresses, as rows whose Gram matrices are the expected squares given all data."""

    log_likelihood: Float[Array, ""]
    moves: Float[Array, "_ _"]
    """[x_k, u_k, 1, x_{k+1}]."""
    outputs: Float[Array, "_ _"]
    """[x_k, (u_k,) y_k]."""
    starts: Float[Array, "_ _"]
    """[1, x_0]."""
    moved: Int[Array, ""]
    """Transitions."""
    seen: Int[Array, ""]
    """Samples at which anything was measured."""


def expected(model: LinearStateSpace, groups: Sequence[Window]) -> Expected:
    """The E-step over all runs; the log-likelihood is that of outputs in physical units."""
    each = [_expected(model, runs) for runs in groups]
    if len(each) == 1:
        return each[0]
    together = jax.tree.map(lambda *parts: jnp.concatenate([jnp.atleast_1d(p) for p in parts]), *each)
    summed = {name: getattr(together, name).sum() for name in ("log_likelihood", "moved", "seen")}
    return together._replace(**summed)


def _expected(model: LinearStateSpace, runs: Window) -> Expected:

    def one(run: Window):
        rows = chain(model, run)
        found = run_filter(rows)
        back = run_smoother(rows, found)
        u = jnp.where(run.valid[:, None], model.scaling.control(run.control), 0)
        return (
            found.log_density.sum(),
            transition_rows(back, u, run.valid),
            output_rows(rows, back, u, run, feedthrough=model.feedthrough),
            initial_rows(back, run.valid),
        )

    density, *rows = jax.vmap(one)(runs)
    jacobian = jnp.where(runs.observed, jnp.log(model.scaling.output_scale), 0).sum()
    moves, outputs, starts = (leaf.reshape(-1, leaf.shape[-1]) for leaf in rows)
    moved = (runs.valid[:, :-1] & runs.valid[:, 1:]).sum()
    seen = runs.observed.any(-1).sum()
    return Expected(density.sum() - jacobian, moves, outputs, starts, moved, seen)


@compiled
def iterate(
    model: LinearStateSpace, runs: tuple[Window, ...], initial: bool
) -> tuple[LinearStateSpace, Float[Array, ""]]:
    """One E- and M-step, and the log-likelihood before it."""
    system, n, m = model.system, len(model.state_names), model.signature.controls
    now = expected(model, runs)
    W, chol_Q = regression(now.moves, n + m + 1, now.moved)
    V, chol_R = regression(now.outputs, n + (m if model.feedthrough else 0), now.seen)
    changed = [W[:n].T, W[n:-1].T, W[-1], V[:n].T, chol_Q, chol_R]
    new = eqx.tree_at(lambda s: (s.A_of.matrix, s.B, s.c, s.C, s.Q.raw, s.R.raw), system, changed)
    if model.feedthrough:
        new = eqx.tree_at(lambda s: s.D, new, V[n:].T)
    if initial:
        count = sum((group.valid.any(-1).sum() for group in runs), jnp.zeros((), int))
        mean, chol_P0 = regression(now.starts, 1, count)
        new = eqx.tree_at(lambda s: (s.start.mean, s.start.chol), new, (mean[0], chol_P0))
    return eqx.tree_at(lambda m: m.system, model, new), now.log_likelihood


@compiled
def iterate_noises(
    model: LinearStateSpace, runs: tuple[Window, ...]
) -> tuple[LinearStateSpace, Float[Array, ""]]:
    """The same where A, B, C and D are to stay: of c, Q and R alone."""
    system: Any = model.system  # a MatrixSystem
    A, B, C = system.A_of(), system.B, system.C
    n, m = len(model.state_names), model.signature.controls
    now = expected(model, runs)
    left = now.moves[:, n + m + 1 :] - now.moves[:, :n] @ A.T - now.moves[:, n : n + m] @ B.T
    c, chol_Q = regression(jnp.concatenate([now.moves[:, n + m, None], left], axis=1), 1, now.moved)
    through = jnp.concatenate([C, system.D], axis=1) if model.feedthrough else C
    k = through.shape[1]
    residual = now.outputs[:, k:] - now.outputs[:, :k] @ through.T
    _, chol_R = regression(residual, 0, now.seen)
    changed = [c[0], chol_Q, chol_R]
    new = eqx.tree_at(lambda s: (s.c, s.Q.raw, s.R.raw), system, changed)
    return eqx.tree_at(lambda m: m.system, model, new), now.log_likelihood


Step = Callable[[Any], tuple[Any, Float[Array, ""]]]
"""From a model to the next one, and the log-likelihood of the former."""


class Limits(Protocol):
    """When an ascent ends: both are settings of the methods that climb."""

    @property
    def steps(self) -> int: ...

    @property
    def tolerance(self) -> float: ...


def ascended(
    method: str, step: Step, start: Any, count: float, limits: Limits, report: Report, checkpoint: Checkpoint
) -> tuple[Any, list[dict[str, float]], bool]:
    """The model at the end, one row per step, and whether the likelihood per measured value had stopped rising."""
    found = checkpoint.load(start, limits.steps) or Progress(start, 0, [], None)
    now, rows = found.training, found.rows
    if found.reason is not None:
        return now, rows, found.reason is Reason.CONVERGED
    for number in range(found.step + 1, limits.steps + 1):
        after, likelihood = step(now)
        loss = -float(likelihood) / count
        if not math.isfinite(loss):
            raise FitError(
                f"{method}: the likelihood is not finite in step {number}; give every noise a variance, look for "
                f"values far from all others in the data, or use method='maximum_likelihood'."
            )
        rows.append({"step": float(number), "loss": loss})
        report(number, loss=loss)
        converged = number > 1 and rows[-2]["loss"] - loss < limits.tolerance
        now = now if converged else after
        ended = Reason.STEPS_DONE if number == limits.steps else None
        progress = Progress(now, number, rows, Reason.CONVERGED if converged else ended)
        checkpoint.save(progress, every_time=False)
        if converged:
            return now, rows, True
    return now, rows, False


def regression(rows: Float[Array, "row column"], k: int, count) -> tuple[Array, Array]:
    """argmin_W sum |target - regressors W|^2 over rows [regressors, target], and a factor of the mean residual square.

    With Z = Q [[S, T], [0, U]], S of size k: W = S^{-1} T and the residuals' Gram matrix is U^T U.
    """
    ridge = RIDGE * jnp.eye(k, rows.shape[1], dtype=rows.dtype)
    triangle = jnp.linalg.qr(jnp.concatenate([rows, ridge]), mode="r")
    W = jax.scipy.linalg.solve_triangular(triangle[:k, :k], triangle[:k, k:])
    return W, triangle[k:, k:].T / jnp.sqrt(jnp.maximum(count, 1))
