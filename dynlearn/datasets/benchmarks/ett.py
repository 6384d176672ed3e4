"""Electricity transformer temperature, hourly."""

import pandas as pd
import xarray as xr

from dynlearn.datasets.benchmarks._common import card, parts
from dynlearn.datasets.files import File, fetch
from dynlearn.errors import check_known

ADDRESS = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small"
PAGE = "https://github.com/zhouhaoyi/ETDataset/tree/main/ETT-small"
FILES = {
    "ETTh1": File(
        "ett/ETTh1.csv",
        "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
        2589657,
        page=PAGE,
        address=f"{ADDRESS}/ETTh1.csv",
    ),
    "ETTh2": File(
        "ett/ETTh2.csv",
        "a3dc2c597b9218c7ce1cd55eb77b283fd459a1d09d753063f944967dd6b9218b",
        2417960,
        page=PAGE,
        address=f"{ADDRESS}/ETTh2.csv",
    ),
}
INFO = card(
    "ett",
    "Load and oil temperature of two electricity transformers (ETTh1, ETTh2), hourly, 7 channels.",
    "CC BY-ND 4.0",
    "Zhou et al., Informer, AAAI 2021; github.com/zhouhaoyi/ETDataset",
    list(FILES.values()),
)
CUTS = {"train": (0, 8640), "valid": (8640, 11520), "test": (11520, 14400)}
CHANNELS = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]


def load(series: str = "ETTh1", context: int = 0) -> xr.Dataset:
    """The runs "train" (12 months), "valid" (4) and "test" (4), 7 outputs.

    Protocol: standardise by the training part, forecast all channels, MSE of the standardised values.

    Args:
        series: "ETTh1" or "ETTh2".
        context: how many samples before its part a run begins (the look-back window of the protocol, which
            reaches into the part before).
    """
    check_known("series of ett", [series], FILES)
    frame = pd.read_csv(fetch(FILES[series]), usecols=CHANNELS, dtype="float64")
    units = {"t": "h", "OT": "degC"}
    return parts(frame[CHANNELS].to_numpy(), None, 1.0, CUTS, context, output_names=CHANNELS, units=units)
