"""One iteration of SwitchingEM."""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.fitting.methods.likelihood._switching_moments import Expected, expected
from dynlearn.fitting.methods.likelihood._switching_odds import fitted_switch
from dynlearn.fitting.methods.likelihood.em_steps import regression
from dynlearn.models.switching.switching_linear import SwitchingLinear
from dynlearn.models.switching.system import SwitchingSystem
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories.window import Window

FLOOR = 0.02
"""Standard deviation, in scaled units, of the one residual that the prior of every noise has seen."""


def with_system(model: SwitchingLinear, system: SwitchingSystem) -> SwitchingLinear:
    return eqx.tree_at(lambda m: m.system, model, system)


@compiled
def improved(model: SwitchingLinear, runs: Window, sticky: float) -> tuple[SwitchingLinear, Float[Array, ""]]:
    """One E- and M-step, and the log-likelihood (in physical units) before it."""
    each = jax.vmap(lambda run: expected(model, run))(runs)
    jacobian = jnp.where(runs.observed, jnp.log(model.scaling.output_scale), 0).sum()
    laws = _laws(model, each)
    system = dataclasses.replace(
        model.system,
        A=laws.A,
        B=laws.B,
        c=laws.c,
        Q=laws.Q,
        C=laws.C,
        d=laws.d,
        R=laws.R,
        switch=fitted_switch(model.system.switch, each.weight, each.x, sticky),
    )
    return with_system(model, system), each.log_density.sum() - jacobian


class _Laws(NamedTuple):
    A: Array
    B: Array
    c: Array
    Q: Array
    C: Array
    d: Array
    R: Array


def _laws(model: SwitchingLinear, each: Expected) -> _Laws:
    n, m = model.system.states, model.signature.controls

    def one(rows: Array, regressors: int, count: Array) -> tuple[Array, Array]:
        rows = rows.reshape(-1, rows.shape[-1])
        prior = FLOOR * jnp.eye(rows.shape[-1], dtype=rows.dtype)[regressors:]
        return regression(jnp.concatenate([rows, prior]), regressors, count + 1)

    moved = jnp.moveaxis(each.moves, 2, 0)
    W, Q = jax.vmap(lambda r, c: one(r, n + m + 1, c))(moved, each.weight.sum((0, 1, 2)))
    seen = jnp.moveaxis(each.outputs, 2, 0)
    counts = each.seen.sum((0, 1))
    if model.system.shared:
        seen, counts = seen.reshape(1, -1, seen.shape[-1]), counts.sum()[None]
    V, R = jax.vmap(lambda r, c: one(r, n + 1, c))(seen, counts)
    W, V = jnp.swapaxes(W, 1, 2), jnp.swapaxes(V, 1, 2)
    return _Laws(W[:, :, :n], W[:, :, n:-1], W[:, :, -1], Q, V[:, :, :-1], V[:, :, -1], R)
