"""The arguments of a simulation, checked: what was expected, what came, what to do."""

import numbers

import numpy as np
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError, check_count


def lengths(value: object) -> tuple[int, int]:
    """Lowest and highest number of samples of a run."""
    if isinstance(value, tuple | list) and len(value) == 2:
        low, high = (check_count("length", v, at_least=2) for v in value)
        if low <= high:
            return low, high
    elif isinstance(value, numbers.Integral):
        return (check_count("length", value, at_least=2),) * 2
    raise ArgumentError(
        f"length: expected an integer, or (low, high) with 2 <= low <= high, got {value!r}; "
        "pass e.g. length=(100, 300)."
    )


def positive(name: str, value: object) -> float:
    if not isinstance(value, numbers.Real) or not 0 < float(value) < np.inf:
        raise ArgumentError(f"{name}: expected a positive number, got {value!r}; pass e.g. {name}=0.1.")
    return float(value)


def fraction(name: str, value: object) -> float:
    if not isinstance(value, numbers.Real) or not 0 <= float(value) < 1:
        raise ArgumentError(
            f"{name}: expected a fraction, 0 <= {name} < 1, got {value!r}; pass e.g. {name}=0.2."
        )
    return float(value)


def spread(name: str, value: ArrayLike, names: tuple[str, ...]) -> np.ndarray:
    """A standard deviation per name, from one number or one per name."""
    array = np.asarray(value, dtype=float)
    if array.shape not in ((), (len(names),)) or not (np.isfinite(array) & (array >= 0)).all():
        raise ArgumentError(
            f"{name}: expected one number >= 0, or one for each of {', '.join(names)}, got {value!r}; "
            f"pass e.g. {name}={[0.1] * len(names)}."
        )
    return np.broadcast_to(array, (len(names),))


def batch(name: str, value: ArrayLike | None, runs: tuple[int], shape: tuple[int, ...]) -> np.ndarray | None:
    """Values for each run, from values for all runs or one set per run. None stays None."""
    if value is None:
        return None
    array = np.asarray(value, dtype=float)
    if shape[-1] == 0:
        raise ArgumentError(
            f"{name}: expected None, because this system has none, got shape {array.shape}; leave {name} out."
        )
    if array.shape not in (shape, runs + shape) or not np.isfinite(array).all():
        came = f"shape {array.shape}" + ("" if np.isfinite(array).all() else " with NaN or infinity")
        raise ArgumentError(
            f"{name}: expected finite values of shape {shape} for all runs, or {runs + shape}, got {came}; "
            f"pass one row per {'sample' if len(shape) == 2 else 'state'}."
        )
    return np.broadcast_to(array, runs + shape)


def finite(states: np.ndarray, times: np.ndarray, lengths: np.ndarray) -> None:
    """Raise where a state within a run's length is not finite."""
    inside = np.arange(states.shape[1]) < lengths[:, None]
    bad = inside & ~np.isfinite(states).all(axis=-1)
    if bad.any():
        i, k = np.argwhere(bad)[0]
        raise ArgumentError(
            f"simulate: expected finite states, got a run {i} that diverges at t = {times[i, k]:g}; "
            "use less process_noise, other initial states, other controls, or shorter runs."
        )
