"""Random datasets under the trajectory schema, for hypothesis."""

import numpy as np
import xarray as xr
from hypothesis import strategies as st

from dynlearn.trajectories import from_arrays

UNITS = st.sampled_from(["", "m", "rad/s", "°C"])
SAMPLING = ("regular", "lattice", "irregular", "shared")


@st.composite
def trajectories(
    draw: st.DrawFn,
    runs: st.SearchStrategy[int] = st.integers(1, 4),
    lengths: st.SearchStrategy[int] = st.integers(1, 8),
    sampling: st.SearchStrategy[str] = st.sampled_from(SAMPLING),
    hold: st.SearchStrategy[str] = st.sampled_from(["zero", "linear"]),
) -> xr.Dataset:
    """A valid dataset: ragged or not, with gaps, with or without controls, states, static, units.

    `sampling`: "regular" (one step), "lattice" (whole multiples of a step), "irregular", or "shared"
    (irregular, equal lengths, the same instants in every run, stored once along `time`).
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind, count = draw(sampling), draw(runs)
    sizes = [draw(lengths) for _ in range(count)]
    if kind == "shared":
        sizes = [sizes[0]] * count
    options = {"hold": draw(hold), "times": _times(rng, kind, sizes)}
    names = {"output": [f"y{i}" for i in range(draw(st.integers(1, 3)))]}
    outputs = [_gappy(rng, (n, len(names["output"])), draw(st.booleans())) for n in sizes]
    if draw(st.booleans()):
        names["control"] = ["u0", "heating"][: draw(st.integers(1, 2))]
        options["controls"] = [rng.standard_normal((n, len(names["control"]))) for n in sizes]
        if options["hold"] == "zero" and draw(st.booleans()):
            for run in options["controls"]:
                run[-1] = np.nan
    if draw(st.booleans()):
        names["state"] = ["y0", "x1"]  # a state may have the name of an output
        options["states"] = [rng.standard_normal((n, 2)) for n in sizes]
    if draw(st.booleans()):
        names["static"] = ["mass"]
        options["static"] = rng.standard_normal((count, 1))
    options |= {f"{kind}_names": columns for kind, columns in names.items()}
    options["units"] = {name: draw(UNITS) for columns in names.values() for name in columns}
    if draw(st.booleans()):
        options["units"]["t"] = draw(st.sampled_from(["s", "hours", "days"]))
    if draw(st.booleans()):
        options["runs"] = [f"run {chr(97 + i)}" for i in range(count)]
    ds = from_arrays(outputs, **options)
    return _sharing_times(ds) if kind == "shared" else ds


def _times(rng: np.random.Generator, kind: str, sizes: list[int]) -> list[np.ndarray]:
    step = rng.choice([0.1, 1.0, 0.25])
    starts = rng.integers(-3, 4, len(sizes))
    if kind == "regular":
        return [step * (start + np.arange(n)) for start, n in zip(starts, sizes, strict=True)]
    if kind == "lattice":
        steps = [rng.integers(1, 4, n) for n in sizes]
        for run in steps:
            run[1:2] = 1  # the step itself occurs, or there would be another one
        return [step * (start + np.cumsum(run)) for start, run in zip(starts, steps, strict=True)]
    if kind == "shared":
        return [np.cumsum(rng.uniform(0.05, 2.0, sizes[0]))] * len(sizes)
    return [start + np.cumsum(rng.uniform(0.05, 2.0, n)) for start, n in zip(starts, sizes, strict=True)]


def _gappy(rng: np.random.Generator, shape: tuple[int, int], gaps: bool) -> np.ndarray:
    values = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 0.3, np.nan, values) if gaps else values


def _sharing_times(ds: xr.Dataset) -> xr.Dataset:
    return ds.assign_coords(t=("time", ds["t"].values[0], ds["t"].attrs))
