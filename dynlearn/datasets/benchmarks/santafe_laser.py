"""The classic split of the laser series that comes with the package."""

import xarray as xr

from dynlearn.datasets import shipped_series as _shipped
from dynlearn.datasets.benchmarks._common import parts
from dynlearn.datasets.info import Info

_LASER = next(series.info for series in _shipped.SERIES if series.info.name == "laser")
INFO = Info(
    "santafe_laser",
    "benchmark",
    "The series `laser`, cut as in the competition: 1000 samples, the next 100 to forecast.",
    _LASER.licence,
    _LASER.source,
    _LASER.sha256,
    _LASER.size,
)


def load(context: int = 0) -> xr.Dataset:
    """The runs "train" (the first 1000 samples) and "test" (the next 100).

    Protocol: one forecast of 100 steps from the end of the training part; NMSE.

    Args:
        context: how many samples before its start the run "test" begins.

    >>> load(context=50).dyn.lengths.tolist()
    [1000, 150]
    """
    series = _shipped.load("laser")
    record = series["output"].values[0]
    cuts = {"train": (0, 1000), "test": (1000, 1100)}
    units = {"t": "sample", "intensity": "1"}
    return parts(record, None, 1.0, cuts, context, output_names=["intensity"], units=units)
