r"""Subspace identification: a linear state-space model from ragged, gappy runs, in closed form.

    x_{t+1} = A x_t + B u_t + K e_t,    y_t = C x_t + D u_t + e_t,    e_t ~ N(0, R)

1. Gaps are filled with the values that make the residuals of a VARX smallest (exact without noise).
2. The part of the past that predicts the future is the state: canonical variates or a projection.
3. Two regressions give the matrices.
4. A few Gauss-Newton steps on the prediction errors of what was measured, with the filled values
   forgotten, bring the estimate from near the Cramer-Rao bound onto it (`refine=0` leaves them out).
"""

import dataclasses

import numpy as np
from jaxtyping import Complex, Float

from dynlearn.identification._data import Arrays, Runs, gather
from dynlearn.identification._fit import METHODS, check, fitted, states, windows, with_constant
from dynlearn.identification._innovations import Innovations, Starts, predict
from dynlearn.identification._order import CRITERIA, OrderScores, chosen

__all__ = [
    "CRITERIA",
    "METHODS",
    "Identified",
    "OrderScores",
    "chosen",
    "identify",
]


@dataclasses.dataclass(frozen=True)
class Identified:
    """x_{t+1} = A x_t + B u_t + c + K e_t,   y_t = C x_t + D u_t + d + e_t,   e_t ~ N(0, R), in the data's units."""

    A: Float[np.ndarray, "state state"]
    B: Float[np.ndarray, "state control"]
    C: Float[np.ndarray, "output state"]
    D: Float[np.ndarray, "output control"]
    c: Float[np.ndarray, " state"]
    d: Float[np.ndarray, " output"]
    K: Float[np.ndarray, "state output"]
    """Steady Kalman gain."""
    R: Float[np.ndarray, "output output"]
    """Covariance of the innovations."""
    x0: Float[np.ndarray, "run state"]
    """State at the first sample of each run."""
    singular_values: Float[np.ndarray, " past"]
    """Canonical correlations for cva and ssarx: a gap after the n-th suggests order n."""
    log_likelihood: float
    """Of what was measured, given x0."""

    @property
    def Q(self) -> Float[np.ndarray, "state state"]:
        """Covariance of the process noise K e."""
        return self.K @ self.R @ self.K.T

    @property
    def S(self) -> Float[np.ndarray, "state output"]:
        """Covariance of process noise with innovation."""
        return self.K @ self.R

    @property
    def poles(self) -> Complex[np.ndarray, " state"]:
        return np.linalg.eigvals(self.A)

    def markov(self, count: int) -> Float[np.ndarray, "lag output control"]:
        """The impulse response D, C B, C A B, ...: what does not depend on the coordinates of x."""
        found, x = [self.D], self.B
        for _ in range(count - 1):
            found.append(self.C @ x)
            x = self.A @ x
        return np.stack(found)


def identify(
    outputs: Arrays,
    controls: Arrays | None,
    order: int,
    *,
    past: int | None = None,
    future: int | None = None,
    feedthrough: bool = False,
    offset: bool = False,
    stable: bool = False,
    method: str = "cva",
    iterations: int = 3,
    refine: int = 10,
) -> Identified:
    """The linear system of `order` states behind several runs, regular in time, with inputs and gaps.

    Where controls were fed back from
    outputs, the unrefined estimates are biased, "ssarx" the least; the refined ones are not. Time grows
    with the longest run, hardly with the number of runs: cut very long ones.

    Args:
        outputs: one array (time, output) per run, of any lengths; NaN where not measured.
        controls: one array (time, control) per run, without NaN; None for a system without inputs.
            Row t acts on x_{t+1} and, with `feedthrough`, on y_t.
        order: number of states.
        past, future: samples on either side of the present that the states are computed from; by default
            15 and 10, more for a high order, fewer for short runs.
        feedthrough: estimate D; otherwise D = 0.
        offset: estimate c, and with `feedthrough` d; otherwise both are 0, and the data have to vary around an
            equilibrium at zero: a mean subtracted from short or transient runs is not that.
        stable: keep every pole inside the unit circle.
        method: "cva", "ssarx", "n4sid" or "moesp" (see `_subspace_states.decompose`).
        iterations: refills of the gaps by a VARX of `past` lags.
        refine: at most so many Gauss-Newton steps on the prediction errors.

    Raises:
        ArgumentError: shapes, orders or options that do not fit.
        FitError: runs too short, controls that do not excite the system, or an order above what the
            data carry.

    References: Van Overschee, De Moor, "Subspace identification for linear systems", 1996; Larimore,
    "Canonical variate analysis in identification, filtering, and adaptive control", CDC 1990; Verhaegen,
    "Identification of the deterministic part of MIMO state space models", Automatica 1994; Jansson,
    "Subspace identification and ARX modeling", SYSID 2003; Chiuso, "The role of vector autoregressive
    modeling in predictor-based subspace identification", Automatica 2007; McKelvey, Helmersson, Ribarits,
    "Data driven local coordinates", Automatica 2004.

    >>> import numpy as np
    >>> from dynlearn.identification.subspace import identify
    >>> rng = np.random.default_rng(0)
    >>> controls = [rng.normal(size=(length, 1)) for length in (60, 90)]
    >>> outputs = [np.zeros_like(u) for u in controls]
    >>> for u, y in zip(controls, outputs):
    ...     for t in range(len(u) - 1):
    ...         y[t + 1] = 0.9 * y[t] + u[t]
    ...     y[10:13] = np.nan
    >>> identify(outputs, controls, order=1).poles.round(8)
    array([0.9])
    """
    check(order, method, iterations, refine)
    runs = gather(outputs, with_constant(outputs, controls) if offset else controls)
    past, future = windows(runs, order, past, future)
    found = states(runs, order, past, future, feedthrough, method, iterations, offset)
    system, start = fitted(found, runs, order, feedthrough, stable, refine)
    return _unscaled(system, start, runs, found.singular_values, offset)


def _unscaled(
    system: Innovations, start: Starts, runs: Runs, singular_values: np.ndarray, offset: bool
) -> Identified:
    y, u = runs.y_scale, runs.u_scale
    likelihood = predict(system, start, runs).log_likelihood
    likelihood -= float((runs.observed * np.log(y)).sum())
    B, D = system.B / u, y[:, None] * system.D / u
    m = B.shape[1] - offset
    return Identified(
        A=system.A,
        B=B[:, :m],
        C=y[:, None] * system.C,
        D=D[:, :m],
        c=B[:, m:].sum(1),
        d=D[:, m:].sum(1),
        K=system.K / y,
        R=y[:, None] * system.R * y,
        x0=start,
        singular_values=singular_values,
        log_likelihood=likelihood,
    )
