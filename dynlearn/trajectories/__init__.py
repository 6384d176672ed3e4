"""Trajectories: measured and simulated runs as a plain `xarray.Dataset` under a written schema.

The accessor `ds.dyn` is there as soon as xarray is (`dynlearn.accessor`). The schema is in `docs/schema.md`.
"""

from dynlearn.trajectories.build.arrays import from_arrays
from dynlearn.trajectories.build.csv.table import from_csv
from dynlearn.trajectories.build.episodes import from_gymnasium
from dynlearn.trajectories.build.frame import from_frame
from dynlearn.trajectories.build.frame_layout import to_frame
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.files.read_write import read, write
from dynlearn.trajectories.verbs.concatenate import concatenate

__all__ = [
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
