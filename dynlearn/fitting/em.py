"""EM: expectation maximisation for linear Gaussian models, every M-step in closed form."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError, FitError, check_count
from dynlearn.fitting import _whole_runs
from dynlearn.fitting._method import Outcome, Session
from dynlearn.fitting._moments import initial_rows, output_rows, transition_rows
from dynlearn.fitting.result import Reason
from dynlearn.models import AbstractModel, LinearStateSpace
from dynlearn.models._linear_gaussian import chain
from dynlearn.numerics import precision
from dynlearn.numerics.kalman import run_filter, run_smoother
from dynlearn.numerics.window import Window

RIDGE = 1e-6
"""Rows of this size keep a regression on an input that never changes solvable; 1e-12 beside one sample."""


@dataclasses.dataclass(frozen=True)
class EM:
    r"""Maximum likelihood of A, B, c, C, D, Q, R of a discrete-time `LinearStateSpace`.

    E: smooth all runs with the present matrices. M: the regressions

        (A, B, c) = argmin sum_k E |x_{k+1} - A x_k - B u_k - c|^2,  Q = the mean of its residual E r r^T,
        (C, D)    = argmin sum_k E |y_k - C x_k - D u_k|^2,          R likewise,

    expectations given all measurements of a run. The likelihood never falls. Missing outputs are
    states of their own, so partly missing samples are exact, correlated noise included. Moments are
    kept as square roots (rows whose Gram matrix they are) and solved by QR: Q and R cannot become
    indefinite. Runs in float64.

    Args:
        steps: iterations at most.
        tolerance: stop when the log-likelihood per measured value rises by less in one iteration.
        initial: also fit m0 and P0, the distribution of x at the first sample of a run. Only where
            there are many runs that start alike: from one run P0 shrinks to nothing, and forecasts,
            which start in the middle of a run, would start from that one state.

    References: Shumway, Stoffer, "An approach to time series smoothing and forecasting using the EM
    algorithm", J. Time Ser. Anal. 1982; Gibson, Ninness, "Robust maximum-likelihood estimation of
    multivariable dynamic systems", Automatica 2005 (square-root form).
    """

    steps: int = 500
    tolerance: float = 1e-6
    initial: bool = False

    def __post_init__(self):
        check_count("EM: steps", self.steps, 1)
        if (
            isinstance(self.tolerance, bool)
            or not isinstance(self.tolerance, int | float)
            or not self.tolerance >= 0
        ):
            raise ArgumentError(f"EM: expected tolerance to be a number >= 0, got {self.tolerance!r}.")
        if not isinstance(self.initial, bool):
            raise ArgumentError(f"EM: expected initial to be True or False, got {self.initial!r}.")

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        _whole_runs.check("EM", model, session)
        if not isinstance(model, LinearStateSpace) or model.method != "em":
            raise ArgumentError(
                "EM: its closed form needs a discrete-time LinearStateSpace with free matrices; use "
                "method='maximum_likelihood' for continuous time, stable=True and structural models."
            )
        rows: list[dict[str, float]] = []
        reason = Reason.STEPS_DONE
        with precision.float64(), session.progress("EM", self.steps) as report:
            now, runs, count = _whole_runs.runs_of(model, session)
            if not bool((runs.valid[:, :-1] & runs.valid[:, 1:]).any()):
                raise FitError("EM: no run has two samples, so no transition was seen; give longer runs.")
            for step in range(1, self.steps + 1):
                found, likelihood = _iterate(now, runs, self.initial)
                loss = -float(likelihood) / float(count)
                if not math.isfinite(loss):
                    raise FitError(
                        f"EM: the likelihood is not finite in step {step}; give every noise a variance, look for "
                        f"values far from all others in the data, or use method='maximum_likelihood'."
                    )
                rows.append({"step": float(step), "loss": loss})
                report(step, loss=loss)
                if step > 1 and rows[-2]["loss"] - rows[-1]["loss"] < self.tolerance:
                    reason = Reason.CONVERGED
                    break
                now = found
        statistics = {"steps": len(rows), "log_likelihood": -rows[-1]["loss"] * float(count)}
        return Outcome(precision.to_default(now), rows, reason, statistics)


@eqx.filter_jit
def _iterate(model, runs: Window, initial: bool) -> tuple[LinearStateSpace, Float[Array, ""]]:
    """One E- and M-step, and the log-likelihood (in physical units) before it."""
    system, n, m = model.system, len(model.state_names), model.signature.controls

    def expected(run: Window):
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

    density, moves, outputs, starts = jax.vmap(expected)(runs)
    jacobian = jnp.where(runs.observed, jnp.log(model.scaling.output_scale), 0).sum()

    moved = (runs.valid[:, :-1] & runs.valid[:, 1:]).sum()
    W, chol_Q = regression(_flat(moves), n + m + 1, moved)
    seen = runs.observed.any(-1).sum()
    V, chol_R = regression(_flat(outputs), n + (m if model.feedthrough else 0), seen)
    changed = [W[:n].T, W[n:-1].T, W[-1], V[:n].T, chol_Q, chol_R]
    new = eqx.tree_at(lambda s: (s.A_of.matrix, s.B, s.c, s.C, s.Q.raw, s.R.raw), system, changed)
    if model.feedthrough:
        new = eqx.tree_at(lambda s: s.D, new, V[n:].T)
    if initial:
        mean, chol_P0 = regression(_flat(starts), 1, runs.valid.shape[0])
        new = eqx.tree_at(lambda s: (s.start.mean, s.start.chol), new, (mean[0], chol_P0))
    return eqx.tree_at(lambda m: m.system, model, new), density.sum() - jacobian


def regression(rows: Float[Array, "row regressor+target"], k: int, count) -> tuple[Array, Array]:
    """argmin_W sum |target - regressors W|^2 over rows [regressors, target], and a factor of the mean residual square.

    With Z = Q [[S, T], [0, U]], S of size k: W = S^{-1} T and the residuals' Gram matrix is U^T U.
    """
    ridge = RIDGE * jnp.eye(k, rows.shape[1], dtype=rows.dtype)
    triangle = jnp.linalg.qr(jnp.concatenate([rows, ridge]), mode="r")
    W = jax.scipy.linalg.solve_triangular(triangle[:k, :k], triangle[:k, k:])
    return W, triangle[k:, k:].T / jnp.sqrt(jnp.maximum(count, 1))


def _flat(rows: Float[Array, "run time row column"]) -> Float[Array, "row column"]:
    return rows.reshape(-1, rows.shape[-1])
