"""The marker of linear Gaussian state-space models, and the chain one run of them makes."""

import abc
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods.exact import Exact
from dynlearn.trajectories.window import Window


class Transition(NamedTuple):
    """x' = F x + G u_k + ramp (u_{k+1} - u_k) + c + chol_Q w, in scaled units; `ramp` counts under linear hold only."""

    F: Float[Array, "state state"]
    G: Float[Array, "state control"]
    ramp: Float[Array, "state control"]
    c: Float[Array, " state"]
    chol_Q: Float[Array, "state state"]


class Emission(NamedTuple):
    """y = C x + D u + chol_R v, in scaled units."""

    C: Float[Array, "output state"]
    D: Float[Array, "output control"]
    chol_R: Float[Array, "output output"]


class AbstractLinearGaussian(AbstractStateSpace):
    """Marker: linear dynamics and outputs with Gaussian noise, so that every inference is exact.

    A state of `infer` and `step` is a belief: the mean path (`key=None`) carries the whole
    distribution, and a key draws from it.
    """

    @abc.abstractmethod
    def initial(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        """Mean and covariance factor of the state at the first sample of a run.

        Returns:
            The mean `(state,)`, and a factor L with L L^T the covariance, `(state, state)`; scaled.
        """

    @abc.abstractmethod
    def transition(self, interval: Float[Array, ""]) -> Transition:
        """From a sample to the next one, `interval` later.

        Args:
            interval: in the model's time unit.

        Returns:
            The matrices F, G, ramp, c and a factor of the noise's covariance, scaled.
        """

    @abc.abstractmethod
    def emission(self) -> Emission:
        """From the state to the outputs.

        Returns:
            The matrices C, D and a factor of the noise's covariance, scaled.
        """

    @property
    def inference(self) -> Exact:
        return Exact()

    def process(self, run: Window) -> Chain:
        return chain(self, run)


def chain(model: AbstractLinearGaussian, run: Window) -> Chain:
    """One run (no batch axes) as a chain in scaled units, at whichever end it is padded.

    What stands where a sample is not valid or an output not observed is not read.
    """
    valid, scaling = run.valid, model.scaling
    u = jnp.where(valid[:, None], scaling.control(run.control), 0)
    interval = jnp.where(valid, run.interval, 0)[:-1]
    m0, chol_P0 = model.initial()
    step, emit = jax.vmap(model.transition)(interval), model.emission()
    shift = jnp.einsum("kij,kj->ki", step.G, u[:-1]) + step.c
    if model.signature.hold.known_at_end:
        shift = shift + jnp.einsum("kij,kj->ki", step.ramp, u[1:] - u[:-1])
    length = valid.shape[0]
    rows = Chain(
        F=jnp.concatenate([jnp.zeros_like(chol_P0)[None], step.F]),
        c=jnp.concatenate([m0[None], shift]),
        chol_Q=jnp.concatenate([chol_P0[None], step.chol_Q]),
        H=jnp.broadcast_to(emit.C, (length, *emit.C.shape)),
        d=u @ emit.D.T,
        chol_R=jnp.broadcast_to(emit.chol_R, (length, *emit.chol_R.shape)),
        y=jnp.where(run.observed, scaling.output(run.output), jnp.nan),
    )
    return rows.padded(jnp.concatenate([valid[:1], valid[:-1] & valid[1:]]))
