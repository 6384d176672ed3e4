"""Cascaded tanks with overflow: a measured benchmark of nonlinear system identification."""

import pandas as pd
import xarray as xr

from dynlearn.datasets.benchmarks._common import card
from dynlearn.datasets.files import File, fetch
from dynlearn.trajectories.build.arrays import from_arrays

FILE = File(
    "cascaded_tanks/dataBenchmark.csv",
    "ef2388ed822f3aef4aa80d6b0f2b466dd80b361786b3eafc7a2957c31ea323a7",
    30014,
    page="https://www.nonlinearbenchmark.org/benchmarks/cascaded-tanks",
)
INFO = card(
    "cascaded_tanks",
    "Two water tanks in cascade that can overflow: pump voltage to lower level, 2 x 1024 samples of 4 s.",
    "see the benchmark's page",
    "M. Schoukens, J.-P. Noel, IFAC-PapersOnLine 50 (2017) 446; nonlinearbenchmark.org",
    [FILE],
)


def load() -> xr.Dataset:
    """Two records: the runs "train" (estimation) and "test" (validation), output `level` (V), control `pump`
    (V).

    Protocol: free run on the test input; its first 50 outputs may set the state and are left out; RMSE in V.
    The two records start from different unknown states.
    """
    frame = pd.read_csv(fetch(FILE), usecols=["uEst", "uVal", "yEst", "yVal"], dtype="float64")
    return from_arrays(
        [frame[["yEst"]].to_numpy(), frame[["yVal"]].to_numpy()],
        [frame[["uEst"]].to_numpy(), frame[["uVal"]].to_numpy()],
        dt=4.0,
        output_names=["level"],
        control_names=["pump"],
        units={"t": "s", "level": "V", "pump": "V"},
        runs=["train", "test"],
    )
