"""The border of inference: a checked model and runs on the device, in float64."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike

from dynlearn.contract.checks.outputs import check_outputs
from dynlearn.contract.checks.traced import SCORE, check_concrete
from dynlearn.contract.foreign import as_model
from dynlearn.contract.members import has_members
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import for_intervals_of
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError, DivergedError, check_count
from dynlearn.filtering.contract import AbstractInference
from dynlearn.inference.methods import Method, resolve
from dynlearn.numerics.precision import double
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.alike import alike
from dynlearn.trajectories.device.to_device import OnHost, bucketed, exactly, on_host
from dynlearn.trajectories.window import Window


def check(
    verb: str, model: object, ds: xr.Dataset, method: Method
) -> tuple[AbstractStateSpace, AbstractInference]:
    """The model, if it has a state to infer and fits the data, and the method to do it by."""
    model = as_model(model)
    if not isinstance(model, AbstractStateSpace):
        hint = ""
        if has_members(model):
            hint = "; pass one member, model.member(0)"
        elif not isinstance(model, AbstractModel) and hasattr(model, "model"):
            hint = "; pass result.model"
        raise ArgumentError(
            f"{verb}: expected a state-space model such as dl.models.LinearStateSpace or NonlinearStateSpace, got "
            f"{type(model).__name__}{hint}."
        )
    check_concrete(verb, SCORE, model)
    model.signature.check(ds)
    check_outputs(model, ds)
    return model, resolve(method, model)


def check_samples(samples: object) -> int:
    check_count("samples", samples, 0)
    return int(samples)  # type: ignore[call-overload]


def check_finite(verb: str, ds: xr.Dataset, found: ArrayLike) -> None:
    """What a model says of a sample is a number, or an error that says where it is not: `found` (run, time, name)."""
    bad = inside(ds) & ~np.isfinite(np.asarray(found)).all(-1)
    for i in np.flatnonzero(bad.any(1)):
        t = schema.times_2d(ds)[i, int(np.argmax(bad[i]))]
        raise DivergedError(
            f"{verb}: run {schema.run_ids(ds)[i]!r} is not finite from t = {t:g} on: the model gives no finite law "
            f"to the samples there. Look for a transition or an observation that returns NaN, noises of variance zero, "
            f"unstable dynamics across a long gap, or a value far from all others."
        )


def on_device(
    model: AbstractStateSpace, ds: xr.Dataset, method: AbstractInference
) -> tuple[AbstractStateSpace, Window]:
    """Both in float64, to be called inside `precision.float64`."""
    return double(for_intervals_of(model, ds)), runs_of(ds, model.feedthrough, method)


def groups_on_device(
    model: AbstractStateSpace, ds: xr.Dataset, method: AbstractInference
) -> tuple[AbstractStateSpace, tuple[Window, ...], list[np.ndarray]]:
    """As `on_device`, runs of similar length in a window each, and which runs these are."""
    return double(for_intervals_of(model, ds)), *groups_of(ds, feedthrough=model.feedthrough, method=method)


def groups_of(
    ds: xr.Dataset, *, feedthrough: bool, method: AbstractInference | None = None
) -> tuple[tuple[Window, ...], list[np.ndarray]]:
    """As `runs_of`, runs of similar length in a window each, and which runs these are."""
    groups = alike(ds)
    windows = tuple(runs_of(group.ds, feedthrough, method) for group in groups)
    return windows, [group.which for group in groups]


def runs_of(ds: xr.Dataset, feedthrough: bool, method: AbstractInference | None) -> Window:
    """The runs as they can be inferred from, padded to a size of a few.

    Where outputs feed the control through, one that was measured under an unknown control (the last
    of a run under zero hold) says nothing of the state: it counts as not measured.
    """
    runs = bucketed(ds, samples=exactly) if method is not None and method.counts_padding else bucketed(ds)
    if not feedthrough or "control" not in ds:
        return runs
    known = _known(ds)
    room = [(0, there - own) for there, own in zip(runs.valid.shape, known.shape, strict=True)]
    known = np.pad(known, room)
    return dataclasses.replace(runs, observed=runs.observed & jnp.asarray(known)[..., None])


def runs_on_host(ds: xr.Dataset, feedthrough: bool) -> OnHost:
    """As `runs_of`, on the host and without padding."""
    runs = on_host(ds)
    if not feedthrough or "control" not in ds:
        return runs
    return runs._replace(observed=runs.observed & _known(ds)[..., None])


def _known(ds: xr.Dataset) -> np.ndarray:
    """At which samples every control is."""
    return np.isfinite(ds["control"].transpose("trajectory", "time", "control_name").values).all(-1)


def cut(found: Any, ds: xr.Dataset) -> Any:
    """Arrays `(run, ..., time, name)`, or `(run, time)` where they are scalars, cut to the runs and samples of `ds`."""
    runs, samples = schema.times_2d(ds).shape

    def one(leaf: Array) -> np.ndarray:
        array = np.asarray(leaf)[:runs]
        return array[:, :samples] if array.ndim == 2 else array[..., :samples, :]

    return jax.tree.map(one, found)


def inside(ds: xr.Dataset) -> np.ndarray:
    """Which samples are not padding, shape (run, time)."""
    return np.isfinite(schema.times_2d(ds))
