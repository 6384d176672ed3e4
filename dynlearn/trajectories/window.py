"""Trajectories on the device: padded arrays with masks, free of xarray and of NaN."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Window(eqx.Module):
    """Consecutive samples of a run, with any leading batch axes.

    A *past* window is aligned to its end: index -1 is the present instant and samples
    before the run's first one are marked not `valid`. A whole dataset is a window with a
    leading run axis, aligned to its start, padded at the end.

    Values that were not measured are stored as 0 and marked in `observed`, so that no NaN
    can reach a gradient; read a value only together with its mask.
    """

    time: Float[Array, "*batch time"]
    """Instant of each sample, in the dataset's time unit (rounded to the device's precision)."""
    interval: Float[Array, "*batch time"]
    """Time to the next sample, differenced in float64 before rounding; 0 where there is none."""
    output: Float[Array, "*batch time output"]
    observed: Bool[Array, "*batch time output"]
    control: Float[Array, "*batch time control"]
    """What was applied from this sample on. A past window's last row is never read by `infer`."""
    valid: Bool[Array, "*batch time"]
    static: Float[Array, "*batch static"]

    @property
    def length(self) -> int:
        return self.valid.shape[-1]

    @property
    def lag(self) -> Float[Array, "*batch time"]:
        """Time of each sample relative to the last one (<= 0), summed from the exact intervals."""
        steps = jnp.where(self.valid[..., :-1], self.interval[..., :-1], 0)
        summed = jnp.cumsum(steps[..., ::-1], axis=-1)[..., ::-1]
        return jnp.concatenate([-summed, jnp.zeros_like(self.time[..., :1])], axis=-1)

    def __getitem__(self, index) -> "Window":
        """Samples `index` of the time axis (no batch axes), e.g. `window[:5]`."""
        return Window(
            time=self.time[index],
            interval=self.interval[index],
            output=self.output[index],
            observed=self.observed[index],
            control=self.control[index],
            valid=self.valid[index],
            static=self.static,
        )


def cut(runs: Window, run: Int[Array, ""], now: Int[Array, ""], past: int, future: int) -> Window:
    """`past` samples up to and including index `now` of one run, and `future` samples after it.

    Samples outside the run come back with `valid` and `observed` false, so that a window may
    start before its run does or end after it. `runs` has one leading axis, aligned to the start.
    """
    one = jax.tree.map(lambda leaf: leaf[run], runs)
    index = now + jnp.arange(1 - past, future + 1)
    inside = (index >= 0) & (index < one.length)
    window = one[jnp.clip(index, 0, one.length - 1)]
    valid = window.valid & inside
    return Window(
        time=window.time,
        interval=jnp.where(valid, window.interval, 0),
        output=jnp.where(valid[:, None], window.output, 0),
        observed=window.observed & valid[:, None],
        control=jnp.where(valid[:, None], window.control, 0),
        valid=valid,
        static=window.static,
    )
