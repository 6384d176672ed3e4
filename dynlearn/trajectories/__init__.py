"""Trajectories: measured and simulated runs as a plain `xarray.Dataset` under a written schema.

Importing this package registers the accessor `ds.dyn`. The schema is in `docs/schema.md`.
"""

from dynlearn.trajectories.accessor import TrajectoryAccessor
from dynlearn.trajectories.arrays import from_arrays
from dynlearn.trajectories.checks import validate
from dynlearn.trajectories.concatenate import concatenate
from dynlearn.trajectories.csv_table import from_csv
from dynlearn.trajectories.episodes import from_gymnasium
from dynlearn.trajectories.files import read, write
from dynlearn.trajectories.frame import from_frame
from dynlearn.trajectories.frame_layout import to_frame

__all__ = [
    "TrajectoryAccessor",
    "concatenate",
    "from_arrays",
    "from_csv",
    "from_frame",
    "from_gymnasium",
    "read",
    "to_frame",
    "validate",
    "write",
]
