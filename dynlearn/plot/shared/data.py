"""What figures take out of a dataset: channels with units, runs without padding."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, check_known, unknown
from dynlearn.plot.shared.labels import with_unit
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.hold import Hold
from dynlearn.trajectories.sampling import Sampling, sampling


@dataclasses.dataclass(frozen=True)
class Channel:
    """One output, control or other quantity with a time axis."""

    kind: str
    name: str
    unit: str
    index: int

    @property
    def label(self) -> str:
        return with_unit(self.name, self.unit)


def channels(ds: xr.Dataset, kind: str = "output", chosen: Any = None) -> list[Channel]:
    """Those of `kind`, or the `chosen` names among them, in the order asked for."""
    names, units = schema.names(ds, kind), schema.units(ds, kind)
    wanted = names if chosen is None else as_list(chosen)
    check_known(kind, wanted, names)
    return [Channel(kind, name, units[names.index(name)], names.index(name)) for name in wanted]


def find(ds: xr.Dataset, name: str) -> Channel:
    """The output, control or state of that name."""
    every = [c for kind in ("output", "control", "state") for c in channels(ds, kind)]
    for channel in every:
        if channel.name == name:
            return channel
    raise ArgumentError(unknown("channel", name, [c.name for c in every]))


def as_list(chosen: Any) -> list:
    """A name or several."""
    if isinstance(chosen, str) or not isinstance(chosen, Iterable):
        return [chosen]
    return list(chosen)


def chosen_runs(ds: xr.Dataset, runs: Any = None) -> list:
    """The ids asked for; all of them by default."""
    ids = schema.run_ids(ds)
    wanted = ids if runs is None else as_list(runs)
    check_known("run", wanted, ids)
    if not wanted:
        raise ArgumentError("runs: expected at least one run id, got none; leave it out to show all.")
    return wanted


def one_run(ds: xr.Dataset, run: Any = None) -> Any:
    """The id asked for; the first run by default."""
    ids = schema.run_ids(ds)
    if run is None:
        return ids[0]
    check_known("run", [run], ids)
    return run


def matching_run(ds: xr.Dataset, run: Any, what: str) -> Any:
    """The run of `ds` that stands beside `run`: of the same id, or the only one there is."""
    ids = schema.run_ids(ds)
    if run in ids:
        return run
    if len(ids) == 1:
        return ids[0]
    raise ArgumentError(
        f"{what}: {unknown('run', run, ids)} Pass one with the run that is shown, or a single run."
    )


def checked(
    ds: Any, what: str, *variables: str, made_by: str = "dl.from_arrays or dl.from_frame"
) -> xr.Dataset:
    """A dataset under the schema that has `variables`."""
    if not isinstance(ds, xr.Dataset):
        raise ArgumentError(
            f"{what}: expected an xarray.Dataset under the trajectory schema, got {type(ds).__name__}; "
            f"pass what {made_by} returns."
        )
    validate(ds)
    for name in variables:
        if name not in ds:
            raise ArgumentError(
                f"{what}: expected a dataset with the variable {name!r}, got "
                f"{sorted(map(str, ds.data_vars))}; pass what {made_by} returns."
            )
    return ds


def time_label(ds: xr.Dataset) -> str:
    return with_unit("time", schema.time_unit(ds))


def instants(ds: xr.Dataset, run: Any) -> np.ndarray:
    """The instants of a run, without padding."""
    t = schema.times_2d(ds)[schema.run_ids(ds).index(run)]
    return t[np.isfinite(t)]


def values(ds: xr.Dataset, run: Any, variable: str, channel: Channel | None = None) -> np.ndarray:
    """`(time,)` of one run without padding; `(sample, time)` where there are samples."""
    found = ds[variable].isel(trajectory=schema.run_ids(ds).index(run))
    if channel is not None:
        found = found.isel({f"{channel.kind}_name": channel.index})
    found = found.transpose("sample", "time") if "sample" in found.dims else found
    return found.values[..., : instants(ds, run).size].astype(float)


def held(ds: xr.Dataset, control: np.ndarray) -> np.ndarray:
    """Controls for drawing: one held until the next sample reaches to the last instant of the run."""
    control = control.copy()
    if schema.hold(ds) is Hold.ZERO and control.shape[-1] > 1:
        end = np.isnan(control[..., -1])
        control[..., -1] = np.where(end, control[..., -2], control[..., -1])
    return control


def broken(t: np.ndarray, y: np.ndarray, rate: Sampling) -> tuple[np.ndarray, np.ndarray]:
    """The series with a NaN inside every gap, so that no line crosses it.

    A gap is an interval of more than one step where samples were left out of a regular grid, and one
    of more than ten times the median where sampling is uneven.

    >>> from dynlearn.trajectories.sampling import Sampling
    >>> grid = Sampling(None, 1.0, 1.0, 3.0, False, True, 1.0)
    >>> broken(np.array([0.0, 1.0, 4.0]), np.array([5.0, 6.0, 7.0]), grid)[1]
    array([ 5.,  6., nan,  7.])
    """
    intervals = np.diff(t)
    if intervals.size == 0:
        return t, y
    limit = 1.5 * rate.step if rate.step else 10 * float(np.median(intervals))
    at = np.flatnonzero(intervals > limit) + 1
    return np.insert(t, at, (t[at - 1] + t[at]) / 2), np.insert(y, at, np.nan, axis=-1)


def rate_of(ds: xr.Dataset) -> Sampling:
    return sampling(ds)


def quantiles(draws: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """`(level, time)` over samples; NaN at an instant where there is none."""
    found = np.full((len(levels), draws.shape[-1]), np.nan)
    there = ~np.isnan(draws).any(0)
    if there.any():
        found[:, there] = np.quantile(draws[:, there], levels, axis=0)
    return found
