"""A model as a Gymnasium environment: train or test a policy where a model says it would go."""

from collections.abc import Callable
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.control_range import EXTRAPOLATES, check_controls
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import AbstractStochastic
from dynlearn.contract.members import has_members
from dynlearn.contract.model import AbstractModel, State
from dynlearn.contract.rollout import cross, pieces_needed
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.control.controllers import past as pasts
from dynlearn.control.controllers.checks import (
    check_cost,
    check_horizon,
    check_instants,
    check_interval,
    check_parts,
    checked_bounds,
)
from dynlearn.control.problem.cost import Cost
from dynlearn.errors import ArgumentError
from dynlearn.numerics.finite import finite
from dynlearn.numerics.precision import compiled
from dynlearn.rl.starts import Starts
from dynlearn.trajectories.numbers import as_numbers

DIVERGED = "diverged: the model's state, outputs or reward are no longer finite numbers"
OUTSIDE = "outside: an output left `output_bounds`"


class ModelEnv(gymnasium.Env):
    """A learned model that can be stepped like the system it was learned from.

        x_{k+1} = step(x_k, u_k),   observation = mean of observe(x_{k+1}),   reward = -running(y_k, u_k, t_k)

    An episode that leaves the `output_bounds`, or whose state is no longer finite, is terminated: the
    observation is then the last one within, and `info["reason"]` says what happened.

    Where the bounds reach far beyond the controls of the training data, `extrapolates` says so, and so does
    the `info` of every reset.

    Args:
        model: any model with controls.
        cost: its `running` is minus the reward.
        bounds: (low, high) of the controls, each a number or one per control.
        initial: where episodes start: a trajectory dataset, of which each reset draws an instant, or
            a function (generator) -> outputs `(output,)` for models that know their state from one sample.
        horizon: steps after which an episode is truncated.
        interval: time between steps, needed for a continuous-time model.
        stochastic: of a model whose state moves at random (`NeuralSDE`, `LinearStateSpace`, ...) draw every
            transition, and the observation noise around the state it leads to; of an `Ensemble` draw one member
            at the start of an episode, and then what that member has to draw. Otherwise the mean path. The error
            law of a deterministic family is no noise of its dynamics: its state would not be drawn.
        output_bounds: (low, high) of the outputs, default unbounded: a model is not to be trusted far from
            its data.

    Raises:
        ArgumentError: parts that do not fit; `stochastic` where a model has nothing to draw; a control that never
            moved in the training data.

    >>> from dynlearn.rl import PendulumCost, PendulumTruth
    >>> env = ModelEnv(PendulumTruth(), PendulumCost(), (-2.0, 2.0), initial=lambda rng: [1.0, 0.0, 0.0], horizon=3)
    >>> observation, info = env.reset(seed=0)
    >>> observation, reward, terminated, truncated, info = env.step([0.0])
    >>> observation.shape, reward, terminated, truncated  # upright and at rest, it costs nothing
    ((3,), -0.0, False, False)
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (declared so by gymnasium)

    def __init__(
        self,
        model: AbstractModel | Foreign,
        cost: Cost,
        bounds: tuple,
        *,
        initial: xr.Dataset | Callable[[np.random.Generator], Any],
        horizon: int = 200,
        interval: float | None = None,
        stochastic: bool = False,
        output_bounds: tuple | None = None,
    ):
        self.model: AbstractModel = as_model(model)
        check_parts(self.model, None, ())
        check_cost(cost, (), self.model.signature)
        self.cost, self.horizon = cost, check_horizon(horizon)
        self.low, self.high = checked_bounds(bounds, self.model.signature.control_names)
        self.interval = check_interval(interval, self.model.signature)
        self.stochastic = _checked_draws(self.model) if stochastic else False
        self.extrapolates = check_controls("bounds", self.model, np.array([self.low, self.high]))
        self.starts = Starts(initial, self.model)
        end = self.starts.latest + self.horizon * self.interval
        check_instants("initial", self.model, cost, (), end, self.interval)
        self.action_space = _box((self.low, self.high))
        names = self.model.signature.output_names
        unbounded = ((-np.inf,) * len(names), (np.inf,) * len(names))
        self.observation_space = _box(
            unbounded if output_bounds is None else checked_bounds(output_bounds, names, "output_bounds")
        )
        self._count: int | None = None

    @property
    def dt(self) -> float:
        """The time per step, where recorders of environments look for it."""
        return self.interval

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Draw a start.

        Args:
            seed: of the starts and all that is drawn from then on; None goes on with the last one.
            options: not known here, must be None or empty.

        Returns:
            The first observation `(output,)`, and an info that says where bounds reach too far.

        Raises:
            ArgumentError: options; a start from which no finite state is inferred.
        """
        super().reset(seed=seed)
        if options:
            raise ArgumentError(f"options: expected none, got {options!r}.")
        past, start = self.starts.draw(self.np_random)
        self._key = jax.random.key(int(self.np_random.integers(2**31)))
        self._episode = self.model
        if self.stochastic and has_members(self.model):
            self._episode = self.model.member(int(self.np_random.integers(self.model.size)))
        self._state, outputs = _start(self._episode, past)
        if not np.isfinite(outputs).all():
            raise ArgumentError(
                "initial: expected a start from which the model infers a finite state, got NaN; start from "
                "measured samples."
            )
        self._outputs = self._within(np.asarray(outputs))
        self._time, self._count = start, 0
        return self._outputs.copy(), {EXTRAPOLATES: self.extrapolates} if self.extrapolates else {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One interval under `action`, which is clipped to the bounds.

        Args:
            action: `(control,)`, in physical units.

        Returns:
            Observation `(output,)`, reward, whether the episode is terminated, whether it is truncated, and an info.

        Raises:
            ArgumentError: no `reset` before, an action of another shape or one that is not finite.
        """
        if self._count is None:
            raise ArgumentError("step: expected reset() first; call env.reset(seed=...).")
        control = self._control(action)
        drawn = self.stochastic and _moves_at_random(self._episode)
        key = jax.random.fold_in(self._key, self._count) if drawn else None
        now = jnp.asarray(self._time + self._count * self.interval)
        self._state, outputs, reward, ok = _step(
            self._episode,
            self.cost,
            self._state,
            jnp.asarray(self._outputs),
            control,
            now,
            self.interval,
            key,
        )
        self._count += 1
        reason = None if bool(ok) else DIVERGED
        seen = np.asarray(outputs, np.float32)
        if reason is None and not self.observation_space.contains(seen):
            reason = OUTSIDE
        if reason is None:
            self._outputs = seen
        info = {} if reason is None else {"reason": reason}
        return self._outputs.copy(), float(reward), reason is not None, self._count >= self.horizon, info

    def _control(self, action: object) -> Float[Array, " control"]:
        array = as_numbers("action", action, "numbers").astype(np.float64)
        if array.shape != self.action_space.shape or not np.isfinite(array).all():
            expected = f"finite values of shape {self.action_space.shape}"
            raise ArgumentError(f"action: expected {expected}, got {action!r} of shape {array.shape}.")
        return jnp.asarray(np.clip(array, self.low, self.high))

    def _within(self, outputs: np.ndarray) -> np.ndarray:
        seen = outputs.astype(np.float32)
        if not self.observation_space.contains(seen):
            raise ArgumentError(
                f"initial: expected a start within output_bounds, got outputs {seen.tolist()}; widen them."
            )
        return seen


def _moves_at_random(model: AbstractModel) -> bool:
    return isinstance(model, AbstractStochastic | AbstractStateSpace)


def _checked_draws(model: AbstractModel) -> bool:
    if not has_members(model) and not _moves_at_random(model):
        raise ArgumentError(
            f"stochastic: expected a model with noise of its dynamics (NeuralSDE, LinearStateSpace, "
            f"NonlinearStateSpace, ...) or an Ensemble, of which each episode follows one member, got a deterministic "
            f"{type(model).__name__}; leave stochastic out, or fit one of these."
        )
    return True


@compiled
def _start(model: AbstractModel, past: pasts.Window) -> tuple[State, Float[Array, " output"]]:
    state = model.infer(past)
    outputs = model.observe(state, jnp.zeros(model.signature.controls)).mean
    return state, jnp.where(finite(state), outputs, jnp.nan)


@compiled
def _step(
    model: AbstractModel,
    cost: Cost,
    state: State,
    outputs: Float[Array, " output"],
    control: Float[Array, " control"],
    now: Float[Array, ""],
    interval: float,
    key: Key[Array, ""] | None,
):
    move, draw = (None, None) if key is None else jax.random.split(key)
    ends = model.signature.hold.still(control)
    reward = -cost.running(outputs, control, now)
    pieces = pieces_needed(model, interval)
    state = cross(model, state, ends, now, jnp.asarray(interval), key=move, pieces=pieces)
    predicted = model.observe(state, control)
    after = predicted.mean if draw is None else predicted.sample(draw)
    return state, after, reward, finite(state) & jnp.isfinite(after).all() & jnp.isfinite(reward)


def _box(bounds: tuple[tuple[float, ...], tuple[float, ...]]) -> gymnasium.spaces.Box:
    low, high = (np.asarray(bound, np.float32) for bound in bounds)
    return gymnasium.spaces.Box(low, high, dtype=np.float32)
