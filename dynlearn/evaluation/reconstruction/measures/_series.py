"""What is measured, as an array of samples and outputs."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError


def as_series(name: str, values: ArrayLike) -> Float[np.ndarray, "time output"]:
    """In float64, `(time, output)`; one output may come as `(time,)`.

    >>> as_series("series", [1, 2, 3]).shape
    (3, 1)
    """
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{name}: expected numbers (time, output), got {type(values).__name__}."
        ) from None
    if series.ndim == 1:
        series = series[:, None]
    if series.ndim != 2 or 0 in series.shape:
        raise ArgumentError(f"{name}: expected shape (time,) or (time, output), got {np.shape(values)}.")
    return series


def as_windows(name: str, values: ArrayLike) -> Float[np.ndarray, "window time output"]:
    """One series or several of the same length, `(window, time, output)`; every number finite."""
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 3:
        series = as_series(name, series)[None]
    if not np.isfinite(series).all():
        raise ArgumentError(
            f"{name}: expected finite numbers, got NaN or inf; cut it to a stretch without a gap."
        )
    return series


def check_alike(
    generated: Float[np.ndarray, "..."], reference: Float[np.ndarray, "..."], *, length: bool
) -> None:
    """Raise unless both have the same outputs and, where that matters, the same length."""
    if generated.shape[-1] != reference.shape[-1]:
        raise ArgumentError(
            f"generated: expected the reference's {reference.shape[-1]} outputs, got {generated.shape[-1]}."
        )
    if length and generated.shape[-2] != reference.shape[-2]:
        raise ArgumentError(
            f"generated: expected the reference's length of {reference.shape[-2]} samples, got "
            f"{generated.shape[-2]}; cut the longer one, because the score depends on the length."
        )


def check_changing(name: str, series: Float[np.ndarray, "... output"]) -> None:
    """Raise where an output never changes."""
    still = np.ptp(series, axis=-2) == 0
    if still.any():
        j = int(np.argwhere(still)[0][-1])
        raise ArgumentError(
            f"{name}: output {j} never changes, so there is nothing to compare; leave it out."
        )
