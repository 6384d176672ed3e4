"""Local regression: where the run of a context went from places like this one."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dynlearn.numerics.precision import array

LEAST = 1e-2
"""Squares of a step: spread of the points around a place, below which no slope is taken from them."""


class Analogues(eqx.Module):
    """The points of one context, with what came after each."""

    point: Float[Array, "time d"]
    before: Float[Array, "time d"]
    """The point a sample earlier."""
    change: Float[Array, "time d"]
    """From each point to the next."""
    seen: Bool[Array, " time"]
    """Where all three are known."""

    @classmethod
    def of(cls, point: Float[Array, "time d"], known: Bool[Array, " time"]) -> "Analogues":
        before, after = jnp.roll(point, 1, axis=0), jnp.roll(point, -1, axis=0)
        seen = (known & jnp.roll(known, 1) & jnp.roll(known, -1)).at[jnp.array([0, -1])].set(False)
        return cls(point, before, jnp.where(seen[:, None], after - point, 0), seen)

    @property
    def step(self) -> Float[Array, ""]:
        """Root of the mean square change of a coordinate within a sample."""
        count = jnp.maximum(self.seen.sum(), 1)
        return jnp.sqrt((self.change**2).sum() / (count * self.change.shape[1]) + 1e-12)


class Local(eqx.Module):
    """What one point's surroundings say, by every width."""

    change: Float[Array, "width d"]
    """The regression's value at the point."""
    mean: Float[Array, "width d"]
    """Of the changes nearby."""
    offset: Float[Array, "width d"]
    """From the point to the mean of those nearby."""


class LocalRegression(eqx.Module):
    r"""Weighted linear regression of the next change on the place, around a point q, at several widths.

        r_t^2 = |c_t - q|^2 + past |c_{t-1} - q_-|^2,    w_t ~ exp(-r_t^2 / (width (min_t r_t^2 + floor step^2)))
        change(q) = m - X (S + ridge tr(S) / d I)^-1 o
        o = sum w (c_t - q),  m = sum w dc_t,  S = sum w (c_t - q - o)(..)^T,  X = sum w (dc_t - m)(c_t - q - o)^T

    q_- is the point a sample before q: orbits that cross in this view of the system came from elsewhere. `step` is how
    far a sample goes. Widths, floors, ridges and the weight of the past are learned.

    References: Lorenz, "Atmospheric predictability as revealed by naturally occurring analogues", J. Atmos. Sci. 26
    (1969) 636; Sugihara, "Nonlinear forecasting for the classification of natural time series", Phil. Trans. R. Soc. A
    348 (1994) 477 (S-map).

    >>> import jax.numpy as jnp
    >>> line = jnp.stack([jnp.linspace(0.0, 1.0, 50)] * 3, axis=1)
    >>> found = LocalRegression()(Analogues.of(line, jnp.ones(50, bool)), line[20], line[19])
    >>> found.change[0].round(3)
    Array([0.02, 0.02, 0.02], dtype=float32)
    """

    width: Float[Array, " width"]
    floor: Float[Array, " width"]
    ridge: Float[Array, " width"]
    past: Float[Array, " width"]

    def __init__(self) -> None:
        """Logarithms of each."""
        self.width = array((0.0, 0.7, 1.5, 3.0))
        self.floor = array((-5.0, -2.0, 0.0, 2.0))
        self.ridge = array((-4.0, -4.0, -4.0, -4.0))
        self.past = array((-0.7, -0.7, -0.7, -0.7))

    @property
    def widths(self) -> int:
        return self.width.shape[0]

    def __call__(self, context: Analogues, q: Float[Array, " d"], before: Float[Array, " d"]) -> Local:
        d = q.shape[0]
        # The weights move with q as well, by slopes as sharp as they are narrow: a gradient through many steps that
        # follows them explodes. It follows the regression's own slope instead.
        here = jax.lax.stop_gradient(q)
        away = context.point - here
        earlier = ((context.before - jax.lax.stop_gradient(before)) ** 2).sum(1)
        square = (away**2).sum(1) + jnp.exp(self.past)[:, None] * earlier
        nearest = jnp.where(context.seen, square, jnp.inf).min(1)
        scale = jnp.exp(self.width) * (nearest + jnp.exp(self.floor) * context.step**2)
        w = jax.nn.softmax(jnp.where(context.seen, -square / scale[:, None], -jnp.inf))
        second = (away[:, :, None] * away[:, None, :]).reshape(-1, d * d)
        mixed = (context.change[:, :, None] * away[:, None, :]).reshape(-1, d * d)
        moments = w @ jnp.concatenate([away, context.change, second, mixed], axis=1)
        o, m = moments[:, :d], moments[:, d : 2 * d]
        rest = moments[:, 2 * d :].reshape(-1, 2, d, d)
        S = rest[:, 0] - o[:, :, None] * o[:, None, :]
        X = rest[:, 1] - m[:, :, None] * o[:, None, :]
        # A cycle that repeats itself exactly shows a point again and again, around which there is no slope to see.
        size = jnp.trace(S, axis1=1, axis2=2)[:, None, None] / d + LEAST * context.step**2
        from_mean = (q - here) - o
        back = _solved(S / size + jnp.exp(self.ridge)[:, None, None] * jnp.eye(d), from_mean / size[:, 0])
        return Local(m + jnp.einsum("wij,wj->wi", X, back), m, -from_mean)


def _solved(S: Float[Array, "width 3 3"], b: Float[Array, "width 3"]) -> Float[Array, "width 3"]:
    """S^-1 b of symmetric matrices of three rows, by cofactors: a factorisation would be called once for each."""
    rows = [S[:, i] for i in range(3)]
    cofactors = jnp.stack(
        [jnp.cross(rows[1], rows[2]), jnp.cross(rows[2], rows[0]), jnp.cross(rows[0], rows[1])], 1
    )
    determinant = (rows[0] * cofactors[:, 0]).sum(-1)
    return jnp.einsum("wij,wi->wj", cofactors, b) / determinant[:, None]
