"""The planner contract: from a state, a transition and a cost to a plan."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, Key

State = Any
"""Any pytree of arrays."""
Memory = Any
"""What a planner keeps from one plan to the next: any pytree of arrays."""
Transition = Callable[[State, Float[Array, " control"], Int[Array, ""], Key[Array, ""]], State]
"""`transition(state, control, k, key)`: the state after step k of the plan (k = 0 is now)."""


class Reason(eqx.Enumeration):
    """How a plan came about; `sentence(reason)` is what the user reads."""

    planned = "A plan was found."
    infeasible = (
        "No candidate keeps the hard constraints; the least violating one is used. Loosen the constraints, "
        "give the planner more samples or iterations, or start from another state."
    )
    diverged = (
        "Every candidate diverged (outputs or cost not finite); the previous plan, shifted by one step, "
        "is used. Check the model near this state, narrow the bounds, or shorten the horizon."
    )
    bad_state = (
        "The state to plan from is not finite; the previous plan, shifted by one step, is used. "
        "Check the observations, or warm the model up with more samples."
    )


NAMES = ("planned", "infeasible", "diverged", "bad_state")
"""The names of `Reason`, as they appear in decisions and in closed-loop runs."""


def choose(condition: Bool[Array, ""], yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`: two reasons, in compiled code."""
    return Reason.where(condition, yes, no)


def sentence(reason: Any) -> str:
    """What the user reads.

    >>> sentence(Reason.planned)
    'A plan was found.'
    """
    return str(Reason[reason])  # type: ignore[misc]


def name_of(reason: Any) -> str:
    """The name of a reason that is no longer traced.

    >>> name_of(Reason.diverged)
    'diverged'
    """
    return next(name for name in NAMES if sentence(getattr(Reason, name)) == sentence(reason))


class StageCost(eqx.Module):
    """The cost of one path, as callables over a planner's own states.

        J = sum_{k<H} [running(x_k, u_k, k) + penalty(x_{k+1}, u_k, k)] + terminal(x_H)

    `limits(x_{k+1}, u_k, k)` returns (penalty, violation), both >= 0; a path with any violation
    breaks a hard constraint. Limits are read on the state that a control leads to, because nothing can
    be done about the present one. None where there are no constraints.

    A path that diverges must cost something that is not finite.

    Args:
        running: from (state, control, step) to a scalar.
        terminal: from the last state to a scalar.
        limits: from (next state, control, step) to (penalty, violation).

    >>> import jax.numpy as jnp
    >>> cost = StageCost(lambda x, u, k: x @ x, lambda x: 10 * x @ x)
    >>> float(cost.running(jnp.ones(2), jnp.zeros(1), 0)), float(cost.terminal(jnp.ones(2)))
    (2.0, 20.0)
    """

    running: Callable[[State, Float[Array, " control"], Int[Array, ""]], Float[Array, ""]]
    terminal: Callable[[State], Float[Array, ""]]
    limits: Callable[..., tuple[Float[Array, ""], Float[Array, ""]]] | None = None


class Plan(eqx.Module):
    """Controls for the horizon and where they lead.

    Args:
        controls: `(horizon, control)`.
        states: a pytree of arrays `(horizon + 1, ...)`.
        cost: of the whole path, a scalar.
        reason: how the plan came about.
        stats: scalars of the planner's own, by name.

    >>> import jax.numpy as jnp
    >>> planned = Plan(jnp.zeros((3, 1)), jnp.ones((4, 2)), jnp.array(0.5), Reason.planned, {})
    >>> planned.controls.shape[0], float(planned.cost)
    (3, 0.5)
    """

    controls: Float[Array, "horizon control"]
    """Always within the bounds."""
    states: State
    """The states 0..horizon, along a new leading axis."""
    cost: Float[Array, ""]
    """+inf where the plan diverges."""
    reason: Reason
    stats: dict[str, Float[Array, ""]]


class AbstractPlanner(eqx.Module):
    """Finds controls of low cost within bounds. It knows no model, no environment, no dataset.

    Both methods are pure, and `plan` can be compiled: everything that changes from one plan to the
    next is in the memory.
    """

    @abc.abstractmethod
    def init(
        self,
        horizon: int,
        controls: int,
        low: Float[Array, " control"],
        high: Float[Array, " control"],
    ) -> Memory:
        """The memory before the first plan. `low` and `high` bound every control, element by element.

        Args:
            horizon: steps of a plan.
            controls: how many there are at each step.
            low, high: `(control,)`.

        Returns:
            A pytree of arrays of the planner's own.
        """

    @abc.abstractmethod
    def plan(
        self,
        transition: Transition,
        cost: StageCost,
        state: State,
        memory: Memory,
        key: Key[Array, ""],
    ) -> tuple[Plan, Memory]:
        """The best plan found from `state`, and the memory shifted by one step for the next call.

        Args:
            transition: from (state, control, step, key) to the next state.
            cost: of a path of such states.
            state: to start from, any pytree of arrays.
            memory: as `init` or the last `plan` returned it.
            key: of what is drawn.

        Returns:
            The plan, always with controls within the bounds, and a memory of the same form.
        """
