"""MPC: plan over a model at every step, apply the first control, plan again."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from dynlearn.contract.checks.control_range import check_controls
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import AbstractMembers
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.control.controllers import past as pasts
from dynlearn.control.controllers.checks import (
    check_cost,
    check_horizon,
    check_instants,
    check_interval,
    check_parts,
    checked_bounds,
)
from dynlearn.control.controllers.decision import Decision
from dynlearn.control.planners.cem import CEM
from dynlearn.control.planners.contract import AbstractPlanner, Plan
from dynlearn.control.planners.contract import Memory as PlannerMemory
from dynlearn.control.problem.constraint import Constraint
from dynlearn.control.problem.cost import Cost
from dynlearn.control.problem.stage import member_outputs, stage_cost_of, transition_of
from dynlearn.errors import ArgumentError
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories.numbers import as_numbers
from dynlearn.trajectories.window import Window


class Memory(eqx.Module):
    """What an MPC carries from one observation to the next."""

    past: Window
    """The last `model.memory` samples, before the next observation."""
    planner: PlannerMemory
    key: Key[Array, ""]
    start: Float[Array, ""]
    """The instant of the first observation."""
    count: Int[Array, ""]
    """How many observations have come since."""

    def now(self, interval: float) -> Float[Array, ""]:
        """The instant of the next observation: computed from its number, never summed up."""
        return self.start + self.count * jnp.asarray(interval, self.start.dtype)


class MPC(eqx.Module):
    """Model predictive control: at each observation, the first control of the best plan.

        minimise over u_0..u_{H-1}:  sum_{k<H} running(y_k, u_k, t_k) + terminal(y_H)
        subject to                   low <= u_k <= high, and the constraints

    where y_k are the outputs the model predicts from the state inferred from the past. With an
    `Ensemble`, the cost is the mean over its members' predictions.

    `init`, `act` and `record` return a new memory and change nothing. All is compiled on the first call.

    Args:
        model: any model with controls.
        cost: an object with `running(outputs, control, time)` and `terminal(outputs)`, e.g. `Quadratic`.
        horizon: steps to look ahead.
        planner: default `CEM()`.
        bounds: (low, high) of the controls, each a number or one per control. Always kept.
        constraints: `Constraint` objects.
        interval: time between observations, needed for a continuous-time model; a discrete-time
            model brings its own.

    Raises:
        ArgumentError: parts that do not fit each other; a control that never moved in the training data.

    Reference: Rawlings, Mayne, Diehl, "Model predictive control: theory, computation, and design", 2nd ed. 2017.

    >>> from dynlearn.rl import PendulumCost, PendulumTruth
    >>> planner = CEM(samples=16, iterations=1, elites=4)
    >>> mpc = MPC(PendulumTruth(), PendulumCost(), horizon=5, planner=planner, bounds=(-2.0, 2.0))
    >>> action, memory, decision = mpc.act(mpc.init(key=0), [1.0, 0.0, 0.0])
    >>> action.shape, decision.name
    ((1,), 'planned')
    """

    model: AbstractModel
    cost: Cost
    constraints: tuple[Constraint, ...]
    planner: AbstractPlanner
    horizon: int = eqx.field(static=True)
    bounds: tuple[tuple[float, ...], tuple[float, ...]] = eqx.field(static=True)
    interval: float = eqx.field(static=True)
    extrapolates: str = eqx.field(static=True)
    """Which bounds reach far beyond the controls the model has seen; "" where none does."""

    def __init__(
        self,
        model: AbstractModel | Foreign,
        cost: Cost,
        horizon: int = 30,
        *,
        planner: AbstractPlanner | None = None,
        bounds: tuple,
        constraints: tuple[Constraint, ...] = (),
        interval: float | None = None,
    ):
        self.model = as_model(model)
        self.cost = cost
        self.constraints = constraints
        self.planner = CEM() if planner is None else planner
        check_parts(self.model, self.planner, constraints)
        check_cost(cost, constraints, self.signature)
        self.horizon = check_horizon(horizon)
        self.bounds = checked_bounds(bounds, self.signature.control_names)
        self.interval = check_interval(interval, self.signature)
        self.extrapolates = check_controls("bounds", self.model, np.array(self.bounds))

    @property
    def signature(self) -> Signature:
        """Names and units of what `act` takes and gives."""
        return self.model.signature

    @property
    def references(self) -> tuple[str, ...]:
        """Of planning over the members of an ensemble."""
        return ("chua2018deep",) if isinstance(self.model, AbstractMembers) else ()

    def init(self, context: pasts.Context = None, *, key: int | Key[Array, ""] = 0) -> Memory:
        """The memory at the start of an episode, or after the one trajectory in `context`.

        The first observation comes one interval after the last sample of `context`, which must say what
        was applied in between. Of a model with static features, `context` has them, or is nothing else:
        `{"mass": 2.0}`.

        Args:
            context: one trajectory under the schema, static features by name, or None.
            key: an int or a JAX key, for the planner's draws.

        Returns:
            What `act` and `record` take.

        Raises:
            ArgumentError: a context that does not fit the model.
        """
        low, high = (jnp.asarray(bound) for bound in self.bounds)
        planner = self.planner.init(self.horizon, self.signature.controls, low, high)
        past, start = pasts.before(context, self.signature, self.model.memory, self.interval)
        end = start + self.horizon * self.interval
        check_instants("context", self.model, self.cost, self.constraints, end, self.interval)
        return Memory(past, planner, as_key(key), jnp.asarray(start), jnp.asarray(0))

    def act(self, memory: Memory, observation: object) -> tuple[np.ndarray, Memory, Decision]:
        """The action for this instant.

        Args:
            memory: as `init`, `act` or `record` returned it.
            observation: `(output,)` in physical units, NaN where nothing was measured.

        Returns:
            The action `(control,)`, float64 and within the bounds; the memory for the next observation; and the
            `Decision` (plan, predicted outputs, cost, reason, seconds).

        Raises:
            ArgumentError: the model has not yet seen as many samples as it requires; an observation of another shape.
        """
        started = time.perf_counter()
        observation = self._checked(observation)
        if missing := self.missing(memory):
            raise ArgumentError(
                f"observation: this model infers its state from {self.model.required} samples, {missing} are "
                f"still missing; pass init(context) with a past trajectory, call record(memory, observation, "
                f'action) for the first ones, or run(..., warmup="random").'
            )
        plan, outputs, times, memory = jax.block_until_ready(_act(self, memory, observation))
        controls = np.clip(np.asarray(plan.controls, np.float64), *self.bounds)
        decision = Decision.of(plan, controls, outputs, times, self.signature, started)
        return controls[0], memory, decision

    def record(self, memory: Memory, observation: object, action: object) -> Memory:
        """Remember an observation and what somebody else applied at it, without planning.

        Args:
            memory: as `init`, `act` or `record` returned it.
            observation: `(output,)` in physical units, NaN where nothing was measured.
            action: `(control,)` in physical units, applied from this instant on.

        Returns:
            The memory for the next observation.

        Raises:
            ArgumentError: an action that is not finite, or values of another shape.
        """
        observation = self._checked(observation)
        action = as_numbers("action", action, "numbers").astype(np.float64).reshape(-1)
        if action.shape != (self.signature.controls,) or not np.isfinite(action).all():
            names = list(self.signature.control_names)
            raise ArgumentError(f"action: expected a finite value for each of {names}, got {action}.")
        return _record(self, memory, observation, jnp.asarray(action))

    def missing(self, memory: Memory) -> int:
        """How many observations must be recorded before the next one can be acted on.

        Args:
            memory: as `init`, `act` or `record` returned it.

        Returns:
            A number of samples, 0 where `act` can be called.
        """
        if self.model.required == 1:
            return 0
        return max(0, self.model.required - 1 - int(memory.past.valid.sum()))

    def _checked(self, observation: object) -> Float[Array, " output"]:
        names = self.signature.output_names
        array = as_numbers("observation", observation, f"{len(names)} numbers").astype(np.float64)
        if array.shape != (len(names),):
            raise ArgumentError(
                f"observation: expected shape ({len(names)},) for {list(names)}, got {array.shape}; "
                f"pass one value per output, NaN where nothing was measured."
            )
        if np.isinf(array).any():
            raise ArgumentError(
                f"observation: expected finite values, NaN where nothing was measured, got {array.tolist()}."
            )
        return jnp.asarray(array)


@compiled
def _act(
    mpc: MPC, memory: Memory, observation: Float[Array, " output"]
) -> tuple[Plan, Float[Array, "instants output"], Float[Array, " instants"], Memory]:
    now = memory.now(mpc.interval)
    past = pasts.observed(memory.past, observation, now, mpc.interval)
    plan_key, next_key = jax.random.split(memory.key)
    transition = transition_of(mpc.model, now, mpc.interval)
    cost = stage_cost_of(mpc.model, mpc.cost, mpc.constraints, now, mpc.interval)
    plan, planner = mpc.planner.plan(transition, cost, mpc.model.infer(past), memory.planner, plan_key)
    past = pasts.applied(past, plan.controls[0])
    held = jnp.concatenate([plan.controls, plan.controls[-1:]])
    outputs = jax.vmap(lambda x, u: member_outputs(mpc.model, x, u).mean(0))(plan.states, held)
    times = now + jnp.arange(mpc.horizon + 1) * jnp.asarray(mpc.interval, now.dtype)
    return plan, outputs, times, Memory(past, planner, next_key, memory.start, memory.count + 1)


@compiled
def _record(
    mpc: MPC, memory: Memory, observation: Float[Array, " output"], action: Float[Array, " control"]
) -> Memory:
    past = pasts.observed(memory.past, observation, memory.now(mpc.interval), mpc.interval)
    past = pasts.applied(past, action)
    return Memory(past, memory.planner, memory.key, memory.start, memory.count + 1)
