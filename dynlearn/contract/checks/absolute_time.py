"""Models that read the clock need instants that the session's precision resolves."""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.contract.markers import AbstractTimed
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError
from dynlearn.numerics.resolution import coarse
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.blocks import intervals


def reads_time(model: AbstractModel) -> bool:
    """Whether any part of the model computes with the absolute time.

    Args:
        model: any model.

    Returns:
        True where a function in it depends on t, such as a field that a user gave.

    >>> import dynlearn as dl, jax.numpy as jnp
    >>> driven = lambda t, x, u, s: jnp.sin(t) - x
    >>> reads_time(dl.models.NeuralODE(dl.models.Signature(("y",)), field=driven, hidden=0, memory=1, key=0))
    True
    """
    parts = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, AbstractTimed))
    return any(isinstance(part, AbstractTimed) and part.reads_time for part in parts)


def check_clock(model: AbstractModel, ds: xr.Dataset) -> None:
    """Raise where a model that reads the absolute time would be told a coarser one than the data's.

    Args:
        model: any model.
        ds: the data it is to be used on.

    Raises:
        ArgumentError: the model reads the time, and the session's precision does not resolve the intervals of `ds`.

    >>> import dynlearn as dl, jax.numpy as jnp
    >>> driven = lambda t, x, u, s: jnp.sin(t) - x
    >>> model = dl.models.NeuralODE(dl.models.Signature(("y",)), field=driven, hidden=0, memory=1, key=0)
    >>> check_clock(model, dl.from_arrays(np.arange(5.0), times=1e9 + 0.1 * np.arange(5)))
    Traceback (most recent call last):
    dynlearn.errors.ArgumentError: t: NeuralODE reads the time, and near 1000000000 float32 resolves it to 64, ...
    """
    t, steps = typical(ds)
    if coarse(t, steps, jnp.result_type(float)) is not None and reads_time(model):
        raise ArgumentError(unresolved("t", float(t[0]), float(steps[0]), type(model).__name__))


def typical(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The instant furthest from zero, and the typical interval, 0 where there is none."""
    t = schema.times_2d(ds)
    between, low, high = intervals(t), np.nanmin(t), np.nanmax(t)
    return np.array([low if -low > high else high]), np.array([np.median(between) if between.size else 0.0])


def unresolved(name: str, instant: float, interval: float, reader: str) -> str:
    """What is said of a clock that does not carry the interval.

    Args:
        name: of the argument or variable, which opens the sentence.
        instant: the one furthest from zero, in the time unit.
        interval: the one that is lost there, in the time unit.
        reader: what reads the time, such as the family's name.

    Returns:
        The sentence of the error, with the remedy.

    >>> print(unresolved("t", 1e9, 0.1, "NeuralODE"))
    t: NeuralODE reads the time, and near 1000000000 float32 resolves it to 64, too coarse for ...
    """
    kind = np.dtype(jnp.result_type(float))
    apart = float(np.spacing(np.asarray(abs(instant), kind)))
    nearer = f"ds.t {'-' if instant > 0 else '+'} {abs(instant):.10g}"
    return (
        f"{name}: {reader} reads the time, and near {instant:.10g} {kind.name} resolves it to {apart:.2g}, too "
        f"coarse for an interval of {interval:.3g}; count it from an origin nearby, ds = ds.assign_coords(t={nearer}), "
        f"and add that origin in the function, or call jax.config.update('jax_enable_x64', True)."
    )
