"""A piecewise-linear map on the host, in float64."""

from typing import Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from dynlearn.analysis.orbit import StateMap
from dynlearn.contract.markers import AbstractLinearLatent
from dynlearn.contract.piecewise_linear import AbstractPiecewiseLinear, Pieces
from dynlearn.numerics import precision

LARGE = 1e9
"""Scaled units: beyond, only the direction in which an orbit leaves is followed."""


class PiecewiseMap:
    """z' = A z + V relu(U z + c) + h, with what is applied all along taken into h."""

    def __init__(self, pieces: Pieces, inputs: Float[np.ndarray, " input"]):
        A, V, U, c, h, B = (np.asarray(p, np.float64) for p in pieces)
        bends = (U != 0).any(1)  # other units are never crossed: they are on for ever, or off
        steady = np.maximum(c[~bends], 0)
        self.A, self.V, self.U, self.c = A, V[:, bends], U[bends], c[bends]
        self.h = h + B @ inputs + V[:, ~bends] @ steady
        self.unit = np.flatnonzero(bends)
        """Which of the model's units each one is."""

    @classmethod
    def of(cls, map: StateMap) -> Self | None:
        """That of a piecewise-linear or linear model, along its first run; None of any other."""
        with precision.float64():  # sums and products of weights are rounded as these are, once
            map = precision.double(map)
            model, kept = map.model, map.run(0)
            u = model.scaling.control(kept.control)
            if isinstance(model, AbstractPiecewiseLinear):
                u = jnp.concatenate([jnp.ravel(model.signature.hold.still(u)), kept.state.static])
                pieces = model.pieces()
            elif isinstance(model, AbstractLinearLatent):
                size = model.A.shape[0]
                none = jnp.zeros((size, 0)), jnp.zeros((0, size)), jnp.zeros(0)
                pieces = Pieces(model.A, *none, model.c, model.B)
            else:
                return None
            return cls(pieces, np.asarray(u))

    @property
    def units(self) -> int:
        return len(self.c)

    def __call__(self, z: Float[np.ndarray, "*batch z"]) -> Float[np.ndarray, "*batch z"]:
        return z @ self.A.T + np.maximum(self.height(z), 0) @ self.V.T + self.h

    def height(self, z: Float[np.ndarray, "*batch z"]) -> Float[np.ndarray, "*batch unit"]:
        """How far each unit is above its threshold."""
        return z @ self.U.T + self.c

    def pattern(self, z: Float[np.ndarray, "*batch z"]) -> Bool[np.ndarray, "*batch unit"]:
        """Which units are on."""
        return self.height(z) > 0

    def affine(self, on: Bool[np.ndarray, "*batch unit"]) -> tuple[np.ndarray, np.ndarray]:
        """(J, b) of z' = J z + b in each of these regions."""
        bent = self.V * on[..., None, :]
        return self.A + bent @ self.U, self.h + bent @ self.c

    def path(self, z: Float[np.ndarray, "start z"], steps: int) -> Float[np.ndarray, "start step z"]:
        """`z`, F(z), F(F(z)), .., so many states in all; those that leave are held at the edge of a large cube."""
        states = [z]
        for _ in range(steps - 1):
            states.append(np.clip(self(states[-1]), -LARGE, LARGE))
        return np.stack(states, axis=1)

    def regions(self) -> Bool[np.ndarray, "region unit"]:
        """Every pattern there could be."""
        codes = np.arange(2**self.units)[:, None] >> np.arange(self.units)
        return (codes & 1).astype(bool)
