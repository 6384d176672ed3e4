"""Samples left out of a regular grid, put back as not measured."""

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.hold import Hold
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.sampling import sampling
from dynlearn.trajectories.schema import hold, run_lengths, times_2d
from dynlearn.trajectories.verbs.gather import with_own_times
from dynlearn.trajectories.verbs.resample import refuse_rewards, stacked


def regularize(ds: xr.Dataset) -> xr.Dataset:
    """Insert unmeasured samples so that every run is sampled at the step of its grid.

    For data whose intervals are all whole multiples of one step (`ds.dyn.sampling().lattice`). Nothing
    is invented: inserted outputs and states are NaN, inserted controls follow from the hold, and the
    samples that were there keep their instants and values.

    Raises:
        ArgumentError: samples that do not lie on such a grid (use `resample`), or a transition that would be cut
            and carries a reward.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]), times=[0.0, 1.0, 3.0])
    >>> full = regularize(ds)
    >>> full["output"].values[0, :, 0], full["control"].values[0, :, 0]
    (array([ 1.,  2., nan,  3.]), array([5., 6., 6., 7.]))
    """
    found = sampling(ds)
    if found.regular or found.smallest is None:
        return ds
    if found.step is None:
        came = f"intervals from {found.smallest:g} to {found.largest:g} that are not multiples of one step"
        raise ArgumentError(refusal("t", "samples on a regular grid", came, "use ds.dyn.resample(dt)"))
    refuse_rewards(ds, "regularize")
    ds = with_own_times(ds)
    t = [row[:n] for row, n in zip(times_2d(ds), run_lengths(ds), strict=True)]
    positions = [_positions(run, found.step) for run in t]
    new_t = [np.interp(np.arange(at[-1] + 1), at, run) for at, run in zip(positions, t, strict=True)]
    new = {}
    for name in (name for name in ("output", "state", "control") if name in ds):
        values = ds[name].transpose("trajectory", "time", ...)
        runs = [row[: len(at)] for at, row in zip(positions, values.values, strict=True)]
        place = _placed if name != "control" else _held if hold(ds) is Hold.ZERO else _interpolated
        padded = stacked([place(run, at) for run, at in zip(runs, positions, strict=True)])
        new[name] = (values.dims, padded, values.attrs)
    times = (("trajectory", "time"), stacked(new_t), ds["t"].attrs)
    return ds.drop_vars([*new, "t"]).assign(new).assign_coords(t=times)


def _positions(t: np.ndarray, step: float) -> np.ndarray:
    """The place of every sample on the grid of its run, from 0; interval by interval, so that a clock
    that drifts over a long run does not shift them."""
    return np.concatenate([[0], np.cumsum(np.rint(np.diff(t) / step))]).astype(int)


def _placed(run: np.ndarray, at: np.ndarray) -> np.ndarray:
    full = np.full((at[-1] + 1, *run.shape[1:]), np.nan, run.dtype)
    full[at] = run
    return full


def _held(run: np.ndarray, at: np.ndarray) -> np.ndarray:
    return run[np.searchsorted(at, np.arange(at[-1] + 1), side="right") - 1]


def _interpolated(run: np.ndarray, at: np.ndarray) -> np.ndarray:
    full = np.arange(at[-1] + 1)
    return np.stack([np.interp(full, at, column) for column in run.T], axis=1).astype(run.dtype)
