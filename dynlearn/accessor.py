"""`ds.dyn`: the verbs on a trajectory dataset. Each is one call of the function that does it."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.trajectories import schema
from dynlearn.trajectories.build.frame_layout import to_frame
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.sampling import Sampling, sampling
from dynlearn.trajectories.verbs import select
from dynlearn.trajectories.verbs.concatenate import concatenate
from dynlearn.trajectories.verbs.describe import Description, describe
from dynlearn.trajectories.verbs.regularize import regularize
from dynlearn.trajectories.verbs.resample import resample
from dynlearn.trajectories.verbs.split import split
from dynlearn.trajectories.verbs.windows import windows

if TYPE_CHECKING:
    from dynlearn.trajectories.window import Window


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
        from dynlearn.plot.data.trajectories import trajectories

        return trajectories(self._ds, **options)

    def to_frame(self) -> pd.DataFrame:
        """A long table, one row per sample."""
        return to_frame(self._ds)

    def to_device(self, dtype: Any = None) -> "Window":
        """A padded batch with masks on the device."""
        from dynlearn.trajectories.device.to_device import to_device

        return to_device(self._ds, dtype)
