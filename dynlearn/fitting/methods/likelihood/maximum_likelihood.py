"""MaximumLikelihood: quasi-Newton on the likelihood of whole runs."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jax.flatten_util import ravel_pytree

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, FitError, check_count, check_number
from dynlearn.fitting.methods.likelihood import whole_runs
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.inference.density import total
from dynlearn.numerics import precision
from dynlearn.numerics.fixed import is_fixed, trainable
from dynlearn.numerics.keys import of_runs
from dynlearn.numerics.plain import make_plain
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories import schema

WORST = 1e10
"""What a step into parameters without a finite likelihood scores: the line search turns back."""

STARTS = 4
"""Where a line search fails, the search starts again without its memory of curvature, this often in all."""
FLAT = 1e-3
"""A slope of the log-likelihood per measured value that counts as none, where the line search ends on rounding."""


@dataclasses.dataclass(frozen=True)
class MaximumLikelihood:
    """argmax sum over runs of log p(y_0 .. y_T), states integrated out, by L-BFGS with exact gradients.

    For every state-space model. Exact where it is linear and Gaussian (continuous time, `stable=True`,
    structural pieces included), otherwise the likelihood as the model's own method of inference gives
    it, with the same draws at every step. Parameters are unconstrained (covariances by factors,
    standard deviations by sign-free numbers). Runs in float64.

    Args:
        steps: iterations at most.
        tolerance: stop when no entry of the gradient of the log-likelihood per measured value is larger.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for what is no state-space model.
        FitError: from `dl.fit` where the likelihood of the start is not finite.

    References: Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", 1989;
    Harvey, "Forecasting, structural time series models and the Kalman filter", 1989.

    >>> import dynlearn as dl
    >>> ds = dl.from_arrays(np.cumsum(np.cos(np.arange(12.0) ** 2)), dt=1.0)
    >>> model = dl.models.LinearStateSpace.of(dl.models.structural.Level(), ds)
    >>> dl.fit(model, ds, method=MaximumLikelihood(steps=2), progress=False).reason.name
    'STEPS_DONE'
    """

    references: ClassVar[tuple[str, ...]] = ("liu1989limited", "harvey1989forecasting")
    steps: int = 500
    tolerance: float = 1e-6
    resumable: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_count("MaximumLikelihood: steps", self.steps, 1)
        check_number("MaximumLikelihood", "tolerance", self.tolerance)

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` at a maximum of the likelihood of the runs in `session`, and its log."""
        return whole_runs.on_independent(self._run, model, session)

    def _run(self, model: AbstractModel, session: Session) -> Outcome:
        checked = whole_runs.check("MaximumLikelihood", model)
        rows: list[dict[str, float]] = []
        with precision.float64(), session.progress("maximum likelihood", self.steps) as report:
            now, runs = whole_runs.runs_of(checked, session)
            count = runs.measured
            ids = np.asarray(schema.run_ids(session.train), dtype=object)
            drawn = tuple(of_runs(session.key, ids[these]) for these in runs.which)
            parameters, fixed = eqx.partition(now, trainable(now), is_leaf=is_fixed)
            start, restore = ravel_pytree(parameters)
            if start.size == 0:
                raise ArgumentError(
                    "MaximumLikelihood: this model has no parameters to fit; use 'calibration'."
                )

            def value(p: np.ndarray) -> tuple[float, np.ndarray]:
                return session.checkpoint.recall((WORST, p), lambda: evaluated(p))

            def evaluated(p: np.ndarray) -> tuple[float, np.ndarray]:
                loss, slope = _loss(restore(jnp.asarray(p)), fixed, runs.groups, count, drawn)
                finite = bool(jnp.isfinite(loss)) and bool(
                    jnp.isfinite(slope_flat := ravel_pytree(slope)[0]).all()
                )
                return (float(loss), np.asarray(slope_flat)) if finite else (WORST, np.zeros_like(p))

            def logged(intermediate_result: Any) -> None:
                rows.append({"step": len(rows) + 1.0, "loss": float(intermediate_result.fun)})
                report(len(rows), loss=rows[-1]["loss"])

            first = value(np.asarray(start))[0]
            if first == WORST:
                raise FitError(
                    "MaximumLikelihood: the likelihood of the model to start from is not finite; give every noise a "
                    "variance, or start from another model."
                )
            at, left = np.asarray(start), self.steps
            for _ in range(STARTS):
                options = {"maxiter": left, "gtol": self.tolerance, "ftol": 1e-15, "maxls": 50, "maxcor": 30}
                found = scipy.optimize.minimize(
                    value, at, jac=True, method="L-BFGS-B", callback=logged, options=options
                )
                at, left = found.x, self.steps - len(rows)
                slope = float(np.abs(found.jac).max())
                if left <= 0 or slope <= FLAT:
                    break
            fitted = eqx.combine(restore(jnp.asarray(found.x)), fixed, is_leaf=is_fixed)
        ended = Reason.CONVERGED if slope <= FLAT else Reason.STALLED
        reason = Reason.STEPS_DONE if left <= 0 else ended
        statistics = {
            "steps": len(rows),
            "log_likelihood": -float(found.fun) * float(count),
            "largest_slope": slope,
        }
        rows = rows or [{"step": 0.0, "loss": first}]
        return Outcome(precision.to_default(fitted), rows, reason, statistics)


@compiled
@eqx.filter_value_and_grad
def _loss(parameters, fixed, groups, count, keys):
    model = eqx.combine(parameters, fixed, is_leaf=is_fixed)
    each = (total(model, runs, model.inference, k) for runs, k in zip(groups, keys, strict=True))
    return -sum(jnp.sum(found) for found in each) / count
