"""The past a controller remembers: a window that ends now, and how it moves on."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known, is_number
from dynlearn.trajectories.window import Window

Context = xr.Dataset | Mapping[str, float] | None
"""What is known before the first observation: one trajectory, or the static features alone."""


def before(context: Context, signature: Signature, length: int, interval: float) -> tuple[Window, float]:
    """The past before the first observation, and the instant of that observation."""
    if isinstance(context, xr.Dataset):
        past = from_context(context, signature, length)
        return past, float(np.nanmax(context["t"].values)) + interval
    return empty(signature, length, static_of(context, signature)), 0.0


def each_episode(context: Context, episodes: int) -> list[Context]:
    """The context of every episode: the same for all, or one run each."""
    if not isinstance(context, xr.Dataset) or context.sizes.get("trajectory") == 1:
        return [context] * episodes
    if context.sizes.get("trajectory") != episodes:
        raise ArgumentError(
            f"context: expected one run, or one for each of {episodes} episodes, got "
            f"{context.sizes.get('trajectory')}; choose some, e.g. context.isel(trajectory=[0])."
        )
    return [context.isel(trajectory=[i]) for i in range(episodes)]


def static_of(context: Context, signature: Signature) -> Float[np.ndarray, " static"]:
    """The static features of a context, in the model's order."""
    names = signature.static_names
    if isinstance(context, xr.Dataset):
        return np.array(context["static"].transpose("trajectory", ...).values[0]) if names else np.zeros(0)
    if context is not None and not isinstance(context, Mapping):
        raise ArgumentError(
            f"context: expected a trajectory dataset, the static features by name, or None, got "
            f"{type(context).__name__}; build a dataset with dynlearn.from_arrays."
        )
    given = {} if context is None else dict(context)
    check_known("static feature in context", given, names)
    for name in names:
        if name not in given:
            raise ArgumentError(
                f"context: the model has static features {list(names)}, got no {name!r}; pass context="
                f"{{{', '.join(f'{n!r}: ...' for n in names)}}}, or a trajectory that has them."
            )
        if not is_number(given[name]) or not np.isfinite(given[name]):
            raise ArgumentError(f"context: expected a finite number for {name!r}, got {given[name]!r}.")
    return np.array([given[name] for name in names], np.float64)


def empty(signature: Signature, length: int, static: Float[np.ndarray, " static"] | None = None) -> Window:
    """Nothing seen yet."""
    return Window(
        time=jnp.zeros(length),
        interval=jnp.zeros(length),
        output=jnp.zeros((length, signature.outputs)),
        observed=jnp.zeros((length, signature.outputs), bool),
        control=jnp.zeros((length, signature.controls)),
        valid=jnp.zeros(length, bool),
        static=jnp.zeros(0) if static is None else jnp.array(static, jnp.result_type(float)),
    )


def from_context(context: xr.Dataset, signature: Signature, length: int) -> Window:
    """The last `length` samples of the one trajectory in `context`.

    The next observation comes one interval after its last sample, whose control must be known.
    """
    from dynlearn.trajectories.device.to_device import to_device

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
