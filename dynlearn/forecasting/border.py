"""The border of forecasting: datasets in, checked arrays for the device, datasets out."""

from typing import NamedTuple

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float

from dynlearn.contract.checks.fitted import check_fitted
from dynlearn.contract.checks.outputs import check_outputs
from dynlearn.contract.checks.traced import FOLLOW, check_concrete
from dynlearn.contract.foreign import as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import pieces_needed
from dynlearn.errors import ArgumentError, DivergedError, is_count
from dynlearn.forecasting import _controls
from dynlearn.numerics.finite import finite
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.pasts import pasts
from dynlearn.trajectories.device.to_device import last_repeated
from dynlearn.trajectories.sampling import agrees, sampling
from dynlearn.trajectories.times.instants import relative
from dynlearn.trajectories.window import Window


class Ahead(NamedTuple):
    """What drives a rollout, a row per run: instants now..horizon, NaN after the end of a shorter one; controls."""

    time: Float[np.ndarray, "run instant"]
    control: Float[np.ndarray, "run instant control"]

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(control, time, interval), intervals differenced before rounding; in the padding they are 0.

        A control that is not known (NaN, allowed at the last instant, from which no step starts) is 0 here.
        """
        control = np.where(np.isnan(self.control), 0.0, self.control)
        time = last_repeated(self.time)
        return control, time, np.diff(time, axis=1)

    @property
    def inside(self) -> Bool[np.ndarray, "run horizon"]:
        """Which instants are asked for."""
        return np.isfinite(self.time[:, 1:])

    def pieces(self, model: AbstractModel) -> int:
        """How many steps of the model cross the longest interval."""
        return pieces_needed(model, float(np.diff(last_repeated(self.time), axis=1).max(initial=0.0)))


def check_model(verb: str, model: object) -> AbstractModel:
    """The model, or its twin where it is a foreign one."""
    model = as_model(model)
    if not isinstance(model, AbstractModel):
        hint = "; pass result.model" if hasattr(model, "model") else ""
        raise ArgumentError(f"{verb}: expected a fitted model, got {type(model).__name__}{hint}.")
    check_concrete(verb, FOLLOW, model)
    check_fitted(verb, model)
    return model


def last_samples(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Index and instant of the last sample of each run."""
    t = schema.times_2d(ds)
    index = schema.run_lengths(ds) - 1
    return index, t[np.arange(t.shape[0]), index]


def ahead(
    model: AbstractModel, context: xr.Dataset, horizon: int | None, times: object, controls: object
) -> Ahead:
    """Instants and controls of a forecast that starts at the last sample of each run of `context`."""
    index, now = last_samples(context)
    instants = _instants(model, context, now, horizon, times)
    known = _controls.future(model, controls, instants, context["trajectory"].values)
    present = _controls.present(model, context, index)
    return Ahead(
        np.concatenate([now[:, None], instants], axis=1), np.concatenate([present[:, None], known], axis=1)
    )


def _instants(model, context, now: np.ndarray, horizon: int | None, times: object) -> np.ndarray:
    if (horizon is None) == (times is None):
        raise ArgumentError(
            f"forecast: expected either horizon (a number of steps) or times (instants), got {horizon=}, {times=}."
        )
    if times is not None:
        return _given_instants(model, schema.run_ids(context), now, relative(context["t"].attrs, times))
    if not is_count(horizon, 1):
        raise ArgumentError(f"horizon: expected an integer >= 1 (a number of steps), got {horizon!r}.")
    interval = model.signature.interval or sampling(context).interval
    if interval is None:
        why = "is unevenly sampled" if sampling(context).smallest else "has one sample per run"
        raise ArgumentError(f"horizon: the context {why}, so a step has no length; pass times=[...] instead.")
    return now[:, None] + interval * np.arange(1, horizon + 1)


def _given_instants(model: AbstractModel, ids: list, now: np.ndarray, instants: np.ndarray) -> np.ndarray:
    """A run that ends before the others has NaN after its last instant."""
    if instants.ndim == 1:
        instants = np.broadcast_to(instants, (now.size, instants.size))
    if instants.ndim != 2 or instants.shape[0] != now.size or instants.shape[1] == 0:
        raise ArgumentError(
            f"times: expected shape (time,) or ({now.size} runs, time), got {instants.shape}."
        )
    full = np.concatenate([now[:, None], instants], axis=1)
    known = ~np.isnan(full)
    steps = np.diff(full, axis=1)
    wrong = (
        np.isinf(full).any(1)
        | (steps <= 0).any(1)
        | (np.diff(known.astype(int), axis=1) > 0).any(1)
        | ~known[:, 1]
    )
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ArgumentError(
            f"times: expected finite, strictly increasing instants after the context's last samples, NaN only after "
            f"the end of a shorter run; run {ids[i]!r} ends at {now[i]:.10g}, got "
            f"{np.array2string(instants[i], threshold=6, edgeitems=3)}."
        )
    interval = model.signature.interval
    if interval is not None and not agrees(full, interval):
        unit = model.signature.time_unit and f" {model.signature.time_unit}"
        other = steps[known[:, 1:]]
        raise ArgumentError(
            f"times: this is a discrete-time model with interval {interval:g}{unit}, expected instants so far apart "
            f"from the end of the context on, got intervals from {other.min():g} to {other.max():g}; pass "
            f"horizon=..., or use a continuous-time model."
        )
    return instants


def check_length(model: AbstractModel, ds: xr.Dataset, now: np.ndarray) -> None:
    """Up to index `now`, every run must have the samples the model needs."""
    ids = schema.run_ids(ds)
    for i in np.flatnonzero(now + 1 < model.required):
        raise ArgumentError(
            f"context: the model needs {model.required} samples, run {ids[i]!r} gives {now[i] + 1}; give a longer one."
        )


def check_inferred(model: AbstractModel, ds: xr.Dataset, known: np.ndarray) -> None:
    """The state of every run must be known."""
    check_outputs(model, ds)
    if known.all():
        return
    ids = schema.run_ids(ds)
    y = ds["output"].transpose("trajectory", "time", "output_name").values
    measured = np.isfinite(y).all(-1) | ~np.isfinite(schema.times_2d(ds))
    for i in np.flatnonzero(~known):
        if measured[i].all() and schema.run_lengths(ds)[i] >= model.required:
            raise DivergedError(
                f"context: the state of run {ids[i]!r} is not finite though all of its outputs were measured: the "
                f"model diverges within its last {model.memory} samples; refit it from another start or with shorter "
                f"memory."
            )
        raise ArgumentError(
            f"context: the state of run {ids[i]!r} cannot be inferred: too many outputs are missing in its last "
            f"{model.memory} samples (the model needs {model.required} complete ones in a row, or one measured value "
            f"per output if that is 1); give a longer or fuller context."
        )


def inferable(model: AbstractModel, context: xr.Dataset, now: np.ndarray) -> np.ndarray:
    """From which runs the model can infer a state at index `now`."""
    y = context["output"].transpose("trajectory", "time", "output_name").values
    last = np.maximum(now[:, None] - np.arange(model.required), 0)
    enough = now + 1 >= model.required
    known = enough & ~np.isnan(y[np.arange(now.size)[:, None], last]).any((1, 2))
    asked = enough & ~known
    if asked.any():
        found = np.asarray(_inferred(model, pasts(context, now, model.memory)))[: now.size]
        known = np.where(asked, found, known)
    return known


@compiled
def _inferred(model: AbstractModel, past: Window) -> Bool[Array, " run"]:
    return jax.vmap(lambda one: finite(model.infer(one)))(past)
