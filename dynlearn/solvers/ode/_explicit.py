"""Embedded explicit Runge-Kutta pairs as diffrax solvers, with their stages written out.

diffrax loops over the stages, which compiles fast and differentiates slowly: written out, a training
step takes two thirds of the time.
"""

from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from dynlearn.solvers.ode.fixed import advance

PAIRS: dict[str, Any] = {"tsit5": diffrax.Tsit5(), "dopri8": diffrax.Dopri8()}
"""Coefficients and dense output."""

STIFF = 3.16
"""h rho above which Tsit5 is limited by stability: 9/10 of the extent of its region along the negative axis."""
PATIENCE = 10
"""Stiff steps more than others, after which a field counts as stiff."""


def stages_of(
    name: str,
    f: Any,
    start: Float[Array, ""],
    end: Float[Array, ""],
    h: Float[Array, ""],
    x: PyTree,
    k1: PyTree,
) -> tuple[list[PyTree], list[PyTree]]:
    """Slopes k_i, and the states x_i that they were taken at; h is what the slopes are multiplied by."""
    tableau = PAIRS[name].tableau
    slopes, states = [k1], [x]
    for row, c in zip(tableau.a_lower, tableau.c, strict=True):
        states.append(advance(x, h, tuple(map(float, row)), slopes))
        slopes.append(f(start + float(c) * (end - start) if c != 1 else end, states[-1]))
    return slopes, states


def embedded_error(name: str, h: Float[Array, ""], slopes: list[PyTree]) -> PyTree:
    """h sum_i (b_i - b*_i) k_i, the difference of the pair's two solutions."""
    zero = jax.tree.map(jnp.zeros_like, slopes[0])
    return advance(zero, h, tuple(map(float, PAIRS[name].tableau.b_error)), slopes)


class ExplicitPair(diffrax.AbstractAdaptiveSolver):
    """One of `PAIRS`, in steps that end where the first slope of the next one was taken.

    Args:
        fsal: whether that slope may be used again; not where the field jumps between steps.
        detect: end the solve as if there were no steps left once the field looks stiff. The spectral
            radius is estimated by rho = |k_7 - k_6| / |x_7 - x_6|, both taken at t + h (Hairer,
            Wanner, "Solving ordinary differential equations II", section IV.2); for "tsit5".
    """

    name: str = eqx.field(static=True)
    fsal: bool = eqx.field(static=True, default=True)
    detect: bool = eqx.field(static=True, default=False)
    term_structure: ClassVar = diffrax.AbstractTerm

    @property
    def interpolation_cls(self):
        return PAIRS[self.name].interpolation_cls

    def order(self, terms):
        return PAIRS[self.name].order(terms)

    def func(self, terms, t0, y0, args):
        return terms.vf(t0, y0, args)

    def init(self, terms, t0, t1, y0, args):
        return terms.vf(t0, y0, args) if self.fsal else None, jnp.array(0) if self.detect else None

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        k1, stiff_steps = solver_state
        # For diffrax time always increases; where it runs backwards, h is negative instead.
        h = terms.contr(t0, t1)
        if not self.fsal:
            k1 = terms.vf(t0, y0, args)
        slopes, states = stages_of(self.name, lambda t, x: terms.vf(t, x, args), t0, t1, h, y0, k1)
        k = jax.tree.map(lambda *a: h * jnp.stack(a), *slopes)
        result = diffrax.RESULTS.successful
        if self.detect:
            stiff_steps, result = _stiffness(h, slopes, states, stiff_steps)
        error = jax.lax.stop_gradient(embedded_error(self.name, h, slopes))
        kept = slopes[-1] if self.fsal else None
        return states[-1], error, {"y0": y0, "y1": states[-1], "k": k}, (kept, stiff_steps), result


def _stiffness(h, slopes, states, count):
    def distance(a, b):
        return jnp.sqrt(
            sum(jnp.sum((x - y) ** 2) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))
        )

    change = jnp.abs(h) * distance(slopes[-1], slopes[-2])
    stiff = change > STIFF * distance(states[-1], states[-2])
    count = jax.lax.stop_gradient(jnp.where(stiff, count + 1, jnp.maximum(count - 1, 0)))
    gave_up = diffrax.RESULTS.where(
        count >= PATIENCE, diffrax.RESULTS.max_steps_reached, diffrax.RESULTS.successful
    )
    return count, gave_up
