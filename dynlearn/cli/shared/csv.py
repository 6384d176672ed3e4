"""A dataset as a .csv file: one row per run and instant, which `dynlearn` and `dl.from_csv` read again.

Columns are those of `ds.dyn.to_frame()`, but for two things that a table of numbers cannot hold. Draws
become quantiles, `output_q05.y` to `output_q95.y`, and in a forecast `y` is the mean, beside
`output_scale.y`, the standard deviation. Instants that were given as dates are dates again.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynlearn.disk import put

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.cli.shared.data import Table

LEVELS = (5, 25, 50, 75, 95)
"""Quantiles in percent."""


def write_csv(ds: "xr.Dataset", path: Path, names: "Table | None" = None) -> None:
    """Write it whole or not at all; `names`: of the columns of instants and runs, as in the file it came from."""
    from dynlearn.trajectories.times.instants import iso_dates

    frame = _numbers_only(ds).dyn.to_frame()
    dates = iso_dates(frame["t"].to_numpy(), dict(ds["t"].attrs))
    if dates is not None:
        frame["t"] = dates
    wanted = {} if names is None else {"t": names.time, "trajectory": names.trajectory}
    taken = set(frame.columns)
    frame = frame.rename(columns={old: new for old, new in wanted.items() if new and new not in taken})
    put(path, frame.to_csv(index=False).encode())


def _numbers_only(ds: "xr.Dataset") -> "xr.Dataset":
    """Draws as quantiles, probabilities of regimes as one variable each."""
    for name in [str(name) for name in ds.data_vars if "sample" in ds[name].dims]:
        draws, kind = ds[name].transpose("sample", ...), name.removesuffix("_draws")
        values = np.quantile(draws.values, np.array(LEVELS) / 100, axis=0)
        ds = ds.drop_vars(name)
        if name == "output":
            mean = ds["output_mean"] if "output_mean" in ds else draws.mean("sample")
            ds = ds.drop_vars("output_mean", errors="ignore").assign(output=mean)
        quantiles = {
            f"{kind}_q{level:02d}": (draws.dims[1:], of) for level, of in zip(LEVELS, values, strict=True)
        }
        ds = ds.assign(quantiles)
    if "regime_probability" in ds:
        odds = ds["regime_probability"]
        each = {
            f"regime_probability.{r}": odds.sel(regime_name=r, drop=True) for r in odds["regime_name"].values
        }
        ds = ds.drop_vars(["regime_probability", "regime_name"]).assign(each)
    return ds
