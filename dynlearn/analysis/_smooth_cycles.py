"""Cycles of a smooth map by Newton's method, from many starts at once."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import expm
from jaxtyping import Array, Bool, Float, Int

from dynlearn.analysis._cycle import Cycle, of_product
from dynlearn.analysis.orbit import Kept, StateMap, settled
from dynlearn.contract.markers import AbstractContinuous
from dynlearn.numerics import precision
from dynlearn.numerics.precision import array, compiled

ITERATIONS = 50
HALVINGS = 6
"""Lengths of a step that are tried: 1, 1/2, 1/4, ..."""


def search(map: StateMap, starts: Float[np.ndarray, "start z"], period: int, longest: int) -> Iterator[Cycle]:
    """Cycles that Newton's method comes to along the first run's map; one program serves periods up to `longest`."""
    with precision.float64():
        double = precision.double(map)
        found = newton(double, double.run(0), array(starts, float), array(period, int), longest)
        points, through, met = (np.asarray(leaf) for leaf in found)
    points = points[:, :period]
    for i in np.flatnonzero(met & np.isfinite(points).all((1, 2))):
        yield Cycle(points[i], of_product(through[i]))


@compiled
def newton(
    map: StateMap, kept: Kept, starts: Float[Array, "start z"], period: Int[Array, ""], longest: int
) -> tuple[Float[Array, "start phase z"], Float[Array, "start z z"], Bool[Array, " start"]]:
    """`longest` points, the derivative of F^period, and whether F^period(z) = z, where each start has led to.

    Of a continuous-time model only the equilibria are asked for: zeros of its field, whose flow has the derivative
    expm(interval times that of the field).
    """
    eye = jnp.eye(starts.shape[1], dtype=starts.dtype)
    lengths = 0.5 ** jnp.arange(HALVINGS, dtype=starts.dtype)
    is_flow = isinstance(map.model, AbstractContinuous)

    def gap(z):
        """What is 0 on a cycle: F^period(z) - z; of a flow, the field times the interval."""
        if is_flow:
            u = map.model.scaling.control(kept.control)
            return map.interval * map.model.vector_field(jnp.zeros(()), z, u, kept.state.static)
        return settled(map, kept, z, period) - z

    def newtons(z):
        """The gap, the step that would close it to first order, and its derivative."""
        if is_flow:
            left, slope = gap(z), jax.jacfwd(gap)(z)
        else:
            end, through = jax.lax.fori_loop(0, period, lambda _, now: map.pushed(kept, *now), (z, eye))
            left, slope = end - z, through - eye
        return left, -jnp.linalg.solve(slope, left), slope

    def phases(z):
        if longest == 1:
            return z[None]
        return jax.lax.scan(lambda z, _: (map.advance(kept, z), z), z, None, length=longest)[1]

    def one(z):
        def body(now):
            z, i, _ = now
            left, step, _ = newtons(z)
            tried = jax.vmap(lambda a: jnp.linalg.norm(gap(z + a * step)))(lengths)
            tried = jnp.where(jnp.isfinite(tried), tried, jnp.inf)
            best = jnp.argmin(tried)
            better = tried[best] < jnp.linalg.norm(left)
            return jnp.where(better, z + lengths[best] * step, z), i + 1, better

        z, *_ = jax.lax.while_loop(lambda now: now[2] & (now[1] < ITERATIONS), body, (z, 0, True))
        left, step, slope = newtons(z)
        eps, size = jnp.finfo(z.dtype).eps, 1 + jnp.linalg.norm(z)
        # Rounding is carried around the cycle as anything is; a step that is still long says that nothing is there.
        rounding = 30 * eps * size * (period + jnp.linalg.norm(slope))
        met = (jnp.linalg.norm(left) < rounding) & (jnp.linalg.norm(step) < jnp.sqrt(eps) * size)
        return phases(z), expm(slope) if is_flow else eye + slope, met

    return map.each(one, starts)
