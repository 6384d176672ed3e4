"""Arguments of a solve, checked when it is traced: what was expected, what came, what to do."""

import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import ArgumentError
from dynlearn.numerics.resolution import check_resolved
from dynlearn.solvers.signals import AbstractSignal

ARGUMENTS = ("t", "x", "u", "parameters")
BATCH = "solve one trajectory, and batch with jax.vmap"


def is_traced(tree: PyTree) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


def as_state(x0: PyTree) -> tuple[PyTree[Array], np.dtype]:
    """`x0` as arrays, and the one floating-point type of all of them."""
    try:
        x0 = jax.tree.map(jnp.array, x0)  # asarray may go on reading the caller's memory
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"x0: expected a tree of arrays, got {x0!r}.") from error
    dtypes = {x.dtype for x in jax.tree.leaves(x0)}
    if len(dtypes) != 1 or not jnp.issubdtype(next(iter(dtypes)), jnp.floating):
        found = ", ".join(sorted(str(d) for d in dtypes)) or "nothing"
        raise ArgumentError(
            f"x0: expected arrays of one floating-point type, got {found}; write 1.0 for 1, or x0.astype(float)."
        )
    return x0, dtypes.pop()


def as_times(times: Any, dtype: np.dtype) -> Float[Array, " time"]:
    try:
        array = jnp.array(times)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "times: expected one array of shape (time,), got something ragged or not numeric; pad the shorter "
            f"trajectories with NaN, {BATCH}."
        ) from error
    if array.ndim != 1 or array.shape[0] == 0:
        raise ArgumentError(
            f"times: expected shape (time,) with one instant or more, got {array.shape}; {BATCH}."
        )
    if array.dtype == bool or jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise ArgumentError(f"times: expected real numbers, got {array.dtype}.")
    if not is_traced(array):
        # What came as float64 has not been rounded by JAX yet.
        known = np.asarray(times, float)
        _check_order("times", known)
        check_resolved("times", known, dtype)
    return array.astype(dtype)


def _check_order(name: str, times: np.ndarray) -> None:
    """Where the values are known already; in a compiled program a solve fails instead (`Reason.BAD_TIMES`)."""
    known = np.isfinite(times)
    if np.isinf(times).any() or (np.diff(known.astype(int)) > 0).any():
        raise ArgumentError(
            f"{name}: expected finite instants, with NaN only after the last one, got {times.tolist()[:8]}..."
        )
    steps = np.diff(times[known])
    if (steps > 0).any() and (steps < 0).any():
        raise ArgumentError(
            f"{name}: expected increasing or decreasing instants, got both: they turn after index "
            f"{int(np.flatnonzero(np.sign(steps) == -np.sign(steps[steps != 0][0]))[0])}; sort them."
        )


def check_signal(
    name: str, signal: Any, kinds: Any = AbstractSignal, write: str = "Held(times, values)"
) -> None:
    if not isinstance(signal, kinds):
        raise ArgumentError(
            f"{name}: expected a signal such as dl.solvers.{write}, got {type(signal).__name__}."
        )
    knots, values = signal.times.shape, signal.values.shape
    if len(knots) != 1 or len(values) != 2 or knots != values[:1] or knots[0] == 0:
        raise ArgumentError(
            f"{name}: expected times of shape (knot,) and values of shape (knot, channel), got {knots} and {values}; "
            f"{BATCH}."
        )
    for part, array in (("times", signal.times), ("values", signal.values)):
        if array.dtype == bool or jnp.issubdtype(array.dtype, jnp.complexfloating):
            raise ArgumentError(f"{name}: expected real {part}, got {array.dtype}.")
    if not is_traced(signal.times):
        known = np.asarray(signal.times, float)
        _check_order(f"{name}: knots", known)
        falls = np.flatnonzero(np.diff(known) < 0)
        if falls.size:
            i = int(falls[0])
            raise ArgumentError(
                f"{name}: expected knots that increase, got {known[i]:g} and then {known[i + 1]:g}; sort them."
            )


def knots_rise(signal: AbstractSignal) -> Array:
    """Whether the knots of a signal increase, with NaN only after the last one: for compiled programs."""
    known = jnp.isfinite(signal.times)
    padded = (jnp.cumsum(~known) == 0) == known
    steps = jnp.diff(signal.times)
    return padded.all() & known[0] & (jnp.where(jnp.isfinite(steps), steps, 0) >= 0).all()


def is_aligned(signal: AbstractSignal | None, times: Any) -> bool:
    """Whether a signal's knots are known to be the instants asked for."""
    if signal is None:
        return False
    if signal.times is times:
        return True
    if is_traced((signal.times, times)) or np.shape(signal.times) != np.shape(times):
        return False
    return np.array_equal(np.asarray(signal.times), np.asarray(times, signal.times.dtype), equal_nan=True)


def converted(name: str, field: Any, arguments: tuple, expected: PyTree[Array]) -> Any:
    """`field` with what it closes over among its leaves, once its value looks like `expected`."""
    if not callable(field):
        raise ArgumentError(f"{name}: expected a function, got {type(field).__name__}.")
    _check_arguments(name, field)
    like = jax.tree.leaves(expected)[0].dtype

    def arrays(*arguments):
        value = field(*arguments)
        return jax.tree.map(lambda v: jnp.asarray(v, like) if isinstance(v, int | float) else v, value)

    pure = eqx.filter_closure_convert(arrays, *arguments)
    found = eqx.filter_eval_shape(pure, *arguments)
    came, wanted = str(jax.tree.structure(found)), str(jax.tree.structure(expected))
    if came != wanted:
        raise ArgumentError(f"{name}: expected a value of the structure {wanted}, got {came}.")
    for (path, got), want in zip(
        jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True
    ):
        if got.shape != want.shape or got.dtype != want.dtype:
            where = jax.tree_util.keystr(path)
            raise ArgumentError(
                f"{name}: expected a value{' at ' * bool(where)}{where} of shape {want.shape} and type {want.dtype}, "
                f"got {got.shape} and {got.dtype}; reshape or cast it in the field."
            )
    return pure


def _check_arguments(name: str, field: Any) -> None:
    try:
        inspect.signature(field).bind(*ARGUMENTS)
    except TypeError as error:
        raise ArgumentError(
            f"{name}: expected a function of ({', '.join(ARGUMENTS)}), got one of {inspect.signature(field)}."
        ) from error
