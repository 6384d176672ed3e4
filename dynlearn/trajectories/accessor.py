"""`ds.dyn`: the verbs on a trajectory dataset. Each is one call of the function that does it."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.trajectories import schema, select
from dynlearn.trajectories.checks import validate
from dynlearn.trajectories.concatenate import concatenate
from dynlearn.trajectories.describe import Description, describe
from dynlearn.trajectories.device import to_device
from dynlearn.trajectories.frame_layout import to_frame
from dynlearn.trajectories.regularize import regularize
from dynlearn.trajectories.resample import resample
from dynlearn.trajectories.sampling import Sampling, sampling
from dynlearn.trajectories.split import split
from dynlearn.trajectories.windows import windows

if TYPE_CHECKING:
    from dynlearn.numerics.window import Window


@xr.register_dataset_accessor("dyn")
class TrajectoryAccessor:
    """Verbs of a dataset under the trajectory schema, which is checked on first use.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.zeros((4, 2)), dt=0.5)
    >>> ds.dyn.outputs, ds.dyn.n_runs, ds.dyn.lengths.tolist()
    (('y0', 'y1'), 1, [4])
    """

    def __init__(self, ds: xr.Dataset):
        self._ds = validate(ds)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return schema.names(self._ds, "output")

    @property
    def controls(self) -> tuple[str, ...]:
        """Names of the controls, () where there are none."""
        return schema.names(self._ds, "control")

    @property
    def n_runs(self) -> int:
        return self._ds.sizes["trajectory"]

    @property
    def lengths(self) -> np.ndarray:
        """Samples per run, padding not counted."""
        return schema.run_lengths(self._ds)

    @cached_property
    def _sampling(self) -> Sampling:
        return sampling(self._ds)

    def sampling(self) -> Sampling:
        """Intervals between samples, and whether they lie on a grid; derived from `t` once."""
        return self._sampling

    def times(self, run: Any) -> np.ndarray:
        """The instants of one run, without padding."""
        return select.times(self._ds, run)

    def run(self, run: Any) -> xr.Dataset:
        """One run as a dataset of its own, without padding."""
        return select.run(self._ds, run)

    def before(self, instant: Any, *, short: str = "error") -> xr.Dataset:
        """The samples with t < `instant` (a number, or a date) of every run."""
        return select.before(self._ds, instant, short=short)

    def after(self, instant: Any, *, short: str = "error") -> xr.Dataset:
        """The samples with t >= `instant` of every run."""
        return select.after(self._ds, instant, short=short)

    def between(self, start: Any, stop: Any, *, short: str = "error") -> xr.Dataset:
        """The samples with `start` <= t < `stop` of every run."""
        return select.between(self._ds, start, stop, short=short)

    def rename_runs(self, ids: Sequence | None = None, *, prefix: str | None = None) -> xr.Dataset:
        """The same runs under other ids."""
        return select.rename_runs(self._ds, ids, prefix=prefix)

    def split(
        self, train: float | None = None, valid: float | None = None, *, by: str = "time", key: Any = 0
    ) -> tuple[xr.Dataset, ...]:
        """Two or three parts; by="time" inside each run, by="trajectory" whole runs."""
        return split(self._ds, train, valid, by=by, key=key)

    def windows(self, length: int, stride: int = 1, *, short: str = "error") -> xr.Dataset:
        """Every window of `length` samples as a run of its own."""
        return windows(self._ds, length, stride, short=short)

    def concatenate(self, *others: xr.Dataset, prefixes: Sequence[str] | None = None) -> xr.Dataset:
        """These runs and those of `others`; `prefixes` has one for this dataset too."""
        return concatenate([self._ds, *others], prefixes=prefixes)

    def resample(self, dt: float, method: str = "linear", *, max_gap: float | None = None) -> xr.Dataset:
        """Every run interpolated to a grid of step `dt`."""
        return resample(self._ds, dt, method, max_gap=max_gap)

    def regularize(self) -> xr.Dataset:
        """Samples left out of a regular grid, put back as not measured."""
        return regularize(self._ds)

    def describe(self) -> Description:
        """A table of the channels and a summary of the runs."""
        return describe(self._ds)

    def plot(self, **options: Any) -> Any:
        """The figure of `dynlearn.plot.trajectories`."""
        from dynlearn.plot import trajectories

        return trajectories(self._ds, **options)

    def to_frame(self) -> pd.DataFrame:
        """A long table, one row per sample."""
        return to_frame(self._ds)

    def to_device(self, dtype: Any = None) -> "Window":
        """A padded batch with masks on the device."""
        return to_device(self._ds, dtype)
