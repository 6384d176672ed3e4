"""Measured motions of a robot arm."""

import xarray as xr

from dynlearn.datasets.benchmarks._common import card, measurements
from dynlearn.datasets.files import File, fetch

FILE = File(
    "schunk_arm",
    "204795e6531641ae62b634486f1da796860d7611977e724123b03e8c68cdd9e9",
    9982236,
    page="https://github.com/nikhilushinde/AutoKoopman/tree/6edafed/autoKoopman_codeocean/data/Robot",
    pattern="measurement_*/*.csv",
)
INFO = card(
    "schunk_arm",
    "A Schunk arm with six joints: 100 runs of unequal length, 67550 samples at 250 Hz, 12 states, 6 inputs.",
    "CC0 1.0",
    "S. Liu, M. Althoff, Reachset conformance of forward dynamic models, IROS 2018",
    [FILE],
)
JOINTS = range(1, 7)


def load() -> xr.Dataset:
    """100 runs: outputs angle_1 to angle_6 and velocity_1 to velocity_6; controls torque_1 to torque_6.

    There is no official split: hold out whole runs. The units of the outputs are not stated by the source.
    """
    outputs = [f"{quantity}_{joint}" for quantity in ("angle", "velocity") for joint in JOINTS]
    return measurements(fetch(FILE), outputs, [f"torque_{joint}" for joint in JOINTS], {"t": "s"})
