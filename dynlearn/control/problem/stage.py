"""The planning problem: a model, a cost and constraints as the two things a planner sees."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import cross, pieces_needed
from dynlearn.control.planners.contract import StageCost, State, Transition
from dynlearn.control.problem.constraint import Constraint
from dynlearn.control.problem.cost import Cost
from dynlearn.numerics.distributions.mixture import Mixture


def transition_of(model: AbstractModel, start: Float[Array, ""], interval: float) -> Transition:
    """The model's mean path, with each control held across its interval."""
    dt, pieces = jnp.asarray(interval, start.dtype), pieces_needed(model, interval)

    def transition(state: State, control: Array, k: Int[Array, ""], key: Key[Array, ""]) -> State:
        return cross(model, state, model.signature.hold.still(control), start + k * dt, dt, pieces=pieces)

    return transition


def stage_cost_of(
    model: AbstractModel,
    cost: Cost,
    constraints: tuple[Constraint, ...],
    start: Float[Array, ""],
    interval: float,
) -> StageCost:
    """The expected cost over the members of an ensemble; of a single model, the cost of its mean path."""
    dt = jnp.asarray(interval, start.dtype)
    nothing = jnp.zeros(model.signature.controls, start.dtype)

    def running(state, control, k):
        members = member_outputs(model, state, control)
        each = jax.vmap(lambda y: cost.running(y, control, start + k * dt))(members)
        return _unless_diverged(each, members)

    def terminal(state):
        members = member_outputs(model, state, nothing)
        return _unless_diverged(jax.vmap(cost.terminal)(members), members)

    def limits(state, control, k):
        members = member_outputs(model, state, control)
        each = [
            jax.vmap(lambda y, c=c: c.penalty_and_violation(y, control, start + (k + 1) * dt))(members)
            for c in constraints
        ]
        return sum(p.mean() for p, _ in each), sum(v.sum() for _, v in each)

    return StageCost(running, terminal, limits if constraints else None)


def _unless_diverged(
    each: Float[Array, " member"], members: Float[Array, "member output"]
) -> Float[Array, ""]:
    """The mean cost, +inf where an output is not finite: a bounded cost must not hide a diverged path."""
    return jnp.where(jnp.isfinite(members).all(), each.mean(), jnp.inf)


def member_outputs(
    model: AbstractModel, state: State, control: Float[Array, " control"]
) -> Float[Array, "member output"]:
    """The mean outputs of each member of an ensemble; one row for a single model."""
    predicted = model.observe(state, control)
    if isinstance(predicted, Mixture):
        return predicted.components.mean
    return predicted.mean[None]
