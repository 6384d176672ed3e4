"""Measured drives of a 1:10 racing car."""

import xarray as xr

from dynlearn.datasets.benchmarks._common import card, measurements
from dynlearn.datasets.files import File, fetch

FILE = File(
    "f1tenth_car",
    "d4d3f43dbe3696f537775c34d616f209bca03f33e29401c11fc84bb6bb51c9b3",
    235164,
    page="https://github.com/nikhilushinde/AutoKoopman/tree/6edafed/autoKoopman_codeocean/data/F1tenthCar",
    pattern="measurement_*/*.csv",
)
INFO = card(
    "f1tenth_car",
    "A 1:10 racing car: 41 runs of 121 samples at 40 Hz, 4 states, 2 inputs.",
    "CC0 1.0",
    "N. Kochdumper, S. Bak, Conformant synthesis for Koopman operator linearized control systems, 2022",
    [FILE],
)


def load() -> xr.Dataset:
    """41 runs: outputs x, y, heading, velocity; controls steering, desired_velocity.

    There is no official split: hold out whole runs. The units of the outputs are not stated by the source.
    """
    outputs, controls = ["x", "y", "heading", "velocity"], ["steering", "desired_velocity"]
    return measurements(fetch(FILE), outputs, controls, {"t": "s"})
