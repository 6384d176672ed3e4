"""Benchmark files by name, with their official splits.

One module each, with its card `INFO` and its `load`. The parts of an official split are separate runs,
named "train", "valid" and "test": `ds.sel(trajectory=["test"])`. Each keeps the clock of its record. Where
the parts are cut from one record, `context=n` starts every part but the first n samples earlier, so that a
model can take up the state from what came before.
"""

from dynlearn.datasets.benchmarks import (
    cascaded_tanks,
    ett,
    f1tenth_car,
    gas_furnace,
    lorenz63_alrnn,
    physionet2012,
    santafe_laser,
    schunk_arm,
    wiener_hammerstein_2009,
)

ALL = (
    cascaded_tanks,
    ett,
    f1tenth_car,
    gas_furnace,
    lorenz63_alrnn,
    physionet2012,
    santafe_laser,
    schunk_arm,
    wiener_hammerstein_2009,
)
