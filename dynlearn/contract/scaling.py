"""Scaling: the affine map between physical units and numbers near one."""

import dataclasses
from typing import NamedTuple, Self

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike, Float

from dynlearn.contract.checks.measured import counts
from dynlearn.contract.checks.numbers import check_numbers
from dynlearn.errors import ArgumentError, FitError
from dynlearn.numerics.fixed import Fixed
from dynlearn.numerics.precision import array
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.fold import compact, folded


class Scaling(Fixed):
    """Per-channel standardisation fitted on the training data alone.

        y_scaled = (y - output_mean) / output_scale,    u_scaled, s_scaled alike,    t_scaled = t / time_scale

    `time_scale` is the typical time in which an output changes by its standard deviation, so that
    scaled derivatives are of order one whatever the sampling rate.

    Args:
        output_mean, output_scale: `(output,)`, in the outputs' units.
        control_mean, control_scale: `(control,)`, in the controls' units.
        static_mean, static_scale: `(static,)`, in the units of the static features.
        time_scale: in the time unit.
        control_low, control_high: the least and largest value of each control in training, `(control,)`.

    Raises:
        ArgumentError: a scale that is not above 0, or numbers that are not finite.

    >>> import dynlearn as dl, jax.numpy as jnp, numpy as np
    >>> scaling = Scaling.of(dl.from_arrays(np.array([1.0, 3.0]), dt=1.0))  # mean 2, standard deviation 1
    >>> scaling.output(jnp.array([5.0]))
    Array([3.], dtype=float32)
    """

    output_mean: Float[Array, " output"]
    output_scale: Float[Array, " output"]
    control_mean: Float[Array, " control"]
    control_scale: Float[Array, " control"]
    static_mean: Float[Array, " static"]
    static_scale: Float[Array, " static"]
    time_scale: Float[Array, ""]
    control_low: Float[Array, " control"]
    control_high: Float[Array, " control"]
    """What the controls were between in training, in physical units; the whole of float32 where nobody says."""

    def __check_init__(self):
        check_numbers(self, above_0=("output_scale", "control_scale", "static_scale", "time_scale"))

    @classmethod
    def unit(cls, outputs: int, controls: int = 0, statics: int = 0) -> Self:
        """The map that changes nothing.

        Args:
            outputs, controls, statics: how many of each.
        """
        pairs = [_identity(n) for n in (outputs, controls, statics)]
        return cls(*pairs[0], *pairs[1], *pairs[2], array(1.0), *anything(controls))

    @classmethod
    def of(cls, ds: xr.Dataset) -> Self:
        """Means and standard deviations over every measured value of `ds`.

        Args:
            ds: the training data.

        Returns:
            A scaling with which outputs, controls and static features have mean 0 and deviation 1; a channel that is
            constant is divided by its size, by 1 where that is 0.

        Raises:
            FitError: an output that was never measured.
            ArgumentError: numbers too small or too large for the device's precision to hold.
        """
        if never := [name for name, count in counts(ds).items() if count == 0]:
            some = [name for name in schema.names(ds, "output") if name not in never]
            what = f"leave out by ds.sel(output_name={some})" if some else "there is nothing to fit to"
            raise FitError(f"outputs: {never} were never measured; {what}.")
        once = compact(ds)
        _check_sizes(once)
        pairs = [_moments(once, name) for name in ("output", "control")]
        pairs.append(_moments(ds, "static"))
        return cls(*pairs[0], *pairs[1], *pairs[2], array(_time_scale(ds)), *_range(once))

    def widened(self, ds: xr.Dataset) -> Self:
        """As it is, for controls as far as those in `ds` too."""
        low, high = _range(compact(ds))
        return dataclasses.replace(
            self,
            control_low=array(np.minimum(self.control_low, low)),
            control_high=array(np.maximum(self.control_high, high)),
        )

    def on_host(self) -> "OnHost":
        """The same of arrays of NumPy, in no program."""
        return OnHost(
            *(
                np.asarray(leaf)
                for leaf in (self.output_mean, self.output_scale, self.control_mean, self.control_scale)
            )
        )

    def for_any_control(self) -> Self:
        """Of a model that knows what its controls do, wherever they are."""
        low, high = anything(self.control_mean.shape[-1])
        return dataclasses.replace(self, control_low=low, control_high=high)

    def output(self, y: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """(`y` - output_mean) / output_scale."""
        return (y - self.output_mean) / self.output_scale

    def output_inverse(self, y: Float[Array, "*batch output"]) -> Float[Array, "*batch output"]:
        """`y` * output_scale + output_mean, in physical units."""
        return y * self.output_scale + self.output_mean

    def control(self, u: Float[Array, "*batch control"]) -> Float[Array, "*batch control"]:
        """(`u` - control_mean) / control_scale."""
        return (u - self.control_mean) / self.control_scale

    def control_inverse(self, u: Float[Array, "*batch control"]) -> Float[Array, "*batch control"]:
        """`u` * control_scale + control_mean, in physical units."""
        return u * self.control_scale + self.control_mean

    def static(self, s: Float[Array, "*batch static"]) -> Float[Array, "*batch static"]:
        """(`s` - static_mean) / static_scale."""
        return (s - self.static_mean) / self.static_scale

    def static_inverse(self, s: Float[Array, "*batch static"]) -> Float[Array, "*batch static"]:
        """`s` * static_scale + static_mean, in physical units."""
        return s * self.static_scale + self.static_mean


class OnHost(NamedTuple):
    """A `Scaling` for arrays of NumPy."""

    output_mean: np.ndarray
    output_scale: np.ndarray
    control_mean: np.ndarray
    control_scale: np.ndarray

    def output(self, y: ArrayLike) -> np.ndarray:
        """As `Scaling.output`."""
        return (np.asarray(y) - self.output_mean) / self.output_scale

    def control(self, u: ArrayLike) -> np.ndarray:
        """As `Scaling.control`."""
        return (np.asarray(u) - self.control_mean) / self.control_scale


def check_resolution(ds: xr.Dataset) -> None:
    """Raise where rounding to the device's precision would swallow how an output or control varies.

    Args:
        ds: trajectories under the schema.

    Raises:
        ArgumentError: an output or control whose deviation is below 100 roundings of its mean; constant ones pass.

    >>> import dynlearn as dl, numpy as np
    >>> check_resolution(dl.from_arrays(1e6 + 1e-3 * np.sin(np.arange(9.0)), dt=1.0))
    Traceback (most recent call last):
    dynlearn.errors.ArgumentError: output 'y0': it varies by 0.000689 around 1e+06, ...
    """
    ds = compact(ds)
    eps = float(jnp.finfo(jnp.result_type(float)).eps)
    for kind in ("output", "control"):
        if kind not in ds:
            continue
        over = [d for d in ds[kind].dims if d != f"{kind}_name"]
        values = ds[kind].astype("float64")
        mean, std = values.mean(over).values, values.std(over).values
        constant = _constant(values, over)
        for name, m, s, same in zip(schema.names(ds, kind), mean, std, constant, strict=True):
            if not same and s < 100 * eps * abs(m):
                raise ArgumentError(
                    f"{kind} {name!r}: it varies by {s:.3g} around {m:.6g}, which the session's {eps:.0e} relative "
                    f"precision cannot resolve; subtract an offset, or call jax.config.update('jax_enable_x64', True)."
                )


def _check_sizes(ds: xr.Dataset) -> None:
    """Raise where numbers are too small or too large for the device's precision to hold."""
    limits = jnp.finfo(jnp.result_type(float))
    tiny, huge = float(limits.tiny), float(limits.max)
    for kind in ("output", "control"):
        if kind not in ds:
            continue
        over = [d for d in ds[kind].dims if d != f"{kind}_name"]
        values = ds[kind].astype("float64")
        size, span = abs(values).max(over).values, (values.max(over) - values.min(over)).values
        for name, most, wide in zip(schema.names(ds, kind), size, span, strict=True):
            if most > huge or 0 < wide < tiny:
                raise ArgumentError(
                    f"{kind} {name!r}: its values reach {most:.3g} and span {wide:.3g}, which the session's precision "
                    f"({tiny:.0e} to {huge:.0e}) does not hold; give it in other units."
                )


def _constant(variable: xr.DataArray, over: list) -> np.ndarray:
    """Which channels have one value only. Told by the values: sums of equal numbers are rounded, they are not."""
    return (variable.min(over) == variable.max(over)).values


def _identity(channels: int) -> tuple[Array, Array]:
    """Mean 0 and scale 1 of so many channels."""
    return array(np.zeros(channels)), array(np.ones(channels))


def anything(controls: int) -> tuple[Array, Array]:
    """A range that no control leaves."""
    whole = np.full(controls, jnp.finfo(jnp.float32).max)
    return array(-whole), array(whole)


def _range(ds: xr.Dataset) -> tuple[Array, Array]:
    """Smallest and largest value of each control."""
    if "control" not in ds:
        return anything(0)
    over = [d for d in ds["control"].dims if d != "control_name"]
    return array(ds["control"].min(over).values), array(ds["control"].max(over).values)


def _moments(ds: xr.Dataset, name: str) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel; the scale of one that never changes is its size, 1 where it is 0."""
    if name not in ds:
        return _identity(0)
    variable = ds[name]
    other = [d for d in variable.dims if d != f"{name}_name"]
    variable = variable.astype("float64")
    mean = variable.mean(other).fillna(0.0).values
    std = variable.std(other).values
    flat = _constant(variable, other) | (std <= 1e-12 * np.abs(mean)) | np.isnan(std)
    size = np.where(mean == 0, 1.0, np.abs(mean))
    return array(mean), array(np.where(flat, size, std))


def _time_scale(ds: xr.Dataset) -> float:
    """Median over outputs of std(y) / rms(dy/dt), at least the typical interval."""
    once = compact(ds)["output"].transpose("trajectory", "time", "output_name").values.astype(float)
    pairs = folded(ds, 1).ds
    y = pairs["output"].transpose("trajectory", "time", "output_name").values.astype(float)
    interval = np.diff(schema.times_2d(pairs), axis=1)
    positive = interval[np.isfinite(interval)]
    if positive.size == 0:
        return 1.0
    smallest = float(np.median(positive))
    rate = np.diff(y, axis=1) / interval[..., None]
    ratios = []
    for j in range(y.shape[-1]):
        finite = rate[..., j][np.isfinite(rate[..., j])]
        spread = np.nanstd(once[..., j]) if np.isfinite(once[..., j]).any() else 0.0
        speed = np.sqrt(np.mean(finite**2)) if finite.size else 0.0
        if spread > 0 and speed > 0:
            ratios.append(spread / speed)
    return max(float(np.median(ratios)), smallest) if ratios else smallest
