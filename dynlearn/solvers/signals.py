"""Signals: what drives a solve from outside, between samples of its own: held, linear or cubic."""

import abc
from collections.abc import Callable
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox import AbstractClassVar
from jaxtyping import Array, Float, Int

from dynlearn.numerics.resolution import check_resolved

Time = Float[Array, "*interval"]
Value = Float[Array, "*interval channel"]


class Piece(eqx.Module):
    """A signal between two neighbouring knots: a polynomial in s = (t - start) / length.

        u(t) = c_0 + c_1 s + ... + c_d s^d

    Outside the knots, and where two knots coincide, `length` is 0 and s counts as 0.
    """

    start: Time
    length: Time
    coefficients: tuple[Value, ...]

    def __call__(self, t: Float[Array, ""]) -> Float[Array, " channel"]:
        s = _over(t - self.start, self.length)
        value = self.coefficients[-1]
        for c in self.coefficients[-2::-1]:
            value = c + s * value
        return value

    def derivative(self, t: Float[Array, ""]) -> Float[Array, " channel"]:
        s = _over(t - self.start, self.length)
        slope = jnp.zeros_like(self.coefficients[0])
        for k in range(len(self.coefficients) - 1, 0, -1):
            slope = k * self.coefficients[k] + s * slope
        return _over(slope, self.length)


class AbstractSignal(eqx.Module):
    """Samples `values` at the knots `times`, and what lies between them; for one trajectory.

    Batch with `jax.vmap` (a signal is a pytree): every trajectory has knots of its own. A shorter
    one is padded with NaN in `times`; before the first knot and after the last one its first and
    last values hold.

    Args:
        times: increasing, shape `(knot,)`, NaN after the end.
        values: shape `(knot, channel)`.
    """

    times: Float[Array, " knot"]
    values: Float[Array, "knot channel"]
    jumps: AbstractClassVar[bool]
    """Whether values change at a knot at once."""
    kinks: AbstractClassVar[bool]
    """Whether slopes do."""

    def __init__(self, times: Float[Array, " knot"], values: Float[Array, "knot channel"]):
        # Others' memory is copied, it may change. JAX's own never does, and kept as it is, instants that are also asked
        # for are known for the same in a compiled program too, where values cannot be compared.
        self.times, self.values = (a if isinstance(a, jax.Array) else jnp.array(a) for a in (times, values))
        if (
            self.times.ndim == 1
            and not isinstance(times, jax.Array)
            and not isinstance(self.times, jax.core.Tracer)
        ):
            # What came as float64 has not been rounded by JAX yet.
            check_resolved("knots", np.asarray(times, float), jnp.result_type(self.times, float))

    def __call__(self, t: Float[Array, ""]) -> Float[Array, " channel"]:
        """The value at `t`; at a jump, the one from then on."""
        return self._piece(self._index(t))(t)

    def derivative(self, t: Float[Array, ""]) -> Float[Array, " channel"]:
        """d/dt at `t`; at a kink, the one from then on.

        Args:
            t: an instant, a scalar.

        Returns:
            `(channel,)`, per time unit.
        """
        return self._piece(self._index(t)).derivative(t)

    def between(self, start: Float[Array, ""], end: Float[Array, ""]) -> tuple[Callable, Callable]:
        """Value and derivative as functions of t on an interval with no knot inside.

        At an end that is a knot they give the limit from within the interval, so that a step
        that ends at a jump does not see what comes after it.

        Args:
            start, end: of the interval, `start` first.

        Returns:
            Two functions from an instant to `(channel,)`.
        """
        piece = self.pieces(start, end)
        return piece, piece.derivative

    def pieces(self, starts: Time, ends: Time) -> Piece:
        """`between` for many intervals at once: a `Piece` whose arrays have the intervals in front.

        Args:
            starts, ends: of the intervals, `(interval,)` each.
        """
        return self._piece(self._index(starts + (ends - starts) / 2))

    def _index(self, t: Time) -> Int[Array, "*interval"]:
        """Of the knot that opens the piece around `t`; -1 before the first one."""
        return jnp.searchsorted(self.times, t, side="right") - 1

    def _knot(self, index: Int[Array, "*interval"]) -> tuple[Time, Value]:
        """Instant and value of a knot; of the nearest one for an index that is none."""
        # NaN sorts last, so that an index never exceeds the last knot by more than one.
        last = jnp.isfinite(self.times).sum() - 1
        index = jnp.clip(index, 0, jnp.maximum(last, 0))
        return self.times[index], self.values[index]

    @abc.abstractmethod
    def _piece(self, index: Int[Array, "*interval"]) -> Piece: ...


class Held(AbstractSignal):
    """u(t) = values[k] for times[k] <= t < times[k+1]: a zero-order hold.

    >>> Held(jnp.array([0.0, 2.0]), jnp.array([[1.0], [3.0]]))(jnp.array(1.9))
    Array([1.], dtype=float32)
    """

    jumps: ClassVar[bool] = True
    kinks: ClassVar[bool] = True

    def _piece(self, index):
        t0, u0 = self._knot(index)
        return Piece(t0, jnp.zeros_like(t0), (u0,))


class AbstractPath(AbstractSignal):
    """A continuous signal, which can drive a controlled differential equation."""

    @classmethod
    def through(cls, times: Float[Array, " knot"], values: Float[Array, "knot channel"]) -> Self:
        """A path through samples of which some are missing: NaN in `values`.

        A missing value of a channel is read off the straight line between the measured ones around
        it; before its first and after its last measured value, that value stands. A channel that
        was never measured stays NaN. For paths only: what was applied to a system is never guessed.

        Args:
            times: of the samples, increasing, `(knot,)`, NaN after the end.
            values: `(knot, channel)`, NaN where nothing was measured.

        Returns:
            A path with the same knots, its values filled.
        """
        times, values = jnp.array(times), jnp.array(values)
        return cls(times, jax.vmap(_filled, in_axes=(None, 1), out_axes=1)(times, values))


class Linear(AbstractPath):
    """Straight lines from knot to knot.

    >>> Linear(jnp.array([0.0, 2.0]), jnp.array([[1.0], [3.0]]))(jnp.array(0.5))
    Array([1.5], dtype=float32)
    """

    jumps: ClassVar[bool] = False
    kinks: ClassVar[bool] = True

    def _piece(self, index):
        t0, u0 = self._knot(index)
        t1, u1 = self._knot(index + 1)
        return Piece(t0, t1 - t0, (u0, u1 - u0))


class Cubic(AbstractPath):
    """Cubic Hermite pieces whose slope at a knot is that of the line arriving there.

    Once continuously differentiable, and never looks further ahead than the next knot.

    Reference: Morrill, Kidger, Yang, Lyons, "On the choice of interpolation scheme for neural
    CDEs", TMLR 2022.

    >>> path = Cubic(jnp.array([0.0, 1.0, 2.0]), jnp.array([[0.0], [1.0], [0.0]]))
    >>> path(jnp.array(1.0)), path.derivative(jnp.array(1.0))  # the slope of the line that arrives
    (Array([1.], dtype=float32), Array([1.], dtype=float32))
    """

    jumps: ClassVar[bool] = False
    kinks: ClassVar[bool] = False

    def _piece(self, index):
        before, u_before = self._knot(index - 1)
        t0, u0 = self._knot(index)
        t1, u1 = self._knot(index + 1)
        h, du = t1 - t0, u1 - u0
        # With p the slope at the start times h; the slope at the end times h is du.
        p = jnp.where((t0 == before)[..., None], du, _over(h, t0 - before)[..., None] * (u0 - u_before))
        return Piece(t0, h, (u0, p, 2 * (du - p), p - du))


class Velocity(AbstractSignal):
    """dX/dt of a path X; 0 outside its knots."""

    path: AbstractPath
    jumps: ClassVar[bool] = True
    kinks: ClassVar[bool] = True

    def __init__(self, path: AbstractPath):
        self.path, self.times, self.values = path, path.times, path.values

    def _piece(self, index):
        of = self.path._piece(index)
        length = of.length[..., None]
        slopes = tuple(k * _over(c, length) for k, c in enumerate(of.coefficients))
        return Piece(of.start, of.length, slopes[1:])


def _filled(times: Float[Array, " knot"], values: Float[Array, " knot"]) -> Float[Array, " knot"]:
    """One channel, with straight lines across what is missing."""
    index, count = jnp.arange(len(values)), len(values)
    known = jnp.isfinite(values) & jnp.isfinite(times)
    before = jax.lax.cummax(jnp.where(known, index, -1))
    after = jax.lax.cummin(jnp.where(known, index, count), reverse=True)
    left = jnp.where(before < 0, after, before)
    right = jnp.where(after >= count, before, after)
    left, right = (jnp.clip(i, 0, count - 1) for i in (left, right))
    # Where the line starts and ends at one and the same sample, its value stands.
    rise = _over(times - times[left], times[right] - times[left]) * (values[right] - values[left])
    return jnp.where(known, values, values[left] + jnp.where(left == right, 0, rise))


def _over(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: a piece of no length has no slope. Safe under differentiation."""
    return jnp.where(b == 0, 0, a / jnp.where(b == 0, 1, b))
