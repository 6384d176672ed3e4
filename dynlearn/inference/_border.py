"""The border of inference: a checked model and runs on the device, in float64."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, DivergedError, check_count
from dynlearn.inference._methods import Method, resolve
from dynlearn.models import (
    AbstractModel,
    AbstractStateSpace,
    Ensemble,
    as_model,
    for_intervals_of,
    is_fitted,
)
from dynlearn.models._emissions import check_outputs
from dynlearn.models._state_space import double
from dynlearn.models._traced import SCORE, check_concrete
from dynlearn.numerics.filtering._contract import AbstractInference
from dynlearn.numerics.window import Window
from dynlearn.trajectories import schema
from dynlearn.trajectories.alike import alike


def check(
    verb: str, model: object, ds: xr.Dataset, method: Method
) -> tuple[AbstractStateSpace, AbstractInference]:
    """The model, if it has a state to infer and fits the data, and the method to do it by."""
    model = as_model(model)
    if not isinstance(model, AbstractStateSpace):
        hint = ""
        if isinstance(model, Ensemble):
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


def check_fitted(verb: str, model: AbstractStateSpace) -> None:
    if not is_fitted(model):
        raise ArgumentError(
            f"{verb}: this {type(model).__name__} has not been fitted, its intervals would mean nothing; call "
            f"dl.fit(model, train).model first (with method='calibration' where it is to stay as it is)."
        )


def check_samples(samples: object) -> int:
    check_count("samples", samples, 0)
    return int(samples)  # type: ignore[call-overload]


def check_finite(verb: str, ds: xr.Dataset, found: np.ndarray) -> None:
    """What a model says of a sample is a number, or an error that says where it is not: `found` (run, time, name)."""
    bad = inside(ds) & ~np.isfinite(found).all(-1)
    for i in np.flatnonzero(bad.any(1)):
        t = schema.times_2d(ds)[i, int(np.argmax(bad[i]))]
        raise DivergedError(
            f"{verb}: run {schema.run_ids(ds)[i]!r} is not finite from t = {t:g} on: the model gives no finite law "
            f"to the samples there. Look for a transition or an observation that returns NaN, noises of variance zero, "
            f"unstable dynamics across a long gap, or a value far from all others."
        )


def on_device(model: AbstractStateSpace, ds: xr.Dataset) -> tuple[AbstractStateSpace, Window]:
    """Both in float64, to be called inside `precision.float64`."""
    return double(for_intervals_of(model, ds)), runs_of(ds, feedthrough=model.feedthrough)


def groups_on_device(
    model: AbstractStateSpace, ds: xr.Dataset
) -> tuple[AbstractStateSpace, tuple[Window, ...], list[np.ndarray]]:
    """As `on_device`, runs of similar length in a window each, and which runs these are."""
    return double(for_intervals_of(model, ds)), *groups_of(ds, feedthrough=model.feedthrough)


def groups_of(ds: xr.Dataset, *, feedthrough: bool) -> tuple[tuple[Window, ...], list[np.ndarray]]:
    """As `runs_of`, runs of similar length in a window each, and which runs these are."""
    groups = alike(ds)
    windows = tuple(runs_of(group.ds, feedthrough=feedthrough) for group in groups)
    return windows, [group.which for group in groups]


def runs_of(ds: xr.Dataset, *, feedthrough: bool) -> Window:
    """The runs as they can be inferred from.

    Where outputs feed the control through, one that was measured under an unknown control (the last
    of a run under zero hold) says nothing of the state: it counts as not measured.
    """
    runs = ds.dyn.to_device()
    if not feedthrough or "control" not in ds:
        return runs
    known = np.isfinite(ds["control"].transpose("trajectory", "time", "control_name").values).all(-1)
    return dataclasses.replace(runs, observed=runs.observed & jnp.asarray(known)[..., None])


def inside(ds: xr.Dataset) -> np.ndarray:
    """Which samples are not padding, shape (run, time)."""
    return np.isfinite(schema.times_2d(ds))
