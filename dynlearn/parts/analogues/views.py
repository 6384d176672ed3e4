"""Views: outputs of any number as points of three coordinates, some of them by their past."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dynlearn.numerics.embedding_delay import embedding_delay

COORDINATES = 3
FEWEST = 8
"""Points with a known next one, below which a context says nothing."""


class Views(eqx.Module):
    r"""Which output, and how many delays ago, each coordinate of each group shows.

        one output:            (y_k, y_{k-d}, y_{k-2d})
        two:                   (y1_k, y2_k, y1_{k-d})
        three:                 (y1_k, y2_k, y3_k)
        more:                  a group (yi_k, yi_{k-d}, yi_{k-2d}) for each

    d is where the autocorrelation of the output falls below 1/e (`embedding_delay`), in every context anew.

    >>> Views(2).output
    ((0, 1, 0),)
    """

    output: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    delays: tuple[tuple[int, ...], ...] = eqx.field(static=True)

    def __init__(self, outputs: int):
        if outputs == 2:
            self.output, self.delays = ((0, 1, 0),), ((0, 0, 1),)
        elif outputs == COORDINATES:
            self.output, self.delays = ((0, 1, 2),), ((0, 0, 0),)
        else:
            self.output = tuple((i,) * COORDINATES for i in range(outputs))
            self.delays = tuple(tuple(range(COORDINATES)) for _ in range(outputs))

    @property
    def groups(self) -> int:
        return len(self.output)

    def points(
        self, y: Float[Array, "time output"], seen: Bool[Array, "time output"]
    ) -> tuple[Float[Array, "group time 3"], Bool[Array, "group time"]]:
        """The coordinates at every sample, and whether all of them were seen.

        Args:
            y: scaled outputs, 0 where they were not seen.
            seen: which were.
        """
        delay = jax.vmap(embedding_delay, in_axes=1)(y, seen)
        far, near = self._points(y, seen, delay), self._points(y, seen, jnp.ones_like(delay))
        # Where gaps leave too few points at that delay, neighbouring samples do.
        enough = (far[1][:, 1:] & far[1][:, :-1]).sum(1) >= FEWEST
        value, known = (
            jnp.where(enough.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(far, near, strict=True)
        )
        return value, known

    def _points(
        self, y: Float[Array, "time output"], seen: Bool[Array, "time output"], delay: Int[Array, " output"]
    ) -> tuple[Float[Array, "group time 3"], Bool[Array, "group time"]]:
        index = jnp.arange(y.shape[0])

        def coordinate(output: int, times: int) -> tuple[Array, Array]:
            place = index - times * delay[output]
            inside = jnp.maximum(place, 0)
            return y[inside, output], seen[inside, output] & (place >= 0)

        def group(outputs: tuple[int, ...], delays: tuple[int, ...]) -> tuple[Array, Array]:
            value, known = zip(*map(coordinate, outputs, delays), strict=True)
            return jnp.stack(value, axis=1), jnp.stack(known).all(0)

        values, known = zip(*map(group, self.output, self.delays), strict=True)
        return jnp.stack(values), jnp.stack(known)

    def outputs(self, points: Float[Array, "group 3"]) -> Float[Array, " output"]:
        """The outputs of one sample, out of its coordinates."""
        return jnp.stack([points[group, coordinate] for group, coordinate in self._places])

    @property
    def _places(self) -> list[tuple[int, int]]:
        """Of every output: the group and the coordinate that shows it without a delay."""
        return [
            (group, coordinate)
            for group, times in enumerate(self.delays)
            for coordinate, delay in enumerate(times)
            if delay == 0
        ]
