"""The past a controller remembers: a window that ends now, and how it moves on."""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError
from dynlearn.models._signature import Signature
from dynlearn.numerics.window import Window


def empty(signature: Signature, length: int) -> Window:
    """Nothing seen yet."""
    if signature.statics:
        raise ArgumentError(
            f"context: the model has static features {list(signature.static_names)}, got no context to read "
            f"them from; pass init(context) with a trajectory that has them."
        )
    return Window(
        time=jnp.zeros(length),
        interval=jnp.zeros(length),
        output=jnp.zeros((length, signature.outputs)),
        observed=jnp.zeros((length, signature.outputs), bool),
        control=jnp.zeros((length, signature.controls)),
        valid=jnp.zeros(length, bool),
        static=jnp.zeros(0),
    )


def from_context(context: xr.Dataset, signature: Signature, length: int) -> Window:
    """The last `length` samples of the one trajectory in `context`.

    The next observation comes one interval after its last sample, whose control must be known.
    """
    from dynlearn.trajectories.device import to_device

    if not isinstance(context, xr.Dataset):
        raise ArgumentError(
            f"context: expected a trajectory dataset or None, got {type(context).__name__}; build one with "
            f"dynlearn.from_arrays."
        )
    signature.check(context)
    if context.sizes["trajectory"] != 1:
        raise ArgumentError(
            f"context: expected one trajectory, got {context.sizes['trajectory']}; "
            f"choose it, e.g. ds.isel(trajectory=[0])."
        )
    run = jax.tree.map(lambda leaf: leaf[0], to_device(context))
    count = int(run.valid.sum())
    last = context["control"].transpose("trajectory", "time", "control_name").values[0, count - 1]
    if not np.isfinite(last).all():
        raise ArgumentError(
            "context: expected the control applied from its last sample until the first observation, got "
            "NaN; drop that sample (it is the observation to pass to act), or fill in what was applied."
        )
    return _last(run, count, length)


def _last(run: Window, count: int, length: int) -> Window:
    """Samples count-length .. count-1, with what lies before the start marked invalid."""
    index = jnp.arange(count - length, count)
    inside = index >= 0
    window = run[jnp.maximum(index, 0)]

    def masked(leaf):
        return jnp.where(inside.reshape(-1, *[1] * (leaf.ndim - 1)), leaf, jnp.zeros((), leaf.dtype))

    return Window(
        time=window.time,
        interval=masked(window.interval),
        output=masked(window.output),
        observed=masked(window.observed),
        control=masked(window.control),
        valid=masked(window.valid),
        static=window.static,
    )


def observed(
    past: Window, observation: Float[Array, " output"], time: Float[Array, ""], interval: float
) -> Window:
    """`past` moved on by one sample, taken `interval` after the last one; NaN entries are not observed."""

    def push(leaf, new):
        return jnp.concatenate([leaf[1:], jnp.asarray(new, leaf.dtype)[None]])

    seen = jnp.isfinite(observation)
    # The last sample now has a successor; before the first sample there is nothing to connect.
    connected = past.interval.at[-1].set(jnp.where(past.valid[-1], interval, 0))
    return Window(
        time=push(past.time, time),
        interval=push(connected, 0),
        output=push(past.output, jnp.where(seen, observation, 0)),
        observed=push(past.observed, seen),
        control=push(past.control, jnp.zeros(past.control.shape[1])),
        valid=push(past.valid, True),
        static=past.static,
    )


def applied(past: Window, control: Float[Array, " control"]) -> Window:
    """`past` with the control that is applied from its last sample on."""
    return Window(
        time=past.time,
        interval=past.interval,
        output=past.output,
        observed=past.observed,
        control=past.control.at[-1].set(control),
        valid=past.valid,
        static=past.static,
    )
