"""Parametrisations of linear Gaussian systems: what a fit moves, and the matrices that come of it."""

import abc
from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float

from dynlearn.contract.linear_gaussian import Emission, Transition
from dynlearn.contract.scaling import Fixed
from dynlearn.numerics.linear.discretisation import discretised
from dynlearn.numerics.plain import plain


class Initial(Fixed):
    """x_0 ~ N(mean, chol chol^T). No gradient moves it: from one run it would shrink onto that run's start."""

    mean: Float[Array, " state"]
    chol: Float[Array, "state state"]


class Noise(eqx.Module):
    """A covariance, by any factor of it: the lower triangle of `raw`. Never indefinite, whatever `raw` is."""

    raw: Float[Array, "n n"]

    @property
    def chol(self) -> Float[Array, "n n"]:
        return jnp.tril(self.raw)


class AbstractSystem(eqx.Module):
    """Transition, emission and start of a linear Gaussian system, all in scaled units."""

    @property
    @abc.abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """One per entry of the state."""

    @property
    @abc.abstractmethod
    def feedthrough(self) -> bool:
        """Whether an output depends on the control of its own instant."""

    @property
    @abc.abstractmethod
    def continuous(self) -> bool:
        """Whether transitions of any length are known."""

    @abc.abstractmethod
    def initial(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        """Mean and covariance factor of the state at the first sample of a run."""

    @abc.abstractmethod
    def transition(self, interval: Float[Array, ""]) -> Transition:
        """From a sample to the next one, `interval` later."""

    @abc.abstractmethod
    def emission(self) -> Emission:
        """From the state to the outputs."""


class FreeMatrix(eqx.Module):
    """Any matrix."""

    matrix: Float[Array, "n n"]

    def __call__(self) -> Float[Array, "n n"]:
        return self.matrix


class Contraction(eqx.Module):
    r"""A = M R^{-1} with R^T R = I + M^T M (Cholesky): |A| < 1 for every M, so no A is unstable.

    In suitable coordinates of the state every stable A is of this form: with A^T P A - P = -I and
    P = T^T T, T A T^{-1} is a contraction.
    """

    M: Float[Array, "n n"]

    def __call__(self) -> Float[Array, "n n"]:
        R = jnp.linalg.cholesky(jnp.eye(self.M.shape[0], dtype=self.M.dtype) + self.M.T @ self.M).T
        return jnp.linalg.solve(R.T, self.M.T).T

    @classmethod
    def of(cls, A: Float[np.ndarray, "n n"]) -> Self:
        """M = A R, R R^T = (I - A^T A)^{-1} with R upper triangular; |A| < 1."""
        flip = np.eye(len(A))[::-1]
        S = np.linalg.inv(np.eye(len(A)) - A.T @ A)
        return cls(jnp.asarray(A @ (flip @ np.linalg.cholesky(flip @ S @ flip) @ flip)))


class Dissipation(eqx.Module):
    r"""A = S - S^T - N N^T, N lower triangular with N N^T > 0: dx/dt = A x dies out for every S, N.

    In suitable coordinates of the state every stable drift is of this form.
    """

    S: Float[Array, "n n"]
    N: Float[Array, "n n"]

    def __call__(self) -> Float[Array, "n n"]:
        N = jnp.tril(self.N)
        return self.S - self.S.T - N @ N.T - 1e-6 * jnp.eye(N.shape[0], dtype=N.dtype)

    @classmethod
    def of(cls, A: Float[np.ndarray, "n n"]) -> Self:
        """A + A^T < 0."""
        N = np.linalg.cholesky(-(A + A.T) / 2)
        return cls(jnp.asarray((A - A.T) / 4), jnp.asarray(N))


class MatrixSystem(AbstractSystem):
    """Discrete time by its matrices, or continuous time by its drift; A stable by construction if asked for.

    In continuous time dx = (A x + B u + c) dt + L dW with A, B, c, L = `Q.chol` per `time_scale`.
    """

    A_of: FreeMatrix | Contraction | Dissipation
    B: Float[Array, "state control"]
    c: Float[Array, " state"]
    C: Float[Array, "output state"]
    D: Float[Array, "output control"] | None
    """None without feed-through."""
    Q: Noise
    R: Noise
    start: Initial
    time_scale: float | None = eqx.field(static=True, converter=plain)
    """What one unit of the drift's time is in the dataset's; None in discrete time."""

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.c.shape[-1]))

    @property
    def feedthrough(self) -> bool:
        return self.D is not None

    @property
    def continuous(self) -> bool:
        return self.time_scale is not None

    @property
    def references(self) -> tuple[str, ...]:
        """Of the way across an interval in continuous time."""
        return ("vanloan1978computing",) if self.continuous else ()

    def initial(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        return self.start.mean, self.start.chol

    def transition(self, interval: Float[Array, ""]) -> Transition:
        if self.time_scale is None:
            return Transition(self.A_of(), self.B, jnp.zeros_like(self.B), self.c, self.Q.chol)
        inputs = jnp.concatenate([self.B, self.c[:, None]], axis=1)
        F, G, ramp, chol_Q = discretised(self.A_of(), inputs, self.Q.chol, interval / self.time_scale)
        return Transition(F, G[:, :-1], ramp[:, :-1], G[:, -1], chol_Q)

    def emission(self) -> Emission:
        D = jnp.zeros((self.C.shape[0], self.B.shape[1]), self.C.dtype) if self.D is None else self.D
        return Emission(self.C, D, self.R.chol)


def stable_coordinates(A: Float[np.ndarray, "n n"], *, continuous: bool) -> tuple[np.ndarray, np.ndarray]:
    """(T, A') with A' = T A T^{-1} a contraction (discrete) or dissipative (continuous), A made stable first."""
    n = len(A)
    if continuous:
        fastest = np.linalg.eigvals(A).real.max()
        A = A - max(0.0, fastest + 1e-2) * np.eye(n)
        P = scipy.linalg.solve_continuous_lyapunov(A.T, -np.eye(n))
    else:
        A = A * min(1.0, 0.99 / max(np.abs(np.linalg.eigvals(A)).max(), 1e-12))
        P = scipy.linalg.solve_discrete_lyapunov(A.T, np.eye(n))
    T = np.linalg.cholesky((P + P.T) / 2).T
    return T, T @ A @ np.linalg.inv(T)
