"""What several benchmarks need: a card from a list of files, the parts of a record, folders of measured
runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.datasets.files import File
from dynlearn.datasets.info import Info
from dynlearn.errors import check_count
from dynlearn.trajectories.build.arrays import from_arrays


def card(name: str, description: str, licence: str, source: str, files: Sequence[File]) -> Info:
    sha256 = {file.path: file.sha256 for file in files}
    return Info(name, "benchmark", description, licence, source, sha256, sum(file.size for file in files))


def parts(
    outputs: np.ndarray,
    controls: np.ndarray | None,
    dt: float,
    cuts: Mapping[str, tuple[int, int]],
    context: int = 0,
    **names: object,
) -> xr.Dataset:
    """One record `(time, name)` cut into named runs; sample i keeps the instant i dt.

    >>> parts(np.zeros((9, 1)), None, 2.0, {"train": (1, 4), "test": (4, 6)}, context=2)["t"].values
    array([[ 2.,  4.,  6., nan],
           [ 4.,  6.,  8., 10.]])
    """
    context = check_count("context", context, 0)
    first = min(start for start, _ in cuts.values())
    spans = [(max(first, start - context), stop) for start, stop in cuts.values()]
    return from_arrays(
        [outputs[start:stop] for start, stop in spans],
        None if controls is None else [controls[start:stop] for start, stop in spans],
        times=[dt * np.arange(start, stop) for start, stop in spans],
        runs=list(cuts),
        **names,  # type: ignore[arg-type]
    )


def measurements(
    folder: Path, outputs: Sequence[str], controls: Sequence[str], units: Mapping[str, str]
) -> xr.Dataset:
    """Runs `measurement_<n>/{trajectory,input,time}.csv` without headers, in the order of n.

    There is no input at the last sample of a run: it was applied between samples, and comes back as NaN
    there.
    """
    runs = sorted(folder.glob("measurement_*"), key=lambda run: int(run.name.rpartition("_")[2]))

    def read(run: Path, name: str) -> np.ndarray:
        return pd.read_csv(run / f"{name}.csv", header=None, dtype="float64").to_numpy()

    return from_arrays(
        [read(run, "trajectory") for run in runs],
        [np.pad(read(run, "input"), ((0, 1), (0, 0)), constant_values=np.nan) for run in runs],
        times=[read(run, "time")[:, 0] for run in runs],
        output_names=list(outputs),
        control_names=list(controls),
        units=dict(units),
        runs=[int(run.name.rpartition("_")[2]) for run in runs],
    )
