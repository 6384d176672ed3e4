"""Subspace: a linear state-space model in closed form, and how many states it should have."""

import dataclasses
import math
from collections.abc import Sequence

import equinox as eqx
import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.errors import ArgumentError, FitError, check_count, check_known
from dynlearn.fitting import _whole_runs
from dynlearn.fitting._em_steps import iterate_noises
from dynlearn.fitting._method import Outcome, Session
from dynlearn.fitting.result import Reason
from dynlearn.models import AbstractModel, LinearStateSpace, Scaling, Signature
from dynlearn.models import _linear_build as build
from dynlearn.models._linear_systems import FreeMatrix, MatrixSystem
from dynlearn.numerics import precision, subspace
from dynlearn.numerics.window import Window

Series = list[Float[np.ndarray, "time channel"]]


@dataclasses.dataclass(frozen=True)
class Subspace:
    r"""A, B, C, D of a discrete-time `LinearStateSpace` by subspace identification, then its noises.

        x_{k+1} = A x_k + B u_k + K e_k,    y_k = C x_k + D u_k + e_k

    1. The part of the past that predicts the future is the state; two regressions, and a few Gauss-Newton
       steps on the prediction errors, give A, B, C and D (`numerics.subspace`). No start is needed, and no
       other optimum can be fallen into.
    2. c, Q and R of the model, whose noises do not depend on each other, by EM with these held fixed.

    Several runs of unequal lengths, with gaps. A good start for `EM` or `MaximumLikelihood`, which
    go on from the model this returns. Every run is filled and filtered on the host, in float64.

    Args:
        past, future: samples on either side of the present that the states are computed from; None: 15
            and 10, more for many states, fewer for short runs.
        variant: "cva", "ssarx" (the least biased where controls were fed back from outputs), "n4sid" or "moesp".
        refine: Gauss-Newton steps at most; 0 leaves them out.
        steps: EM iterations for the noises at most.
        tolerance: stop these when the log-likelihood per measured value rises by less.

    References: Van Overschee, De Moor, "Subspace identification for linear systems", 1996; Larimore,
    "Canonical variate analysis in identification, filtering, and adaptive control", CDC 1990.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    >>> states = dl.fitting.select_order(ds, range(1, 6))
    >>> model = dl.models.LinearStateSpace.from_data(ds, states=states)
    >>> result = dl.fit(model, ds, method="subspace", progress=False)
    >>> result.reason.name
    'SOLVED'
    """

    past: int | None = None
    future: int | None = None
    variant: str = "cva"
    refine: int = 10
    steps: int = 100
    tolerance: float = 1e-5

    def __post_init__(self):
        check_known("Subspace: variant", [self.variant], subspace.METHODS)
        check_count("Subspace: refine", self.refine, 0)
        check_count("Subspace: steps", self.steps, 1)
        for name in ("past", "future"):
            if getattr(self, name) is not None:
                check_count(f"Subspace: {name}", getattr(self, name), 1)
        if isinstance(self.tolerance, bool) or not isinstance(self.tolerance, int | float):
            raise ArgumentError(f"Subspace: expected tolerance to be a number >= 0, got {self.tolerance!r}.")

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        _whole_runs.check("Subspace", model, session)
        if (
            not isinstance(model, LinearStateSpace)
            or not isinstance(model.system, MatrixSystem)
            or model.system.continuous
        ):
            raise ArgumentError(
                "Subspace: expected a discrete-time LinearStateSpace from from_data(ds, states=...); use "
                "method='maximum_likelihood' for continuous time and structural models."
            )
        rows: list[dict[str, float]] = []
        with precision.float64(), session.progress("subspace", self.steps) as report:
            now, runs, count = _whole_runs.runs_of(model, session)
            outputs, controls = _series(now.scaling, runs)
            found = subspace.identify(
                outputs,
                controls,
                len(now.state_names),
                past=self.past,
                future=self.future,
                feedthrough=now.feedthrough,
                stable=not isinstance(model.system.A_of, FreeMatrix),
                method=self.variant,
                refine=self.refine,
            )
            now = eqx.tree_at(lambda m: m.system, now, _system(model.system, found, outputs, controls))
            for step in range(1, self.steps + 1):
                after, likelihood = iterate_noises(now, runs)
                loss = -float(likelihood) / float(count)
                if not math.isfinite(loss):
                    raise FitError(
                        f"Subspace: the likelihood is not finite in step {step} of the noises; look for values far "
                        f"from all others in the data, or use method='em'."
                    )
                rows.append({"step": float(step), "loss": loss})
                report(step, loss=loss)
                if step > 1 and rows[-2]["loss"] - rows[-1]["loss"] < self.tolerance:
                    break
                now = after
        statistics = {"steps": len(rows), "log_likelihood": -rows[-1]["loss"] * float(count)}
        return Outcome(precision.to_default(now), rows, Reason.SOLVED, statistics)


def order_scores(
    ds: xr.Dataset,
    orders: Sequence[int] = range(1, 11),
    validation: xr.Dataset | None = None,
    *,
    feedthrough: bool = False,
    past: int | None = None,
    future: int | None = None,
    variant: str = "cva",
    refine: int = 0,
) -> xr.Dataset:
    """How well linear systems of several orders describe `ds`: one number per criterion, the smaller the better.

    Args:
        ds: trajectories under the schema, regularly sampled.
        orders: numbers of states.
        validation: other runs, for the criterion of that name: negative log density per held-out value.
        feedthrough, past, future, variant, refine: as in `Subspace`.

    Returns:
        A Dataset over `order` with "aic", "bic", "svc" and "nic" (`numerics.subspace.order_scores`), and
        with `validation` one of that name.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    >>> sorted(dl.fitting.order_scores(ds, [1, 2, 3]))
    ['aic', 'bic', 'nic', 'svc']
    """
    signature = Signature.of(ds, discrete=True)
    scaling = Scaling.of(ds)
    held_out = None
    with precision.float64():
        outputs, controls = _series(scaling, ds.dyn.to_device())
        if validation is not None:
            signature.check(validation)
            held_out = _series(scaling, validation.dyn.to_device())
    found = subspace.order_scores(
        outputs,
        controls,
        orders,
        validation=held_out,
        past=past,
        future=future,
        feedthrough=feedthrough,
        method=variant,
        refine=refine,
    )
    names = [name for name in subspace.CRITERIA if getattr(found, name) is not None]
    return xr.Dataset(
        {name: ("order", getattr(found, name)) for name in names}, {"order": list(found.orders)}
    )


def select_order(
    ds: xr.Dataset,
    orders: Sequence[int] = range(1, 11),
    criterion: str | None = None,
    validation: xr.Dataset | None = None,
    **options,
) -> int:
    """The best of `orders` by "bic", with `validation` by how probable it makes those runs, or by `criterion`.

    Args: as for `order_scores`.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    >>> dl.fitting.select_order(ds, range(1, 6))
    2
    """
    if criterion is None:
        criterion = "bic" if validation is None else "validation"
    check_known("criterion", [criterion], subspace.CRITERIA)
    scores = order_scores(ds, orders, validation, **options)
    if criterion not in scores:
        raise ArgumentError("criterion='validation': expected validation=runs held out, got None.")
    return int(scores["order"].values[scores[criterion].values.argmin()])


def _series(scaling: Scaling, runs: Window) -> tuple[Series, Series | None]:
    """Scaled outputs (NaN where not measured) and controls of every run, without the padding."""
    y = np.where(runs.observed, scaling.output(runs.output), np.nan)
    u, valid = np.asarray(scaling.control(runs.control)), np.asarray(runs.valid)
    # The control at the last sample of a run may be unknown: nothing was applied after it.
    u = np.where(np.isfinite(u), u, 0.0)
    outputs = [values[inside] for values, inside in zip(y, valid, strict=True)]
    controls = [values[inside] for values, inside in zip(u, valid, strict=True)]
    return outputs, controls if u.shape[-1] else None


def _system(
    like: MatrixSystem, found: subspace.Identified, outputs: Series, controls: Series | None
) -> MatrixSystem:
    """The identified system with states of unit variance over the data, to start EM for the noises from."""
    x = _states(found, outputs, controls)
    variance = x.T @ x / len(x)
    L = np.linalg.cholesky(variance + 1e-9 * np.trace(variance) * np.eye(len(variance)))
    T = np.linalg.inv(L)
    n = len(T)
    floor = 1e-4 * np.eye(n)
    matrices = {
        "A": T @ found.A @ L,
        "B": T @ found.B,
        "c": np.zeros(n),
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
            e = np.nan_to_num(y[k] - found.C @ x - found.D @ u[k])
            x = found.A @ x + found.B @ u[k] + found.K @ e
    return np.array(states)
