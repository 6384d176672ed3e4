"""The Wiener-Hammerstein benchmark of SYSID 2009: an electronic circuit."""

import numpy as np
import xarray as xr

from dynlearn.datasets.benchmarks._common import card, parts
from dynlearn.datasets.files import File, fetch

FILE = File(
    "wiener_hammerstein_2009/WienerHammerBenchMark.mat",
    "096e6128687efb664d146d28fc17db4c5a94f247c4b3a2e451319be1efb25ae2",
    1707601,
    page="https://www.nonlinearbenchmark.org/benchmarks/wiener-hammerstein",
)
INFO = card(
    "wiener_hammerstein_2009",
    "A circuit of a filter, a diode and a filter: voltage in, voltage out, 178800 samples at 51.2 kHz.",
    "see the benchmark's page",
    "J. Schoukens, J. Suykens, L. Ljung, SYSID 2009; nonlinearbenchmark.org",
    [FILE],
)
RATE = 51200.0
CUTS = {"train": (5200, 105200), "test": (105200, 184000)}


def load(context: int = 0) -> xr.Dataset:
    """Samples 5200 to 184000 of the record: the runs "train" (100000, validation included) and "test"
    (78800).

    Protocol: free run on the test input, the first 50 samples left out; RMSE in mV (the data are in V).

    Args:
        context: how many samples before its start the run "test" begins.
    """
    import scipy.io  # here, because names() should not pay for it

    record = scipy.io.loadmat(fetch(FILE))
    return parts(
        np.asarray(record["yBenchMark"], dtype=np.float64),
        np.asarray(record["uBenchMark"], dtype=np.float64),
        1 / RATE,
        CUTS,
        context,
        output_names=["output"],
        control_names=["input"],
        units={"t": "s", "output": "V", "input": "V"},
    )
