"""Explicit Runge-Kutta steps on a fixed grid, as one unrolled or scanned loop."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import ArgumentError, check_known

Field = Callable[[Float[Array, ""], PyTree], PyTree]
"""dx/dt = field(t, x)."""


@dataclasses.dataclass(frozen=True)
class Tableau:
    """Butcher tableau of an explicit method: stages k_i = f(t + c_i h, x + h sum_j a_ij k_j)."""

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]


TABLEAUX = {
    "euler": Tableau(a=((),), b=(1.0,), c=(0.0,)),
    "heun": Tableau(a=((), (1.0,)), b=(0.5, 0.5), c=(0.0, 1.0)),
    "midpoint": Tableau(a=((), (0.5,)), b=(0.0, 1.0), c=(0.0, 0.5)),
    "rk4": Tableau(
        a=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), b=(1 / 6, 1 / 3, 1 / 3, 1 / 6), c=(0.0, 0.5, 0.5, 1.0)
    ),
}


class FixedStep(eqx.Module):
    """`substeps` equal steps of an explicit method across each interval.

    The cheapest choice where the samples are dense relative to the dynamics: no step-size
    search, so a batch never waits for its slowest member. Orders: euler 1, heun 2, midpoint 2, rk4 4.
    """

    scheme: str = eqx.field(static=True, default="rk4")
    substeps: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        check_known("fixed-step scheme", [self.scheme], TABLEAUX)
        if not isinstance(self.substeps, int) or self.substeps < 1:
            raise ArgumentError(f"FixedStep: expected substeps to be an integer >= 1, got {self.substeps!r}.")

    def __call__(self, field: Field, x: PyTree, time: Float[Array, ""], interval: Float[Array, ""]) -> PyTree:
        h = interval / self.substeps
        tableau = TABLEAUX[self.scheme]
        if self.substeps == 1:
            return _step(tableau, field, x, time, h)

        def body(x, i):
            return _step(tableau, field, x, time + i * h, h), None

        return jax.lax.scan(body, x, jax.numpy.arange(self.substeps))[0]


def _step(tableau: Tableau, field: Field, x: PyTree, t: Float[Array, ""], h: Float[Array, ""]) -> PyTree:
    stages: list[PyTree] = []
    for row, c in zip(tableau.a, tableau.c, strict=True):
        stages.append(field(t + c * h, _advance(x, h, row, stages)))
    return _advance(x, h, tableau.b, stages)


def _advance(x: PyTree, h: Float[Array, ""], weights: tuple[float, ...], stages: list[PyTree]) -> PyTree:
    """x + h sum_j w_j k_j, without the terms whose weight is zero."""
    for w, k in zip(weights, stages, strict=True):
        if w != 0.0:
            x = jax.tree.map(lambda xi, ki, w=w: xi + w * h * ki, x, k)
    return x
