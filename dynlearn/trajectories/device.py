"""From a dataset to a padded batch with masks on the device."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.checks import validate
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import times_2d

if TYPE_CHECKING:
    from dynlearn.numerics.window import Window


def to_device(ds: xr.Dataset, dtype: Any = None) -> "Window":
    """The runs as one `Window` with a leading run axis, aligned to the start of each run.

    Lazy values are computed and checked here. Nothing is NaN afterwards: an output that was not
    measured is 0 and not `observed`; a control after the end of a run is 0; the instants of the
    padding repeat the last one. Intervals are differenced in float64 before they are rounded.

    **Args** `dtype`: floating type on the device, default JAX's (`jnp.result_type(float)`).

    >>> from dynlearn.trajectories import from_arrays
    >>> window = to_device(from_arrays([np.ones((3, 2)), np.ones((2, 2))], dt=0.5))
    >>> window.output.shape, window.control.shape, window.valid.sum(axis=1).tolist()
    ((2, 3, 2), (2, 3, 0), [3, 2])
    """
    import jax.numpy as jnp

    from dynlearn.numerics.window import Window

    if "sample" in ds["output"].dims:
        remedy = 'choose one, e.g. ds.isel(sample=0), or average with ds.mean("sample")'
        raise ArgumentError(refusal("output", "no dimension `sample`", "a forecast with samples", remedy))
    kinds = [kind for kind in ("output", "control", "static") if kind in ds]
    ds = validate(ds[kinds].compute())
    dtype = jnp.result_type(float) if dtype is None else dtype
    t = times_2d(ds)
    valid = ~np.isnan(t)
    output = ds["output"].transpose("trajectory", "time", "output_name").values
    observed = ~np.isnan(output)
    return Window(
        time=jnp.asarray(last_repeated(t), dtype),
        interval=jnp.asarray(_intervals(t), dtype),
        output=jnp.asarray(np.where(observed, output, 0), dtype),
        observed=jnp.asarray(observed),
        control=jnp.asarray(_controls(ds, valid), dtype),
        valid=jnp.asarray(valid),
        static=jnp.array(_static(ds), dtype),  # asarray may go on reading the dataset's own memory
    )


def _intervals(t: np.ndarray) -> np.ndarray:
    """Time to the next sample, 0 at the last one and in the padding."""
    steps = np.diff(t, axis=1, append=np.nan)
    return np.where(np.isnan(steps), 0.0, steps)


def last_repeated(t: np.ndarray) -> np.ndarray:
    """Instants `(run, time)` with the last one of a run in place of its padding: steps of length zero."""
    last = t[np.arange(len(t)), (~np.isnan(t)).sum(1) - 1]
    return np.where(np.isnan(t), last[:, None], t)


def _controls(ds: xr.Dataset, valid: np.ndarray) -> np.ndarray:
    """Controls with 0 after the end; `validate` has made sure that there is no other NaN."""
    if "control" not in ds:
        return np.zeros((*valid.shape, 0))
    control = ds["control"].transpose("trajectory", "time", "control_name").values
    return np.where(np.isnan(control), 0, control)


def _static(ds: xr.Dataset) -> np.ndarray:
    if "static" not in ds:
        return np.zeros((ds.sizes["trajectory"], 0))
    static = ds["static"].transpose("trajectory", "static_name").values
    if np.isnan(static).any():
        remedy = "fill it with a value that stands for unknown, or drop the column or the run"
        raise ArgumentError(refusal("static", "a number for every run", "NaN", remedy))
    return static
