"""Training, validation and test parts."""

import numbers
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, unknown
from dynlearn.trajectories.gather import gather
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import run_ids, run_lengths
from dynlearn.trajectories.select import keep

PARTS = ("train", "valid", "test")


def split(
    ds: xr.Dataset, train: float = 0.7, valid: float = 0.15, *, by: str = "time", key: Any = 0
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Three parts: fraction `train`, fraction `valid`, and the rest for test.

    **Args**

    - `by`: "time": every run is cut in that order, by its number of samples, so that the past predicts
      the future; every part has every run. "trajectory": whole runs, drawn by `key`, in their order.
    - `key`: an int or a JAX key; only used by="trajectory".

    **Raises** `ArgumentError` where a part would be empty, also for one run alone.

    >>> from dynlearn.trajectories import from_arrays
    >>> parts = split(from_arrays(np.arange(20.0), dt=1.0), 0.7, 0.15)
    >>> [part.sizes["time"] for part in parts]
    [14, 3, 3]
    """
    _check_fractions(train, valid)
    if by == "time":
        return _by_time(ds, train, valid)
    if by == "trajectory":
        return _by_trajectory(ds, train, valid, key)
    raise ArgumentError(unknown("value of by", by, ("time", "trajectory")))


def _check_fractions(train: float, valid: float) -> None:
    for what, value in (("train", train), ("valid", valid)):
        if not isinstance(value, numbers.Real) or not 0 < value < 1:
            remedy = "for two parts use ds.dyn.before(t) and ds.dyn.after(t)"
            raise ArgumentError(refusal(what, "a fraction between 0 and 1", repr(value), remedy))
    if train + valid >= 1:
        expected = "a rest for the test part: train + valid < 1"
        raise ArgumentError(refusal("train, valid", expected, f"{train} + {valid}", "pass e.g. 0.7, 0.15"))


def _edges(count: np.ndarray, train: float, valid: float) -> list[np.ndarray]:
    """Where the parts of `count` items begin and end."""
    inner = [np.rint(count * fraction).astype(int) for fraction in (train, train + valid)]
    return [np.zeros_like(count), *inner, count]


def _by_time(ds: xr.Dataset, train: float, valid: float) -> tuple:
    lengths = run_lengths(ds)
    edges = _edges(lengths, train, valid)
    for part, start, stop in zip(PARTS, edges[:-1], edges[1:], strict=True):
        if (stop <= start).any():
            i = int(np.argmax(stop <= start))
            need = _least(train, valid)
            came = f"an empty {part} part of run {run_ids(ds)[i]!r} with its {lengths[i]} samples"
            remedy = f'use runs of at least {need} samples, other fractions, or by="trajectory"'
            raise ArgumentError(refusal("split", "a sample of every run in each part", came, remedy))
    parts = [keep(ds, start, stop, "", "error") for start, stop in pairwise(edges)]
    return tuple(parts)


def _by_trajectory(ds: xr.Dataset, train: float, valid: float, key: Any) -> tuple:
    count = ds.sizes["trajectory"]
    order = _generator(key).permutation(count)
    first, second = (int(edge) for edge in _edges(np.array(count), train, valid)[1:3])
    groups = [np.sort(rows) for rows in np.split(order, [first, second])]
    for part, rows in zip(PARTS, groups, strict=True):
        if len(rows) == 0:
            came = f"an empty {part} part from {count} runs"
            remedy = f'use at least {_least(train, valid)} runs, other fractions, or by="time"'
            raise ArgumentError(refusal("split", "a run in each part", came, remedy))
    ids, lengths = ds["trajectory"].values, run_lengths(ds)
    return tuple(gather(ds, rows, np.zeros_like(rows), lengths[rows], ids[rows]) for rows in groups)


def _least(train: float, valid: float) -> int:
    """The smallest number of items from which on no part is empty."""
    counts = np.arange(1, 10_000)
    edges = _edges(counts, train, valid)
    empty = np.any([stop <= start for start, stop in pairwise(edges)], axis=0)
    return int(counts[empty].max(initial=0)) + 1


def _generator(key: Any) -> np.random.Generator:
    """NumPy randomness from an int, or from a JAX key."""
    if isinstance(key, int | np.integer) and not isinstance(key, bool) and key >= 0:
        return np.random.default_rng(int(key))
    import jax

    from dynlearn.numerics.keys import as_key

    return np.random.default_rng(np.asarray(jax.random.key_data(as_key(key))))
