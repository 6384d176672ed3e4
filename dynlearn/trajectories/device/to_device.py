"""From a dataset to a padded batch with masks on the device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float

from dynlearn.errors import ArgumentError
from dynlearn.numerics.buckets import up
from dynlearn.numerics.precision import array
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.once import LARGEST, once_where_small
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
    # Of a large dataset one array after the other, so that there is never a second copy of all of them.
    host = on_host(ds) if ds.nbytes <= LARGEST else None
    ds = ds if host is not None else _checked(ds)
    t = times_2d(ds)
    more = size_of_runs(t.shape[0]) - t.shape[0], size_of_samples(t.shape[1]) - t.shape[1]

    def moved(name: str) -> Array:
        values = READ[name](ds, t) if host is None else getattr(host, name)
        kept = values if values.dtype == bool else values.astype(dtype, copy=False)
        widths = ((0, more[0]), (0, more[1]), *((0, 0),) * (values.ndim - 2))
        if name == "static":  # has no axis of time; always a copy, for it may be the dataset's own memory
            return jnp.asarray(np.pad(kept, ((0, more[0]), (0, 0)), mode="edge"))
        how = "edge" if name == "time" else "constant"
        return jnp.asarray(np.pad(kept, widths, mode=how) if any(more) else kept)  # type: ignore[call-overload]

    return Window(**{name: moved(name) for name in READ})


class OnHost(NamedTuple):
    """What a `Window` of runs holds, `(run, time)` and so on, in the dataset's own precision; its docstrings say what
    each is.
    """

    time: Float[np.ndarray, "_ _"]
    interval: Float[np.ndarray, "_ _"]
    output: Float[np.ndarray, "_ _ output"]
    observed: Bool[np.ndarray, "_ _ output"]
    control: Float[np.ndarray, "_ _ control"]
    valid: Bool[np.ndarray, "_ _"]
    static: Float[np.ndarray, "_ static"]


def placed(host: OnHost, dtype: Any = None) -> Window:
    """The same on the device, times and values in JAX's default precision or in `dtype`."""
    each = {
        name: jnp.asarray(values) if values.dtype == bool else array(values, dtype)
        for name, values in host._asdict().items()
    }
    return Window(**each)


@once_where_small
def on_host(ds: xr.Dataset) -> OnHost:
    """The values of a dataset without NaN, and their masks."""
    ds = _checked(ds)
    t = times_2d(ds)
    return OnHost(**{name: read(ds, t) for name, read in READ.items()})


def _checked(ds: xr.Dataset) -> xr.Dataset:
    """Under the schema, with lazy values computed."""
    kinds = [kind for kind in ("output", "control", "static") if kind in ds]
    return validate(ds[kinds].compute() if ds[kinds].chunks else ds)


def _intervals(t: np.ndarray) -> np.ndarray:
    """Time to the next sample, 0 at the last one and in the padding."""
    steps = np.zeros(t.shape)
    np.subtract(t[:, 1:], t[:, :-1], out=steps[:, :-1])
    steps[np.isnan(steps)] = 0
    return steps


def last_repeated(t: np.ndarray) -> np.ndarray:
    """Instants `(run, time)` with the last one of a run in place of its padding: steps of length zero."""
    last = t[np.arange(len(t)), (~np.isnan(t)).sum(1) - 1]
    return np.where(np.isnan(t), last[:, None], t)


def _outputs(ds: xr.Dataset) -> np.ndarray:
    return ds["output"].transpose("trajectory", "time", "output_name").values


def _controls(ds: xr.Dataset) -> np.ndarray:
    """Controls with 0 after the end; `validate` has made sure that there is no other NaN."""
    if "control" not in ds:
        return np.zeros((ds.sizes["trajectory"], ds.sizes["time"], 0))
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


READ: dict[str, Callable[[xr.Dataset, np.ndarray], np.ndarray]] = {
    "time": lambda ds, t: last_repeated(t),
    "interval": lambda ds, t: _intervals(t),
    "output": lambda ds, t: np.where(np.isnan(_outputs(ds)), 0, _outputs(ds)),
    "observed": lambda ds, t: ~np.isnan(_outputs(ds)),
    "control": lambda ds, t: _controls(ds),
    "valid": lambda ds, t: ~np.isnan(t),
    "static": lambda ds, t: _static(ds),
}
"""How each part of a `Window` is read off a dataset and its instants `(run, time)`."""
