"""Instants of a solve: padding, direction, and where a step has to end."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dynlearn.solvers.signals import AbstractSignal


class Grid(eqx.Module):
    """The instants asked for, with the last one repeated in place of padding."""

    times: Float[Array, " time"]
    valid: Bool[Array, " time"]
    monotone: Bool[Array, ""]

    @staticmethod
    def of(times: Float[Array, " time"]) -> "Grid":
        valid = jnp.cumsum(~jnp.isfinite(times)) == 0
        # After the first NaN there is nothing but NaN, and nowhere an infinity.
        padded = (jnp.isnan(times) | valid).all()
        end = jnp.where(valid[0], times[jnp.maximum(valid.sum() - 1, 0)], 0)
        times = jnp.where(valid, times, end)
        steps = jnp.diff(times)
        return Grid(times, valid, padded & ((steps >= 0).all() | (steps <= 0).all()))

    def standing(self) -> "Grid":
        """Itself; with the first instant everywhere where the instants go to and fro."""
        if self.times.shape[0] <= 2:
            return self
        return Grid(jnp.where(self.monotone, self.times, self.times[0]), self.valid, self.monotone)

    @property
    def direction(self) -> Float[Array, ""]:
        """1, or -1 where time runs backwards."""
        return jnp.where(self.times[-1] < self.times[0], -1, 1).astype(self.times.dtype)

    def edges(
        self, control: AbstractSignal | None
    ) -> tuple[Float[Array, " edge"], Int[Array, " time"] | None]:
        """The union of the instants and a control's knots, in order; and where in it the instants are.

        None for "as they are": without a control, or where its knots are the instants.
        """
        if control is None:
            return self.times, None
        low, high = jnp.minimum(self.times[0], self.times[-1]), jnp.maximum(self.times[0], self.times[-1])
        knots = jnp.where(jnp.isfinite(control.times), control.times, high).astype(self.times.dtype)
        both = self.direction * jnp.concatenate([self.times, jnp.clip(knots, low, high)])
        edges = jnp.sort(both)
        return self.direction * edges, jnp.searchsorted(edges, self.direction * self.times)
