"""The parameters of a switching linear model, and the chain one run of it makes; all in scaled units."""

import dataclasses
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dynlearn.contract.scaling import Fixed, Scaling
from dynlearn.filtering.processes.switches import AbstractSwitch, Markov, StateDependent
from dynlearn.filtering.processes.switching import Move, SwitchingChain
from dynlearn.trajectories.window import Window

START_VARIANCE = 10.0
"""Of the state at the first sample, beside a variance of 1 over the training data."""


class Start(Fixed):
    """z_0 ~ softmax(log_regime), x_0 ~ N(mean, chol chol^T). No gradient moves it."""

    mean: Float[Array, " state"]
    chol: Float[Array, "state state"]
    log_regime: Float[Array, " regime"]

    @classmethod
    def wide(cls, states: int, regimes: int) -> Self:
        return cls(jnp.zeros(states), START_VARIANCE**0.5 * jnp.eye(states), jnp.zeros(regimes))


class SwitchingSystem(eqx.Module):
    """x' = A_z x + B_z u + c_z + Q_z^{1/2} w, y = C_z x + d_z + R_z^{1/2} v, z the regime of the sample arrived at.

    The leading axis of C, d, R has length 1 where all regimes share their outputs. Covariances are kept by
    factors, of which the lower triangles count.
    """

    A: Float[Array, "regime state state"]
    B: Float[Array, "regime state control"]
    c: Float[Array, "regime state"]
    Q: Float[Array, "regime state state"]
    C: Float[Array, "emission output state"]
    d: Float[Array, "emission output"]
    R: Float[Array, "emission output output"]
    switch: AbstractSwitch
    start: Start
    fitted: bool = eqx.field(static=True, default=True)

    @classmethod
    def random(
        cls, states: int, regimes: int, outputs: int, controls: int, *, shared: bool, reads_state: bool, key
    ) -> Self:
        """Slowly damped rotations of different angles, regimes that last some 50 samples; not fitted."""
        k = jax.random.split(key, 4)
        q, _ = jnp.linalg.qr(jnp.eye(states) + 0.3 * jax.random.normal(k[0], (regimes, states, states)))
        one = 1 if shared else regimes
        eye = jnp.eye(outputs)
        return cls(
            A=0.95 * q,
            B=0.1 * jax.random.normal(k[1], (regimes, states, controls)),
            c=0.1 * jax.random.normal(k[2], (regimes, states)),
            Q=jnp.broadcast_to(0.1 * jnp.eye(states), (regimes, states, states)),
            C=jnp.broadcast_to(jax.random.normal(k[3], (1, outputs, states)), (one, outputs, states)),
            d=jnp.zeros((one, outputs)),
            R=jnp.broadcast_to(0.1 * eye, (one, outputs, outputs)),
            switch=switch_of(4.0 * np.eye(regimes), np.zeros((regimes, states)) if reads_state else None),
            start=Start.wide(states, regimes),
            fitted=False,
        )

    def as_fitted(self, fitted: bool = True) -> Self:
        return dataclasses.replace(self, fitted=fitted)

    @property
    def regimes(self) -> int:
        return self.A.shape[0]

    @property
    def states(self) -> int:
        return self.A.shape[-1]

    @property
    def shared(self) -> bool:
        """Whether C, d, R are the same in all regimes by construction."""
        return self.C.shape[0] == 1 < self.regimes

    def move(self, u: Float[Array, " control"]) -> Move:
        """The transition under each regime; `u` scaled."""
        return Move(self.A, self.c + self.B @ u, jnp.tril(self.Q), jnp.ones((), bool))

    def emission(self) -> tuple[Array, Array, Array]:
        """C, d and a factor of R of each regime."""
        K = self.regimes
        each = (self.C, self.d, jnp.tril(self.R))
        return tuple(jnp.broadcast_to(a, (K, *a.shape[1:])) for a in each)  # type: ignore[return-value]

    def chain(self, scaling: Scaling, run: Window) -> SwitchingChain:
        """One run (no batch axes), padded at either end; what stands in the padding is not read."""
        u = jnp.where(run.valid[:, None], scaling.control(run.control), 0)
        y = jnp.where(run.observed, scaling.output(run.output), jnp.nan)
        K, T = self.regimes, run.valid.shape[0]

        def rows(first: Array, after: Array) -> Array:
            each = jnp.broadcast_to(after, (T - 1, *after.shape[-first.ndim :]))
            return jnp.concatenate([first[None], each])

        shift = self.c + jnp.einsum("jnm,km->kjn", self.B, u[:-1])
        over_regimes = lambda a: jnp.broadcast_to(a, (K, *a.shape))  # noqa: E731
        H, d, chol_R = (jnp.broadcast_to(a, (T, *a.shape)) for a in self.emission())
        return SwitchingChain(
            F=rows(jnp.zeros_like(self.A), self.A),
            c=rows(over_regimes(self.start.mean), shift),
            chol_Q=rows(over_regimes(self.start.chol), jnp.tril(self.Q)),
            H=H,
            d=d,
            chol_R=chol_R,
            y=y,
            moves=moves(run.valid),
            log_start=self.start.log_regime,
            switch=self.switch,
        )


def moves(valid: Bool[Array, " time"]) -> Bool[Array, " time"]:
    """Whether there is a transition into each sample."""
    return jnp.concatenate([jnp.zeros_like(valid[:1]), valid[:-1] & valid[1:]])


def switch_of(logits: object, W: object | None) -> AbstractSwitch:
    """Switching that reads the state where there are weights of it."""
    if W is None:
        return Markov(jnp.asarray(logits, float))
    return StateDependent(jnp.asarray(logits, float), jnp.asarray(W, float))
