"""The Lorenz-63 files of the AL-RNN paper, for comparing reconstructions of an attractor."""

import numpy as np
import xarray as xr

from dynlearn.datasets.benchmarks._common import card
from dynlearn.datasets.files import File, fetch
from dynlearn.errors import check_count
from dynlearn.trajectories.build.arrays import from_arrays

PAGE = "https://github.com/DurstewitzLab/ALRNN-DSR/tree/main/alrnn_python"
TRAIN = File(
    "lorenz63_alrnn/lorenz63_train.npy",
    "c469dcb4596f7d667c2462f7673fe236c2ef5d52f17b3e6095a77da796743cce",
    2400080,
    page=PAGE,
)
TEST = File(
    "lorenz63_alrnn/lorenz63_test.npy",
    "503df86fa9c023bf49cf6b874d4d31ee9fc336684ad085e1a2a768cecf1c72a8",
    2400080,
    page=PAGE,
)
INFO = card(
    "lorenz63_alrnn",
    "Lorenz-63, two separate simulations of 100000 samples, standardised.",
    "GPL-3.0 (of the repository)",
    "Brenner et al., Almost-linear RNNs, NeurIPS 2024; github.com/DurstewitzLab/ALRNN-DSR",
    [TRAIN, TEST],
)


def load(drop: int = 500) -> xr.Dataset:
    """The runs "train" and "test": outputs x, y, z (standardised), time in samples.

    Protocol: select without the test file; 10000 free-run steps after 1000 of transient.

    Args:
        drop: how many samples are left out at the start of each run.
    """
    drop = check_count("drop", drop, 0)
    runs = [np.load(fetch(file), allow_pickle=False) for file in (TRAIN, TEST)]
    return from_arrays(
        [run[drop:] for run in runs],
        times=[np.arange(drop, len(run), dtype=np.float64) for run in runs],
        output_names=["x", "y", "z"],
        units={"t": "sample", "x": "1", "y": "1", "z": "1"},
        runs=["train", "test"],
    )
