"""A network's features, fitted together with the dynamics."""

from typing import ClassVar

import equinox as eqx

from dynlearn.errors import check_count, check_known
from dynlearn.numerics.activations import ACTIVATIONS
from dynlearn.numerics.plain import plain
from dynlearn.parts.liftings.dictionary import AbstractDictionary
from dynlearn.parts.networks.networks import mlp


class Learned(AbstractDictionary):
    """A network's features, fitted together with the linear dynamics (deep Koopman).

    Args:
        count: features.
        delays: past samples in v beside the present one.
        width, depth, activation: of the network.
        network: from v to the features; `prepared` draws its weights.

    Raises:
        ArgumentError: sizes below 1, an unknown activation.

    Reference: Lusch, Kutz, Brunton, "Deep learning for universal linear embeddings of nonlinear dynamics",
    Nature Communications 2018.

    >>> import jax, jax.numpy as jnp
    >>> v = jnp.stack([jnp.arange(6.0), jnp.ones(6)], 1)
    >>> Learned(count=3, width=4).prepared(v, jax.random.key(0))(v[0]).shape
    (5,)
    """

    references: ClassVar[tuple[str, ...]] = ("lusch2018deep",)
    count: int = eqx.field(static=True, converter=plain, default=32)
    delays: int = eqx.field(static=True, converter=plain, default=10)
    width: int = eqx.field(static=True, converter=plain, default=64)
    depth: int = eqx.field(static=True, converter=plain, default=2)
    activation: str = eqx.field(static=True, default="tanh")
    network: eqx.nn.MLP | None = None

    def __check_init__(self):
        for name in ("count", "width", "depth"):
            check_count(name, getattr(self, name), 1)
        check_known("activation", [self.activation], ACTIVATIONS)

    def prepared(self, v, key):
        network = mlp(v.shape[1], self.count, self.width, self.depth, self.activation, key=key)
        return Learned(self.count, self.delays, self.width, self.depth, self.activation, network)

    def features(self, v):
        return self.network(v)
