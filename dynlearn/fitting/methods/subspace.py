"""Subspace: a linear state-space model in closed form."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dynlearn.contract.checks.measured import counts
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, FitError, check_count, check_known, check_number
from dynlearn.fitting.methods.likelihood import whole_runs
from dynlearn.fitting.methods.likelihood.em import EM
from dynlearn.fitting.methods.likelihood.em_steps import ascended, iterate, iterate_noises
from dynlearn.fitting.methods.series import Series, series
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.identification import subspace
from dynlearn.models.linear import build
from dynlearn.models.linear.linear_state_space import LinearStateSpace
from dynlearn.numerics import precision
from dynlearn.numerics.plain import make_plain
from dynlearn.parts.transitions.linear_systems import FreeMatrix, MatrixSystem

CHECK_STEPS = 20
"""Of EM, whose likelihood after them the identified system must reach."""
LARGEST = 1e16
"""Variance of a state, outputs having one of 1, beyond which it has diverged."""
MARGIN = 0.05
"""Nats per measured value that it may fall short of it."""


REFERENCES = {
    "cva": ("larimore1990canonical",),
    "moesp": ("verhaegen1994identification",),
    "n4sid": ("vanoverschee1994n4sid",),
    "ssarx": ("jansson2003subspace", "chiuso2007role"),
}
"""Of the variants."""


@dataclasses.dataclass(frozen=True)
class Subspace:
    """A, B, C, D of a discrete-time `LinearStateSpace` by subspace identification, then its noises.

        x_{k+1} = A x_k + B u_k + c + K e_k,    y_k = C x_k + D u_k + e_k

    1. The part of the past that predicts the future is the state; two regressions, and a few Gauss-Newton
       steps on the prediction errors, give A, B, c, C and D (`dynlearn.identification`). No start is needed.
    2. c, Q and R of the model, whose noises do not depend on each other, by EM with these held fixed.

    Several runs of unequal lengths, with gaps; where these are many and scattered (from two fifths of the
    values on), the regressions may find another system. So the result is held against a short `EM` from a
    first guess, and refused where that explains the data better. `EM` and `MaximumLikelihood` go on from
    the model this returns. Runs are filled and regressed on the host, in float64.

    Args:
        past, future: samples on either side of the present that the states are computed from; None: 15
            and 10, more for many states, fewer for short runs.
        variant: "cva", "ssarx" (the least biased where controls were fed back from outputs), "n4sid" or "moesp".
        refine: Gauss-Newton steps at most; 0 leaves them out.
        steps: EM iterations for the noises at most.
        tolerance: stop these when the log-likelihood per measured value rises by less.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for another kind of model.
        FitError: from `dl.fit` where runs are too short, controls excite too little, or a short `EM` explains the
            data better.

    References: Van Overschee, De Moor, "Subspace identification for linear systems", 1996; Larimore,
    "Canonical variate analysis in identification, filtering, and adaptive control", CDC 1990.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    >>> states = dl.fitting.select_order(ds, range(1, 6))
    >>> model = dl.models.LinearStateSpace.from_data(ds, states=states)
    >>> dl.fit(model, ds, method="subspace", progress=False).model.eigenvalues().shape
    (4,)
    """

    past: int | None = None
    future: int | None = None
    variant: str = "cva"
    refine: int = 10
    steps: int = 100
    tolerance: float = 1e-5
    resumable: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_known("Subspace: variant", [self.variant], subspace.METHODS)
        check_count("Subspace: refine", self.refine, 0)
        check_count("Subspace: steps", self.steps, 1)
        for name in ("past", "future"):
            if getattr(self, name) is not None:
                check_count(f"Subspace: {name}", getattr(self, name), 1)
        check_number("Subspace", "tolerance", self.tolerance)

    @property
    def references(self) -> tuple[str, ...]:
        """Of the regressions, of the steps after them, and of the iterations for the noises, which are EM's."""
        refined = ("mckelvey2004data",) if self.refine else ()
        return ("vanoverschee1996subspace", *REFERENCES[self.variant], *refined, *EM.references)

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` with the system identified from the runs of `session`, and its log."""
        return whole_runs.on_independent(self._run, model, session)

    def _run(self, model: AbstractModel, session: Session) -> Outcome:
        whole_runs.check("Subspace", model)
        model, system = _checked_model(model, session)
        with precision.float64(), session.progress("subspace", self.steps) as report:
            now, runs = whole_runs.runs_of(model, session)
            count = float(runs.measured)
            outputs, controls = series(now.scaling, *runs)
            found = subspace.identify(
                outputs,
                controls,
                len(now.state_names),
                past=self.past,
                future=self.future,
                feedthrough=now.feedthrough,
                offset=True,
                stable=not isinstance(system.A_of, FreeMatrix),
                method=self.variant,
                refine=self.refine,
            )
            # The model's scaled outputs have no offset d: the scaling takes it.
            offset = now.scaling.output_mean + now.scaling.output_scale * found.d
            identified = _system(system, found, outputs, controls)
            now = eqx.tree_at(lambda m: (m.system, m.scaling.output_mean), now, (identified, offset))
            step = lambda m: iterate_noises(m, runs.groups)  # noqa: E731
            now, rows, converged = ascended("Subspace", step, now, count, self, report, session.checkpoint)
            # As identified, its two noises are one; the model's are not, and may fall short of that likelihood.
            scale = jnp.log(now.scaling.output_scale)
            jacobian = sum(float(jnp.where(group.observed, scale, 0).sum()) for group in runs.groups)
            alone = (jacobian - found.log_likelihood) / count
            _held_against_em(model, session, min(rows[-1]["loss"], alone))
        statistics = {"steps": len(rows), "log_likelihood": -rows[-1]["loss"] * count}
        reason = Reason.SOLVED if converged else Reason.STEPS_DONE
        return Outcome(precision.to_default(now), rows, reason, statistics)


def _checked_model(model: AbstractModel, session: Session) -> tuple[LinearStateSpace, MatrixSystem]:
    """Regular sampling, free or stable matrices, runs that are not too short."""
    if not isinstance(model, LinearStateSpace):
        raise ArgumentError(
            f"Subspace: expected a LinearStateSpace, got {type(model).__name__}; use method={model.method!r}."
        )
    if not isinstance(model.system, MatrixSystem) or model.system.continuous:
        kind = "structural" if not isinstance(model.system, MatrixSystem) else "continuous-time"
        raise ArgumentError(
            f"Subspace: expected a discrete-time LinearStateSpace with matrices, got a {kind} one; use "
            f"method='maximum_likelihood', or bring the data to regular intervals by ds.dyn.resample(dt) and build the "
            f"model with continuous=False."
        )
    needed, longest = 2 * (len(model.state_names) + 2), int(session.train.dyn.lengths.max())
    if longest < needed:
        raise FitError(
            f"Subspace: {len(model.state_names)} states need runs of at least {needed} samples, the longest has "
            f"{longest}; use method='em', fewer states or longer runs."
        )
    return model, model.system


def _held_against_em(model: LinearStateSpace, session: Session, loss: float) -> None:
    """Raise where a few steps of EM from a first guess explain the data better."""
    guess = LinearStateSpace.from_data(
        session.train, states=len(model.state_names), continuous=False, feedthrough=model.feedthrough
    )
    checked, runs = whole_runs.runs_of(guess, session)
    now: Any = checked
    for _ in range(CHECK_STEPS):
        now, likelihood = iterate(now, runs.groups, False)
    other = -float(likelihood) / float(runs.measured)
    if other < loss - MARGIN:
        samples = int(session.train.dyn.lengths.sum())
        missing = 1 - sum(counts(session.train).values()) / (samples * session.train.sizes["output_name"])
        raise FitError(
            f"Subspace: the system it identified explains the data worse than {CHECK_STEPS} steps of EM do (negative "
            f"log-likelihood per value {loss:.3g}, EM {other:.3g}); {missing:.0%} of the values are "
            f"missing, or the runs are too short for its regressions. Use method='em'."
        )


def _system(
    like: MatrixSystem, found: subspace.Identified, outputs: Series, controls: Series | None
) -> MatrixSystem:
    """The identified system with states of unit variance over the data, to start EM for the noises from."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = _states(found, outputs, controls)
        variance = x.T @ x / len(x)
    if not np.isfinite(variance).all() or np.trace(variance) > LARGEST:
        raise FitError(
            "Subspace: the system it identified diverges on the data it was identified from; too many values are "
            "missing, or the runs are too short for its regressions. Use method='em'."
        )
    L = np.linalg.cholesky(variance + 1e-9 * np.trace(variance) * np.eye(len(variance)))
    T = np.linalg.inv(L)
    n = len(T)
    floor = 1e-4 * np.eye(n)
    matrices = {
        "A": T @ found.A @ L,
        "B": T @ found.B,
        "c": T @ found.c,
        "C": found.C @ L,
        "D": found.D,
        "Q": T @ found.Q @ T.T + floor,
        "R": found.R + 1e-6 * np.eye(len(found.R)),
        "m0": np.zeros(n),
        "P0": build.START_VARIANCE * np.eye(n),
    }
    stable = not isinstance(like.A_of, FreeMatrix)
    return build.system(matrices, None, feedthrough=like.feedthrough, stable=stable)


def _states(
    found: subspace.Identified, outputs: Series, controls: Series | None
) -> Float[np.ndarray, "sample state"]:
    """The predictor's states, all runs one after the other; an innovation that was not measured is zero."""
    states: list[np.ndarray] = []
    for i, y in enumerate(outputs):
        u = np.zeros((len(y), 0)) if controls is None else controls[i]
        x = found.x0[i]
        for k in range(len(y)):
            states.append(x)
            e = np.where(np.isnan(y[k]), 0, y[k] - found.C @ x - found.D @ u[k] - found.d)
            x = found.A @ x + found.B @ u[k] + found.c + found.K @ e
    return np.array(states)
