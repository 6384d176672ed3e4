"""The gas furnace of Box and Jenkins (their series J)."""

import pandas as pd
import xarray as xr

from dynlearn.datasets.benchmarks._common import card, parts
from dynlearn.datasets.files import File, fetch

PAGE = "https://github.com/zhenwendai/RGP/tree/e55e66d36692a5163f2091bae695a7c6f7d623e8/datasets/system_identification"
FILE = File(
    "gas_furnace/gas_furnace.csv",
    "ce46e11490a11ac254a959d42d5858f66b3c8013a1b667e553b3d890c67e4d43",
    3568,
    page=PAGE,
    address=PAGE.replace("github.com", "raw.githubusercontent.com").replace("/tree/", "/")
    + "/gas_furnace.csv",
)
INFO = card(
    "gas_furnace",
    "Methane feed rate to carbon dioxide in the outlet gas, 296 samples of 9 s.",
    "BSD-style (of the repository)",
    "Box and Jenkins, Time Series Analysis (1970), series J; github.com/zhenwendai/RGP",
    [FILE],
)


def load(context: int = 0) -> xr.Dataset:
    """The runs "train" (the first 148 samples) and "test" (the other 148): output `co2` (%), control
    `gas_rate` (coded).

    Protocol: free run over the test part; RMSE in normalised and in physical units.

    Args:
        context: how many samples before its start the run "test" begins.
    """
    frame = pd.read_csv(fetch(FILE), dtype="float64", skipinitialspace=True)
    return parts(
        frame[["CO2"]].to_numpy(),
        frame[["InputGasRate"]].to_numpy(),
        9.0,
        {"train": (0, 148), "test": (148, 296)},
        context,
        output_names=["co2"],
        control_names=["gas_rate"],
        units={"t": "s", "co2": "%"},
    )
