"""Models that read the clock need instants that the session's precision resolves."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.models._model import AbstractModel
from dynlearn.numerics.resolution import coarse
from dynlearn.trajectories import schema
from dynlearn.trajectories.blocks import intervals


class AbstractTimed(eqx.Module):
    """Marker, of a part of a model: a function of the user's own, which may read the time."""

    if TYPE_CHECKING:

        @property
        def reads_time(self) -> bool: ...
    else:
        reads_time: eqx.AbstractVar[bool]


def reads_time(model: AbstractModel) -> bool:
    """Whether any part of the model computes with the absolute time."""
    parts = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, AbstractTimed))
    return any(isinstance(part, AbstractTimed) and part.reads_time for part in parts)


def check_clock(model: AbstractModel, ds: xr.Dataset) -> None:
    """Raise where a model that reads the absolute time would be told a coarser one than the data's."""
    t, steps = typical(ds)
    if coarse(t, steps, jnp.result_type(float)) is not None and reads_time(model):
        raise ArgumentError(unresolved("t", float(t[0]), float(steps[0]), type(model).__name__))


def typical(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The instant furthest from zero, and the typical interval, 0 where there is none."""
    t = schema.times_2d(ds)
    between, low, high = intervals(t), np.nanmin(t), np.nanmax(t)
    return np.array([low if -low > high else high]), np.array([np.median(between) if between.size else 0.0])


def unresolved(name: str, instant: float, interval: float, reader: str) -> str:
    """What is said of a clock that does not carry the interval."""
    kind = np.dtype(jnp.result_type(float))
    apart = float(np.spacing(np.asarray(abs(instant), kind)))
    nearer = f"ds.t {'-' if instant > 0 else '+'} {abs(instant):.10g}"
    return (
        f"{name}: {reader} reads the time, and near {instant:.10g} {kind.name} resolves it to {apart:.2g}, too "
        f"coarse for an interval of {interval:.3g}; count it from an origin nearby, ds = ds.assign_coords(t={nearer}), "
        f"and add that origin in the function, or call jax.config.update('jax_enable_x64', True)."
    )
