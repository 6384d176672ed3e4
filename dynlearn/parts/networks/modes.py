"""Modes of a diagonal state-space layer: stable eigenvalues on a range of time scales, exactly discretised."""

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Complex, Float

from dynlearn.errors import ArgumentError
from dynlearn.numerics.fixed import Fixed
from dynlearn.trajectories import schema

SCALES = 4
"""Time scales on which the modes of a layer are placed, at most."""


class Units(Fixed):
    """What a mode is measured in: its initial rate, and the gain that makes its state of order one."""

    rate: Float[Array, " mode"]
    gain: Float[Array, " mode"]


class Modes(eqx.Module):
    r"""Eigenvalues Lambda_n = rate_n (-exp(log_decay_n) + i frequency_n) of dx/dt = Lambda x + gain w.

    The real part is negative whatever is learned. The rates are fixed: one step of an optimiser moves a
    slow mode by the same fraction of its own time scale as a fast one, and not by more than all of it.

    Modes are placed as truncated HiPPO bases on time scales T that are spaced evenly in their
    logarithm from `shortest` to `longest`: Lambda_n = (-1/2 + i pi n) / T for n = 0 .. m-1, with the
    highest frequency of each scale lowered to half the sampling rate where it would exceed that.
    Together with their conjugates they resolve the last T of the past into pieces of T / m.
    The gain normalises the state's variance to that of a white input (LRU's gamma).

    References: Gu, Goel, Gupta, Re, "On the parameterization and initialization of diagonal state
    space models", NeurIPS 2022 (S4D-Lin); Orvieto et al., "Resurrecting recurrent neural networks for
    long sequences", ICML 2023 (the normalisation).
    """

    units: Units
    references: ClassVar[tuple[str, ...]] = ("gu2022parameterization", "orvieto2023resurrecting")
    log_decay: Float[Array, " mode"]
    frequency: Float[Array, " mode"]

    @classmethod
    def on(cls, states: int, shortest: float, longest: float) -> Self:
        """`states` modes on time scales from `shortest` to `longest`, in sampling intervals."""
        scales = np.geomspace(longest, shortest, min(SCALES, states))
        count = [part.size for part in np.array_split(np.arange(states), scales.size)]
        scale = np.repeat(scales, count)
        frequency = np.concatenate(
            [np.linspace(0, min(np.pi * (m - 1), np.pi * s), m) for s, m in zip(scales, count, strict=True)]
        )
        eigenvalue = (-0.5 + 1j * frequency) / scale
        factor, inflow = np.exp(eigenvalue), np.expm1(eigenvalue) / eigenvalue
        gain = np.sqrt(1 - np.abs(factor) ** 2) / np.abs(inflow)
        return cls(
            Units(jnp.asarray(1 / scale), jnp.asarray(gain)),
            jnp.full(states, np.log(0.5)),
            jnp.asarray(frequency),
        )

    @property
    def count(self) -> int:
        return self.log_decay.shape[0]

    @property
    def eigenvalues(self) -> Complex[Array, " mode"]:
        return self.units.rate * jax.lax.complex(-jnp.exp(self.log_decay), self.frequency)

    def discretised(
        self, interval: Float[Array, "*time"]
    ) -> tuple[Complex[Array, "*time mode"], Complex[Array, "*time mode"]]:
        """exp(Lambda dt) and gain (exp(Lambda dt) - 1) / Lambda: the exact step for an input held over dt.

        An interval of 0 gives 1 and 0: padding changes nothing.
        """
        eigenvalues = self.eigenvalues
        exponent = interval[..., None] * eigenvalues
        return jnp.exp(exponent), self.units.gain * jnp.expm1(exponent) / eigenvalues


def time_scales_of(ds: xr.Dataset, time_scale: float, window: float) -> tuple[float, float]:
    """From the time in which an output changes to the longest run or the window, whichever is shorter."""
    t = schema.times_2d(ds)
    longest = min(window, float(np.nanmax(np.nanmax(t, axis=1) - np.nanmin(t, axis=1))))
    return time_scale, max(longest, time_scale)


def ordered(time_scales: tuple[float, float]) -> tuple[float, float]:
    """(shortest, longest), or an `ArgumentError`."""
    given = np.asarray(time_scales, float) if np.ndim(time_scales) == 1 else np.zeros(0)
    if given.shape != (2,) or not (0 < given[0] <= given[1] < np.inf):
        raise ArgumentError(
            f"time_scales: expected (shortest, longest), two positive times in order, got {time_scales!r}."
        )
    return float(given[0]), float(given[1])
