"""Do the parts of an MPC fit each other? Asked once, when it is built."""

import jax
import jax.numpy as jnp
import numpy as np

from dynlearn.contract.checks.absolute_time import reads_time, unresolved
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.control.planners.contract import AbstractPlanner
from dynlearn.control.problem.constraint import Constraint
from dynlearn.control.problem.cost import Cost
from dynlearn.errors import ArgumentError, DynlearnError, is_count, is_number
from dynlearn.numerics.resolution import coarse, reads
from dynlearn.trajectories.numbers import as_numbers
from dynlearn.trajectories.sampling import RTOL


def check_parts(model: object, planner: object, constraints: object) -> None:
    """The kinds of the parts, and that there is something to control."""
    if not isinstance(model, AbstractModel):
        raise ArgumentError(f"model: expected a dynlearn model, got {type(model).__name__}; fit one first.")
    if not model.signature.controls:
        raise ArgumentError("model: expected a model with controls, got none; fit it to data that has them.")
    if planner is not None and not isinstance(planner, AbstractPlanner):
        raise ArgumentError(f"planner: expected a planner object, got {planner!r}; pass e.g. CEM().")
    if not isinstance(constraints, tuple) or not all(isinstance(c, Constraint) for c in constraints):
        raise ArgumentError(
            f"constraints: expected a tuple of Constraint, got {constraints!r}; "
            f"pass e.g. (Constraint(lambda y, u, t: y[0] - 1.0),)."
        )


def check_cost(cost: object, constraints: tuple[Constraint, ...], signature: Signature) -> None:
    """Run the cost and the constraints on shapes alone: each must return a scalar, or values, in JAX."""
    if not isinstance(cost, Cost):
        raise ArgumentError(
            f"cost: expected an object with running(outputs, control, time) and terminal(outputs), got "
            f"{type(cost).__name__}; see Quadratic and FunctionCost."
        )
    _check_hashable(cost)
    y, u = jnp.zeros(signature.outputs), jnp.zeros(signature.controls)
    _check_scalar("cost.running", cost.running, signature, y, u, jnp.zeros(()))
    _check_scalar("cost.terminal", cost.terminal, signature, y)
    for i, constraint in enumerate(constraints):
        _check_scalar(f"constraints[{i}]", _first(constraint), signature, y, u, jnp.zeros(()))


def check_horizon(horizon: object) -> int:
    """A number of steps, at least one."""
    if not is_count(horizon, 1):
        raise ArgumentError(f"horizon: expected a number of steps, at least 1, got {horizon!r}.")
    return int(horizon)


def checked_bounds(
    bounds: object, names: tuple[str, ...], argument: str = "bounds"
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(low, high), one number per name each."""
    remedy = f"pass {argument}=(low, high), each a number or one per name {list(names)}."
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise ArgumentError(f"{argument}: expected (low, high), got {bounds!r}; {remedy}")
    both = []
    for bound in bounds:
        array = as_numbers(argument, bound, "numbers").astype(float)
        if array.shape not in ((), (len(names),)):
            came = f"shape {array.shape}"
            raise ArgumentError(f"{argument}: expected {len(names)} values, got {came}; {remedy}")
        both.append(np.broadcast_to(array, len(names)))
    low, high = both
    if not (low < high).all():
        came = f"{low.tolist()} and {high.tolist()}"
        raise ArgumentError(f"{argument}: expected low < high, got {came}; {remedy}")
    return tuple(low.tolist()), tuple(high.tolist())


def check_interval(interval: object, signature: Signature) -> float:
    """The time between observations: the model's own, or the one given for a continuous-time model."""
    own, unit = signature.interval, signature.time_unit
    if interval is None and own is None:
        raise ArgumentError(
            "interval: a continuous-time model can be asked at any instant, so the controller must know the "
            f"time between observations; pass interval=... in the model's time unit ({unit or 'unitless'})."
        )
    given = own if interval is None else interval
    if not is_number(given) or not np.isfinite(given) or given <= 0:
        raise ArgumentError(f"interval: expected a time > 0, got {interval!r}.")
    if own is not None and abs(given - own) > RTOL * own:
        raise ArgumentError(
            f"interval: this discrete-time model steps by {own:g} {unit}, got {given:g}; leave interval out, "
            f"fit on data resampled to {given:g}, or use a continuous-time model."
        )
    return float(given if own is None else own)


def check_instants(
    where: str,
    model: AbstractModel,
    cost: Cost,
    constraints: tuple[Constraint, ...],
    end: float,
    interval: float,
) -> None:
    """Raise where something that reads the time would be told one that does not move from step to step."""
    if coarse(np.array([end]), np.array([interval]), jnp.result_type(float)) is None:
        return
    shapes = (model.signature.outputs,), (model.signature.controls,), ()
    functions = {"the cost": cost.running} | {
        f"constraint {i}": c.function for i, c in enumerate(constraints)
    }
    readers = [name for name, function in functions.items() if reads(function, 2, *shapes)]
    if reads_time(model):
        readers.append(type(model).__name__)
    if readers:
        raise ArgumentError(unresolved(where, end, interval, " and ".join(readers)))


def _first(constraint: Constraint):
    return lambda *args: constraint.penalty_and_violation(*args)[0]


def _check_hashable(cost: object) -> None:
    try:
        for leaf in jax.tree.leaves(cost):
            if not isinstance(leaf, jax.Array | np.ndarray):
                hash(leaf)
    except TypeError as error:
        raise ArgumentError(
            f"cost: it becomes part of a compiled program and must be an equinox.Module or hashable, got "
            f"{type(cost).__name__} ({error}); make it an equinox.Module or a frozen dataclass."
        ) from error


def _check_scalar(name: str, function, signature: Signature, *args) -> None:
    outputs, controls = list(signature.output_names), list(signature.control_names)
    sizes = f"outputs {outputs} and controls {controls}"
    try:
        result = jax.eval_shape(function, *args)
    except DynlearnError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"{name}: expected a JAX function for {sizes}, but it raised {type(error).__name__}: {error}"
        ) from error
    if getattr(result, "shape", None) != ():
        raise ArgumentError(f"{name}: expected a scalar for {sizes}, got {result}; sum over the entries.")
