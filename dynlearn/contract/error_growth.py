"""How a forecast's error grows with lead time: the noise of models whose dynamics are deterministic."""

import dataclasses
import math
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.numbers import check_numbers
from dynlearn.contract.scaling import Fixed
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.precision import array


class Error(eqx.Module):
    """The error process of one rollout: what is known of z at `elapsed` after the last observation."""

    elapsed: Float[Array, ""]
    mean: Float[Array, " output"]
    variance: Float[Array, " output"]


class ErrorGrowth(Fixed):
    """Measurement noise plus a model error that starts at zero and saturates.

    At lead time tau the outputs are distributed around the model's mean path h(tau) as

        y(tau) = h(tau) + sqrt(v(tau)) z(tau) + sigma eps,
        v(tau) = spread^2 (1 - exp(-(tau / growth)^shape)),

    z a unit Ornstein-Uhlenbeck process of that `correlation_time`, eps white. So the marginal
    at every lead is closed-form along one mean path, and sampled paths are correlated in time.
    All arrays are per output and in scaled units; `fit` estimates them on residuals of forecasts
    (of held-out data where there is any), never on the training loss.

    Args:
        sigma: standard deviation of the measurement noise, `(output,)`.
        spread: standard deviation of the model error at long leads, `(output,)`.
        growth: lead time in which the error grows, in the time unit, `(output,)`.
        shape: exponent of the growth, `(output,)`.
        correlation_time: of z, in the time unit, `(output,)`.
        fitted: whether a forecast may rely on these numbers.

    Raises:
        ArgumentError: a deviation below 0, or a time or exponent that is not above 0.

    >>> import jax.numpy as jnp
    >>> one = jnp.ones(1)
    >>> law = ErrorGrowth(sigma=0.1 * one, spread=one, growth=2 * one, shape=one, correlation_time=one)
    >>> law.variance(jnp.array(2.0)).round(3)  # 1 - 1 / e
    Array([0.632], dtype=float32)
    """

    sigma: Float[Array, " output"]
    spread: Float[Array, " output"]
    growth: Float[Array, " output"]
    shape: Float[Array, " output"]
    correlation_time: Float[Array, " output"]
    fitted: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        check_numbers(self, at_least_0=("sigma", "spread"), above_0=("growth", "shape", "correlation_time"))

    @staticmethod
    def largest() -> float:
        """Residual up to which the squares that the law computes with are numbers here, whatever `fit` finds."""
        return float(np.sqrt(jnp.finfo(jnp.result_type(float)).max)) / 20

    @classmethod
    def unit(cls, outputs: int) -> Self:
        """Before any fit: an error of one standard deviation of the data at every lead.

        Args:
            outputs: how many.
        """
        one, zero = array(np.ones(outputs)), array(np.zeros(outputs))
        return cls(sigma=one, spread=zero, growth=one, shape=one, correlation_time=one, fitted=False)

    def multiplied(self, factor: Float[np.ndarray, " output"]) -> Self:
        """The law of outputs that are `factor` times as large; times stay."""
        sigma, spread = (array(np.asarray(values) * factor) for values in (self.sigma, self.spread))
        return dataclasses.replace(self, sigma=sigma, spread=spread)

    def start(self) -> Error:
        """The error at the last observation: z = 0, known."""
        return Error(jnp.zeros(()), jnp.zeros_like(self.sigma), jnp.ones_like(self.sigma))

    def step(self, error: Error, interval: Float[Array, ""], key: Key[Array, ""] | None) -> Error:
        """The `error` an `interval` later; a `key` draws z, no key keeps its whole distribution."""
        drawn = None if key is None else jax.random.normal(key, error.mean.shape, error.mean.dtype)
        return self._after(error, interval, drawn)

    def _after(
        self, error: Error, interval: Float[Array, ""], drawn: Float[Array, " output"] | None
    ) -> Error:
        """By standard normal numbers, or None."""
        rho = jnp.exp(-interval / self.correlation_time)
        mean, variance = rho * error.mean, 1 - rho**2 * (1 - error.variance)
        if drawn is not None:
            mean, variance = mean + jnp.sqrt(variance) * drawn, jnp.zeros_like(variance)
        return Error(error.elapsed + interval, mean, variance)

    def path(self, interval: Float[Array, " step"], key: Key[Array, ""]) -> Float[Array, "step output"]:
        """One draw of sqrt(v) z + sigma eps along a path, in scaled units.

        Args:
            interval: times from the last observation to the first instant, from there to the second, and so on.
            key: of the draw.

        Returns:
            What is to be added to the mean path at these instants.
        """
        # Drawn at once, as one row: within a loop, or as a block, that takes long to compile.
        shape = interval.shape[0], 2, *self.sigma.shape
        drawn = jax.random.normal(key, (math.prod(shape),), self.sigma.dtype).reshape(shape)

        def body(error: Error, now: tuple[Array, Array]) -> tuple[Error, Array]:
            error = self._after(error, *now)
            return error, jnp.sqrt(self.variance(error.elapsed)) * error.mean

        grown = jax.lax.scan(body, self.start(), (interval, drawn[:, 0]))[1]
        return grown + self.sigma * drawn[:, 1]

    def variance(self, elapsed: Float[Array, ""]) -> Float[Array, " output"]:
        """v(tau) at tau = `elapsed`, in scaled units."""
        tau = jnp.maximum(elapsed, 0) / self.growth
        positive = tau > 0
        power = jnp.where(positive, tau, 1.0) ** self.shape
        return jnp.where(positive, -(self.spread**2) * jnp.expm1(-power), 0.0)

    def predictive(self, mean: Float[Array, " output"], error: Error) -> Gaussian:
        """The outputs' distribution around the model's `mean`, in scaled units, as far as `error` is known."""
        v = self.variance(error.elapsed)
        return Gaussian(mean + jnp.sqrt(v) * error.mean, jnp.sqrt(self.sigma**2 + v * error.variance))

    @classmethod
    def fit(
        cls,
        residual: Float[np.ndarray, "window lead output"],
        lead: Float[np.ndarray, "window lead"],
        measured: np.ndarray,
    ) -> Self:
        """The law of greatest likelihood, from scaled forecast residuals at positive lead times.

        Args:
            residual: measured minus mean forecast, in scaled units.
            lead: time since the last observation.
            measured: which residuals count, shape `(window, lead, output)`.

        Returns:
            A law that forecasts may rely on.
        """
        residual = np.asarray(residual, float)  # of forecasts far off, the squares leave float32
        columns = [_fit_output(residual[..., j], lead, measured[..., j]) for j in range(residual.shape[-1])]
        sigma, spread, growth, shape, time = (array(v) for v in zip(*columns, strict=True))
        return cls(sigma, spread, growth, shape, time)


_BINS = 64
_FLOOR = 1e-4


def _fit_output(r: np.ndarray, lead: np.ndarray, measured: np.ndarray) -> tuple[float, ...]:
    """(sigma, spread, growth, shape, correlation_time) of one output.

    The Gaussian likelihood needs only the mean square and the count in bins of lead time:
    -2 log L = sum_b n_b (log V(tau_b) + m_b / V(tau_b)),  V = sigma^2 + v.
    """
    from scipy.optimize import minimize  # half a second, which a forecast does not need

    tau, square, count = _binned(lead[measured], r[measured] ** 2)
    if tau.size == 0:
        return 1.0, 0.0, 1.0, 1.0, 1.0
    total = float(np.average(square, weights=count)) + _FLOOR**2

    def unpack(p):
        return np.exp(p[0]), np.exp(p[1]), np.exp(p[2]), np.exp(p[3])

    def loss(p):
        sigma, spread, growth, shape = unpack(p)
        with np.errstate(over="ignore", under="ignore"):
            big = sigma**2 + spread**2 * -np.expm1(-((tau / growth) ** shape)) + _FLOOR**2
        return float(np.sum(count * (np.log(big) + square / big)) / count.sum())

    first = np.log(np.sqrt(square[0] + _FLOOR**2))
    starts = [
        np.array([first, 0.5 * np.log(total), np.log(fraction * tau[-1]), np.log(shape)])
        for fraction in (0.2, 1.0)
        for shape in (1.0, 2.0)
    ]
    bounds = [
        (np.log(_FLOOR), np.log(10 * np.sqrt(total))),
        (np.log(_FLOOR), np.log(10 * np.sqrt(total))),
        (np.log(tau[0] / 10), np.log(10 * tau[-1])),
        (np.log(0.3), np.log(6.0)),
    ]
    starts = [np.clip(s, [b[0] for b in bounds], [b[1] for b in bounds]) for s in starts]
    best = min((minimize(loss, s, method="Nelder-Mead", bounds=bounds) for s in starts), key=lambda o: o.fun)
    sigma, spread, growth, shape = map(float, unpack(best.x))
    v = spread**2 * -np.expm1(-((np.maximum(lead, 0) / growth) ** shape))
    return sigma, spread, growth, shape, _correlation_time(r, v, lead, measured)


def _binned(lead: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean lead, mean square and count in bins with equally many values; unique leads stay apart."""
    if lead.size == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    edges = np.unique(np.quantile(lead, np.linspace(0, 1, _BINS + 1)))
    index = np.clip(np.searchsorted(edges, lead, side="left"), 0, edges.size - 1)
    count = np.bincount(index, minlength=edges.size).astype(float)
    used = count > 0
    with np.errstate(invalid="ignore"):
        tau = np.bincount(index, lead, edges.size)[used] / count[used]
        mean = np.bincount(index, square, edges.size)[used] / count[used]
    return tau, mean, count[used]


def _correlation_time(r: np.ndarray, v: np.ndarray, lead: np.ndarray, measured: np.ndarray) -> float:
    """Of z one sample apart: E[r_k r_{k+1}] = rho sqrt(v_k v_{k+1}), to which white noise adds nothing;
    rho = exp(-interval / correlation_time), by the mean interval.
    """
    both = measured[:, 1:] & measured[:, :-1]
    step = np.diff(lead, axis=1)[both]
    if step.size < 8:
        return float(np.mean(lead[lead > 0])) if (lead > 0).any() else 1.0
    product = np.sum(r[:, :-1][both] * r[:, 1:][both])
    power = np.sum(np.sqrt(v[:, :-1] * v[:, 1:])[both])
    rho = float(np.clip(product / power if power > 0 else 0.0, 0.01, 0.999))
    return float(-np.mean(step) / np.log(rho))
