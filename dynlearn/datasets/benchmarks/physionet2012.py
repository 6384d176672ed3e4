"""PhysioNet / Computing in Cardiology Challenge 2012: stays in intensive care, irregular and mostly
missing."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from dynlearn.datasets.benchmarks._common import card
from dynlearn.datasets.files import File, fetch
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.schema import SCHEMA_VERSION, strings

PAGE = "https://physionet.org/content/challenge-2012/1.0.0/"
FILES = {
    "a": File(
        "physionet2012/set-a.tar.gz",
        "5c6370c514b66cbf8cde3858f35261865df09c1bbdd64eb377ef2260ea87de8e",
        6552909,
        PAGE,
    ),
    "b": File(
        "physionet2012/set-b.tar.gz",
        "b3b2dad280f4e558a50eb7724907e10ef917c90bea60b16c9fd4afa83de5077b",
        6573177,
        PAGE,
    ),
    "c": File(
        "physionet2012/set-c.tar.gz",
        "1f014ce365bda2b6ed6abe512d81678bea806c3c6394e0aa5ccf4099d9fd2913",
        6578854,
        PAGE,
    ),
}
INFO = card(
    "physionet2012",
    "12000 stays in intensive care, 48 h each: 41 variables at irregular times, most entries missing.",
    "ODC-By 1.0",
    "I. Silva et al., Computing in Cardiology 39 (2012) 245; physionet.org/content/challenge-2012",
    list(FILES.values()),
)
_VARIABLES = """
    Age year, Gender 1, Height cm, ICUType 1, Weight kg, Albumin g/dL, ALP IU/L, ALT IU/L, AST IU/L,
    Bilirubin mg/dL, BUN mg/dL, Cholesterol mg/dL, Creatinine mg/dL, DiasABP mmHg, FiO2 1, GCS 1,
    Glucose mg/dL, HCO3 mmol/L, HCT %, HR 1/min, K mEq/L, Lactate mmol/L, MAP mmHg, MechVent 1, Mg
    mmol/L, Na mEq/L, NIDiasABP mmHg, NIMAP mmHg, NISysABP mmHg, PaCO2 mmHg, PaO2 mmHg, pH 1, Platelets
    1/nL, RespRate 1/min, SaO2 %, SysABP mmHg, Temp degC, TroponinI ug/L, TroponinT ug/L, Urine mL, WBC
    1/nL
"""
UNITS = dict(pair.split() for pair in _VARIABLES.split(","))
"""The 41 variables and their units, after the description of the challenge; "1" is a number or a code."""
NOT_RECORDED = -1.0
"""What the files write where a value was not recorded."""


def load(
    sets: Sequence[str] = ("a", "b", "c"), limit: int | None = None, chunk: int | None = 500
) -> xr.Dataset:
    """Each stay is a run, named by its record number; time in hours from admission, 41 outputs in float32.

    Values at the same minute of the same stay are averaged. A -1 in the files means "not recorded" and is NaN
    here. The descriptors (Age, Gender, Height, ICUType) are outputs that are measured once, at the start, as
    in the published protocols.

    Protocol: the first 24 h given, the next 24 h to forecast; variables scaled to [0, 1] by their range; MSE
    of what was observed; test and validation parts drawn at random with seed 42 (not done here).

    Args:
        sets: which of "a", "b", "c" (4000 stays each).
        limit: at most that many stays.
        chunk: how many stays make a piece of the lazy output (needs dask, `pip install "dynlearn[data]"`); None
            reads all into memory at once.
    """
    check_known("set of physionet2012", sets, FILES)
    for name, value in (("sets", len(sets)), ("limit", limit), ("chunk", chunk)):
        if value is not None and check_count(name, value, 0) == 0:
            raise ArgumentError(f"{name}: expected at least one, got none; pass more, or leave {name} out.")
    frame = _table([fetch(FILES[name]) for name in sets], limit)
    samples = frame.groupby(["run", "minute"], sort=True).ngroup().to_numpy()
    first = np.unique(samples, return_index=True)[1]
    run, minute = frame["run"].to_numpy()[first], frame["minute"].to_numpy()[first]
    lengths = np.bincount(run)
    step = np.arange(len(run)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    t = np.full((len(lengths), lengths.max()), np.nan)
    t[run, step] = minute / 60
    where = (run[samples], step[samples], frame["variable"].to_numpy())
    output = _lazy(where, frame["value"].to_numpy(np.float32), t.shape, chunk)
    return validate(
        xr.Dataset(
            {"output": (("trajectory", "time", "output_name"), output)},
            {
                "trajectory": frame.attrs["records"],
                "t": (("trajectory", "time"), t, {"units": "h"}),
                "output_name": strings(UNITS),
                "output_unit": ("output_name", strings(UNITS.values())),
            },
            {"dynlearn_schema": SCHEMA_VERSION},
        )
    )


def _table(archives: Sequence[Path], limit: int | None) -> pd.DataFrame:
    """All measurements as rows (run, minute, variable, value), sorted, one row per entry; `attrs["records"]`
    are the runs' names."""
    texts, records = [], []
    for name, text in _records(archives, limit):
        texts.append(text)
        records.append(name)
    rows = [text.count(b"\n") for text in texts]
    frame = pd.read_csv(
        io.BytesIO(b"".join(texts)),
        names=["Time", "Parameter", "Value"],
        dtype={"Parameter": "category", "Value": "float64"},
    )
    time = frame["Time"].astype("category")
    minutes = np.array([60 * int(clock[:2]) + int(clock[3:]) for clock in time.cat.categories])
    known = {name: i for i, name in enumerate(UNITS)}
    # The last entry, -1, is for rows without a parameter, whose category code is -1.
    codes = np.array([known.get(name, -1) for name in frame["Parameter"].cat.categories] + [-1])
    table = pd.DataFrame(
        {
            "run": np.repeat(np.arange(len(texts)), rows),
            "minute": minutes[time.cat.codes],
            "variable": codes[frame["Parameter"].cat.codes],
            "value": frame["Value"].to_numpy(),
        }
    )
    table = table[(table["variable"] >= 0) & (table["value"] != NOT_RECORDED)]
    table = table.groupby(["run", "minute", "variable"], sort=True, as_index=False)["value"].mean()
    table.attrs["records"] = np.array(records)
    return table


def _records(archives: Sequence[Path], limit: int | None) -> Iterator[tuple[int, bytes]]:
    """Record number and rows, without the header, of the stays in the archives."""
    left = np.inf if limit is None else limit
    for archive in archives:
        with tarfile.open(archive) as tar:
            for member in tar:
                if left <= 0:
                    return
                if member.name.endswith(".txt"):
                    left -= 1
                    text = tar.extractfile(member).read()  # type: ignore[union-attr]
                    yield int(Path(member.name).stem), text.partition(b"\n")[2].rstrip(b"\n") + b"\n"


def _lazy(where: tuple[np.ndarray, ...], values: np.ndarray, runs: tuple[int, int], chunk: int | None):
    """The output array; with `chunk`, one dask block per so many runs, built when it is read."""
    run, step, variable = where

    def block(start: int, stop: int) -> np.ndarray:
        low, high = np.searchsorted(run, [start, stop])
        dense = np.full((stop - start, runs[1], len(UNITS)), np.nan, np.float32)
        dense[run[low:high] - start, step[low:high], variable[low:high]] = values[low:high]
        return dense

    if chunk is None:
        return block(0, runs[0])
    try:
        import dask
        import dask.array
    except ImportError as error:
        raise ArgumentError(
            f"chunk: expected dask for chunk={chunk}, but it is not installed; "
            'pip install "dynlearn[data]", or pass chunk=None.'
        ) from error
    starts = range(0, runs[0], chunk)
    pieces = []
    for start in starts:
        stop = min(start + chunk, runs[0])
        shape = (stop - start, runs[1], len(UNITS))
        pieces.append(dask.array.from_delayed(dask.delayed(block)(start, stop), shape, np.float32))
    return dask.array.concatenate(pieces)
