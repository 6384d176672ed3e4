"""Random controls that excite a system: levels held for a while."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


@dataclasses.dataclass(frozen=True)
class Excitation:
    """Independent uniform levels between `low` and `high` (one bound per control), each held for `hold`
    samples.

    >>> Excitation((-1.0,), (1.0,), hold=2).draw(jax.random.key(0), 5).shape
    (5, 1)
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    hold: int

    def draw(self, key: Key[Array, ""], length: int) -> Float[Array, "time control"]:
        levels = -(-length // self.hold)
        low, high = jnp.asarray(self.low), jnp.asarray(self.high)
        values = jax.random.uniform(key, (levels, len(self.low)), minval=low, maxval=high)
        return jnp.repeat(values, self.hold, axis=0)[:length]


NONE = Excitation((), (), hold=1)
"""For a system without controls: draws arrays `(time, 0)`."""
