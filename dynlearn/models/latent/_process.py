"""The latent process of a continuous-discrete model: measured by auxiliary variables, exact where it can be."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.state_space import Into
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.processes.process import Process
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian


class AuxiliaryLaw(eqx.Module):
    """a = H z + e, e ~ N(0, diag(sigma^2)), whatever the sample."""

    H: Float[Array, "auxiliary state"]
    sigma: Float[Array, " auxiliary"]

    def __call__(self, x: Float[Array, " state"], at: None) -> MultivariateGaussian:
        return MultivariateGaussian(self.H @ x, jnp.diag(self.sigma))


def linear_chain(
    latent: Process, law: AuxiliaryLaw, crossed: Callable[[Into], tuple[Array, Array, Array]]
) -> Chain:
    """The same process where `crossed` gives the (F, c, chol_Q) of every transition."""
    F, c, chol_Q = jax.vmap(crossed)(latent.into)
    length, size = latent.y.shape
    rows = Chain(
        F=F.at[0].set(0),
        c=c.at[0].set(latent.start.mean),
        chol_Q=chol_Q.at[0].set(latent.start.chol),
        H=jnp.broadcast_to(law.H, (length, *law.H.shape)),
        d=jnp.zeros((length, size), law.H.dtype),
        chol_R=jnp.broadcast_to(jnp.diag(law.sigma), (length, size, size)),
        y=latent.y,
    )
    return rows.padded(latent.moves)
