"""From a dataset to a padded batch with masks on the device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from dynlearn.errors import ArgumentError
from dynlearn.numerics.buckets import up
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.once import once_where_small
from dynlearn.trajectories.schema import times_2d
from dynlearn.trajectories.window import Window


def to_device(ds: xr.Dataset, dtype: Any = None) -> Window:
    """The runs as one `Window` with a leading run axis, aligned to the start of each run.

    Lazy values are computed and checked here. Nothing is NaN afterwards: an output that was not
    measured is 0 and not `observed`; a control after the end of a run is 0; the instants of the
    padding repeat the last one. Intervals are differenced in float64 before they are rounded.

    Args:
        ds: trajectories under the schema.
        dtype: floating type on the device, default JAX's (`jnp.result_type(float)`).

    >>> from dynlearn.trajectories import from_arrays
    >>> window = to_device(from_arrays([np.ones((3, 2)), np.ones((2, 2))], dt=0.5))
    >>> window.output.shape, window.control.shape, window.valid.sum(axis=1).tolist()
    ((2, 3, 2), (2, 3, 0), [3, 2])
    """
    return _to_device(ds, dtype, exactly, exactly)


def bucketed(ds: xr.Dataset, dtype: Any = None, *, samples: Callable[[int], int] = up) -> Window:
    """As `to_device`, padded to one of a few sizes: more samples that are not valid, and more runs of none at all.

    What is computed of it needs no program of its own for every number of runs and samples. The first
    `ds.sizes` runs and samples are those of `ds`.
    """
    return _to_device(ds, dtype, up, samples)


def _to_device(
    ds: xr.Dataset, dtype: Any, runs: Callable[[int], int], samples: Callable[[int], int]
) -> Window:
    if "sample" in ds["output"].dims:
        remedy = 'choose one, e.g. ds.isel(sample=0), or average with ds.mean("sample")'
        raise ArgumentError(refusal("output", "no dimension `sample`", "a forecast with samples", remedy))
    dtype = np.dtype(jnp.result_type(float) if dtype is None else dtype)
    return _moved(ds, dtype, runs, samples)


def exactly(size: int) -> int:
    """The size as it is."""
    return size


@once_where_small
def _moved(
    ds: xr.Dataset, dtype: np.dtype, size_of_runs: Callable[[int], int], size_of_samples: Callable[[int], int]
) -> Window:
    host = on_host(ds)
    runs, samples = host.valid.shape
    runs, samples = size_of_runs(runs) - runs, size_of_samples(samples) - samples

    def padded(values: np.ndarray, how: str = "constant") -> np.ndarray:
        if not runs and not samples:
            return values
        return np.pad(values, ((0, runs), (0, samples), *((0, 0),) * (values.ndim - 2)), mode=how)  # type: ignore[call-overload]

    static = np.pad(host.static, ((0, runs), (0, 0)), mode="edge") if runs else host.static
    return Window(
        time=jnp.asarray(padded(host.time, "edge"), dtype),
        interval=jnp.asarray(padded(host.interval), dtype),
        output=jnp.asarray(padded(host.output), dtype),
        observed=jnp.asarray(padded(host.observed)),
        control=jnp.asarray(padded(host.control), dtype),
        valid=jnp.asarray(padded(host.valid)),
        static=jnp.asarray(np.array(static, dtype)),  # a copy: it may be the dataset's own memory
    )


class OnHost(NamedTuple):
    """What a `Window` of all runs holds, in the dataset's own precision; its docstrings say what each is."""

    time: Float[np.ndarray, "run time"]
    interval: Float[np.ndarray, "run time"]
    output: Float[np.ndarray, "run time output"]
    observed: Bool[np.ndarray, "run time output"]
    control: Float[np.ndarray, "run time control"]
    valid: Bool[np.ndarray, "run time"]
    static: Float[np.ndarray, "run static"]


@once_where_small
def on_host(ds: xr.Dataset) -> OnHost:
    """The values of a dataset without NaN, and their masks."""
    kinds = [kind for kind in ("output", "control", "static") if kind in ds]
    if ds[kinds].chunks:
        ds = validate(ds[kinds].compute())
    else:
        validate(ds)
    t = times_2d(ds)
    valid = ~np.isnan(t)
    output = ds["output"].transpose("trajectory", "time", "output_name").values
    observed = ~np.isnan(output)
    return OnHost(
        last_repeated(t),
        _intervals(t),
        np.where(observed, output, 0),
        observed,
        _controls(ds, valid),
        valid,
        _static(ds),
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
