"""The drifts of a latent stochastic differential equation: linear, locally linear, a network.

In scaled time and inputs, autonomous: dz = f(z, v) dt + G dB, v the controls and static features.
"""

import abc
import dataclasses
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.errors import check_known
from dynlearn.numerics.keys import split
from dynlearn.numerics.linear.discretisation import discretised
from dynlearn.numerics.linear.flow import flow
from dynlearn.numerics.plain import plain
from dynlearn.parts.networks.networks import mlp

FORMS = ("linear", "locally_linear", "nonlinear")


class AbstractDrift(eqx.Module):
    """What the state does, and how a Gaussian comes of it over one interval."""

    @abc.abstractmethod
    def __call__(self, z: Float[Array, " state"], v: Float[Array, " input"]) -> Float[Array, " state"]:
        """dz/dt, without the noise."""

    @abc.abstractmethod
    def moved(
        self,
        z: Float[Array, " state"],
        v: Float[Array, "2 input"],
        interval: Float[Array, ""],
        G: Float[Array, "state state"],
    ) -> tuple[Float[Array, " state"], Float[Array, "state rank"]]:
        """Mean and covariance factor `interval` later, the input on a straight line between its two ends."""

    def finer(self, pieces: int) -> Self:
        """Crossing an interval in that many times as many steps."""
        return self


class LinearDrift(AbstractDrift):
    """F z + B v + c; crossed exactly."""

    references: ClassVar[tuple[str, ...]] = ("vanloan1978computing",)
    F: Float[Array, "state state"]
    B: Float[Array, "state input"]
    c: Float[Array, " state"]

    def __call__(self, z: Float[Array, " state"], v: Float[Array, " input"]) -> Float[Array, " state"]:
        return self.F @ z + self.B @ v + self.c

    def transition(
        self, v: Float[Array, "2 input"], interval: Float[Array, ""], G: Float[Array, "state state"]
    ) -> tuple[Float[Array, "state state"], Float[Array, " state"], Float[Array, "state state"]]:
        """(F, c, chol_Q) of z' = F z + c + chol_Q w."""
        inputs = jnp.concatenate([self.B, self.c[:, None]], axis=1)
        F, into, ramp, chol_Q = discretised(self.F, inputs, G, interval)
        return F, into[:, :-1] @ v[0] + into[:, -1] + ramp[:, :-1] @ (v[1] - v[0]), chol_Q

    def moved(
        self,
        z: Float[Array, " state"],
        v: Float[Array, "2 input"],
        interval: Float[Array, ""],
        G: Float[Array, "state state"],
    ) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        F, c, chol_Q = self.transition(v, interval, G)
        return F @ z + c, chol_Q


class LocallyLinearDrift(AbstractDrift):
    """sum_k alpha_k(z) F_k z + B v + c, alpha the softmax of a network's outputs."""

    references: ClassVar[tuple[str, ...]] = ("sarkka2019applied",)
    F: Float[Array, "base state state"]
    B: Float[Array, "state input"]
    c: Float[Array, " state"]
    network: eqx.nn.MLP
    substeps: int = eqx.field(static=True, converter=plain)

    def __call__(self, z: Float[Array, " state"], v: Float[Array, " input"]) -> Float[Array, " state"]:
        alpha = jax.nn.softmax(self.network(z))
        return jnp.tensordot(alpha, self.F, 1) @ z + self.B @ v + self.c

    def moved(
        self,
        z: Float[Array, " state"],
        v: Float[Array, "2 input"],
        interval: Float[Array, ""],
        G: Float[Array, "state state"],
    ) -> tuple[Float[Array, " state"], Float[Array, "state rank"]]:
        return _crossed(self, z, v, interval, G)

    def finer(self, pieces: int) -> Self:
        return dataclasses.replace(self, substeps=pieces * self.substeps)


class NetworkDrift(AbstractDrift):
    """A multilayer perceptron of z and v."""

    references: ClassVar[tuple[str, ...]] = ("sarkka2019applied",)
    network: eqx.nn.MLP
    substeps: int = eqx.field(static=True, converter=plain)

    def __call__(self, z: Float[Array, " state"], v: Float[Array, " input"]) -> Float[Array, " state"]:
        return self.network(jnp.concatenate([z, v]))

    def moved(
        self,
        z: Float[Array, " state"],
        v: Float[Array, "2 input"],
        interval: Float[Array, ""],
        G: Float[Array, "state state"],
    ) -> tuple[Float[Array, " state"], Float[Array, "state rank"]]:
        return _crossed(self, z, v, interval, G)

    def finer(self, pieces: int) -> Self:
        return dataclasses.replace(self, substeps=pieces * self.substeps)


def drift_of(
    form: str,
    states: int,
    inputs: int,
    *,
    bases: int,
    width: int,
    depth: int,
    activation: str,
    substeps: int,
    key: Key[Array, ""],
) -> AbstractDrift:
    """Of the form of that name, to start a fit from: slow, damped rotations, or a network near zero."""
    check_known("form", [form], FORMS)
    for_matrices, for_network = split(key, 2)
    B, c = jnp.zeros((states, inputs)), jnp.zeros(states)
    if form == "linear":
        return LinearDrift(_rotations(states, for_matrices, 1)[0], B, c)
    if form == "locally_linear":
        network = mlp(states, bases, width, depth, activation, key=for_network)
        return LocallyLinearDrift(_rotations(states, for_matrices, bases), B, c, network, substeps)
    network = mlp(states + inputs, states, width, depth, activation, key=for_network, last=0.3)
    return NetworkDrift(network, substeps)


def _along(drift: AbstractDrift, v: Float[Array, "2 input"]):
    return lambda z, fraction: drift(z, v[0] + fraction * (v[1] - v[0]))


def _rotations(states: int, key: Key[Array, ""], count: int) -> Float[Array, "base state state"]:
    """S - S^T less a little damping: eigenvalues of modulus about one, none of which grows."""
    S = jax.random.normal(key, (count, states, states)) / jnp.sqrt(2.0 * states)
    return S - jnp.swapaxes(S, 1, 2) - 0.1 * jnp.eye(states)


@eqx.filter_checkpoint
def _crossed(drift, z, v, interval, G):
    return flow(_along(drift, v), lambda z, fraction: G, z, interval, drift.substeps)
