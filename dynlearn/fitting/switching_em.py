"""SwitchingEM: approximate expectation maximisation for switching linear models."""

import dataclasses
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError, check_count
from dynlearn.fitting import _whole_runs
from dynlearn.fitting._method import Outcome, Session
from dynlearn.fitting._switching_moments import Expected, expected
from dynlearn.fitting._switching_odds import fitted_switch
from dynlearn.fitting.em import regression
from dynlearn.fitting.result import Reason
from dynlearn.models import AbstractModel
from dynlearn.models.switching_linear import SwitchingLinear
from dynlearn.numerics import precision
from dynlearn.numerics.window import Window

FLOOR = 0.02
"""Standard deviation, in scaled units, of the one residual that the prior of every noise has seen."""


@dataclasses.dataclass(frozen=True)
class SwitchingEM:
    r"""All matrices and the switching of a `SwitchingLinear`, in closed form from what the smoother expects.

    E: smooth all runs with the present parameters, p(z_k = i, z_{k+1} = j | y) = w_kij. M:

        (A_j, B_j, c_j) = argmin sum_ki w_kij E |x_{k+1} - A_j x_k - B_j u_k - c_j|^2,    Q_j = its mean residual,
        (C, d)          = argmin sum_kj w_kj E |y_k - C x_k - d|^2,                       R likewise,
        (L, W)          = argmax sum_kij w_kij log softmax_j(L_ij + W_j E x_k), by Newton steps.

    Missing entries of y_k are further unknowns. The smoother is an approximation (`Collapsed`), so the
    likelihood may fall; the best parameters met are kept. Rare regimes are held by weak priors: one residual
    of `FLOOR` per noise, and `sticky` transitions of each regime to itself. Runs in float64.

    Args:
        steps: iterations at most.
        tolerance: stop when the log-likelihood per measured value has not risen by more in `patience` iterations.
        patience: iterations to wait for that.
        sticky: transitions to itself that the prior has seen of each regime, beside 0.1 to each other one.

    References: Murphy, "Switching Kalman filters", 1998; Kim, "Dynamic linear models with Markov-switching",
    J. Econometrics 1994; Fox, Sudderth, Jordan, Willsky, "Bayesian nonparametric inference of switching dynamic
    linear models", IEEE TSP 2011 (sticky regimes).
    """

    steps: int = 100
    tolerance: float = 1e-5
    patience: int = 5
    sticky: float = 5.0

    def __post_init__(self):
        check_count("SwitchingEM: steps", self.steps, 1)
        check_count("SwitchingEM: patience", self.patience, 1)
        for name in ("tolerance", "sticky"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ArgumentError(f"SwitchingEM: expected {name} to be a number >= 0, got {value!r}.")

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        if not isinstance(model, SwitchingLinear):
            raise ArgumentError(
                f"SwitchingEM: expected a SwitchingLinear, got {type(model).__name__}; leave method out for its own."
            )
        _whole_runs.check("SwitchingEM", model, session)
        rows: list[dict[str, float]] = []
        reason = Reason.STEPS_DONE
        with precision.float64(), session.progress("SwitchingEM", self.steps) as report:
            now, runs, count = _whole_runs.runs_of(model, session)
            best, lowest, since = now, math.inf, 0
            for step in range(1, self.steps + 1):
                new, likelihood = _iterate(now, runs, self.sticky)
                loss = -float(likelihood) / float(count)
                rows.append({"step": float(step), "loss": loss})
                report(step, loss=loss)
                if not math.isfinite(loss):
                    reason = Reason.DIVERGED if step == 1 else Reason.CONVERGED
                    break
                since = 0 if loss < lowest - self.tolerance else since + 1
                if loss < lowest:
                    best, lowest = now, loss
                if since >= self.patience:
                    reason = Reason.CONVERGED
                    break
                now = new
        statistics = {"steps": len(rows), "log_likelihood": -lowest * float(count)}
        return Outcome(precision.to_default(best), rows, reason, statistics)


@eqx.filter_jit
def _iterate(model: Any, runs: Window, sticky: float) -> tuple[SwitchingLinear, Float[Array, ""]]:
    """One E- and M-step, and the log-likelihood (in physical units) before it."""
    each = jax.vmap(lambda run: expected(model, run))(runs)
    jacobian = jnp.where(runs.observed, jnp.log(model.scaling.output_scale), 0).sum()
    laws = _laws(model, each)
    system = dataclasses.replace(
        model.system,
        A=laws.A,
        B=laws.B,
        c=laws.c,
        Q=laws.Q,
        C=laws.C,
        d=laws.d,
        R=laws.R,
        switch=fitted_switch(model.system.switch, each.weight, each.x, sticky),
    )
    return eqx.tree_at(lambda m: m.system, model, system), each.log_density.sum() - jacobian


class _Laws(NamedTuple):
    A: Array
    B: Array
    c: Array
    Q: Array
    C: Array
    d: Array
    R: Array


def _laws(model: SwitchingLinear, each: Expected) -> _Laws:
    n, m = model.system.states, model.signature.controls

    def one(rows: Array, regressors: int, count: Array) -> tuple[Array, Array]:
        rows = rows.reshape(-1, rows.shape[-1])
        prior = FLOOR * jnp.eye(rows.shape[-1], dtype=rows.dtype)[regressors:]
        return regression(jnp.concatenate([rows, prior]), regressors, count + 1)

    moved = jnp.moveaxis(each.moves, 2, 0)
    W, Q = jax.vmap(lambda r, c: one(r, n + m + 1, c))(moved, each.weight.sum((0, 1, 2)))
    seen = jnp.moveaxis(each.outputs, 2, 0)
    counts = each.seen.sum((0, 1))
    if model.system.shared:
        seen, counts = seen.reshape(1, -1, seen.shape[-1]), counts.sum()[None]
    V, R = jax.vmap(lambda r, c: one(r, n + 1, c))(seen, counts)
    W, V = jnp.swapaxes(W, 1, 2), jnp.swapaxes(V, 1, 2)
    return _Laws(W[:, :, :n], W[:, :, n:-1], W[:, :, -1], Q, V[:, :, :-1], V[:, :, -1], R)
