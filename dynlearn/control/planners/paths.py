"""Paths: one sequence of controls followed through a transition, scored, and ranked."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.control.planners.contract import StageCost, State, Transition

INFEASIBLE = 1e30
"""Ranks of paths that break a hard constraint start here; costs are far below."""


class Score(eqx.Module):
    """What one path is worth. Leading batch axes come from `jax.vmap`."""

    cost: Float[Array, "*batch"]
    """+inf where the cost of any instant on the path is not finite."""
    violation: Float[Array, "*batch"]
    """Sum of the violations of hard constraints; 0 on a feasible path."""

    @property
    def rank(self) -> Float[Array, "*batch"]:
        """Smaller is better: feasible paths by cost, then infeasible ones by violation, then diverged ones.

        Reference: Wen, Topcu, "Constrained cross-entropy method for safe reinforcement learning",
        NeurIPS 2018.
        """
        by_violation = INFEASIBLE * (1 + self.violation / (1 + self.violation))
        rank = jnp.where(self.violation > 0, by_violation, jnp.minimum(self.cost, INFEASIBLE))
        return jnp.where(jnp.isfinite(self.cost), rank, jnp.inf)


def score(
    transition: Transition,
    cost: StageCost,
    state: State,
    controls: Float[Array, "horizon control"],
    keys: Key[Array, " horizon"],
) -> Score:
    """Follow `controls` from `state`. The same `keys` for all candidates make them comparable."""

    def body(carry, step):
        state, total, violation = carry
        u, k, key = step
        total = total + cost.running(state, u, k)
        state = transition(state, u, k, key)
        if cost.limits is not None:
            penalty, broken = cost.limits(state, u, k)
            total, violation = total + penalty, violation + broken
        return (state, total, violation), None

    zero = jnp.zeros((), controls.dtype)
    steps = (controls, jnp.arange(controls.shape[0]), keys)
    (state, total, violation), _ = jax.lax.scan(body, (state, zero, zero), steps)
    total = total + cost.terminal(state)
    alive = jnp.isfinite(total) & jnp.isfinite(violation)
    return Score(jnp.where(alive, total, jnp.inf), jnp.where(alive, violation, 0))


def states_along(
    transition: Transition,
    state: State,
    controls: Float[Array, "horizon control"],
    keys: Key[Array, " horizon"],
) -> State:
    """The states 0..horizon under `controls`, along a new leading axis."""

    def body(state, step):
        state = transition(state, *step)
        return state, state

    _, later = jax.lax.scan(body, state, (controls, jnp.arange(controls.shape[0]), keys))
    return jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), state, later)


def shifted(controls: Float[Array, "*batch horizon control"]) -> Float[Array, "*batch horizon control"]:
    """The same controls one step later: the first is gone, the last is held.

    >>> shifted(jnp.array([[1.0], [2.0], [3.0]]))[:, 0].tolist()
    [2.0, 3.0, 3.0]
    """
    return jnp.concatenate([controls[..., 1:, :], controls[..., -1:, :]], axis=-2)
