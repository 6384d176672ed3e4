"""Delay coordinates: the identity, or Hankel coordinates."""

import equinox as eqx

from dynlearn.numerics.plain import plain
from dynlearn.parts.liftings.dictionary import AbstractDictionary


class Delays(AbstractDictionary):
    """z = v: the identity with `delays=0`, Hankel (time-delay) coordinates otherwise.

    Args:
        delays: past samples in v beside the present one.

    Reference: Arbabi, Mezić, "Ergodic theory, dynamic mode decomposition, and computation of spectral properties of
    the Koopman operator", SIAM J. Appl. Dyn. Syst. 2017.

    >>> import jax.numpy as jnp
    >>> Delays(1)(jnp.array([2.0, 3.0]))
    Array([2., 3.], dtype=float32)
    """

    delays: int = eqx.field(static=True, converter=plain, default=10)

    def prepared(self, v, key):
        return self

    def features(self, v):
        return v[:0]
