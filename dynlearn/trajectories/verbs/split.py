"""Training, validation and test parts."""

import math
import numbers
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError, is_count, unknown
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.schema import run_ids, run_lengths
from dynlearn.trajectories.verbs.gather import gather
from dynlearn.trajectories.verbs.select import keep

Fractions = tuple[float, ...]
DEFAULT = (0.7, 0.15)
"""The first parts where none is asked for; the rest is for test."""
PARTS = {2: ("first", "second"), 3: ("train", "valid", "test")}


def split(
    ds: xr.Dataset,
    train: float | None = None,
    valid: float | None = None,
    *,
    by: str = "time",
    key: Any = 0,
) -> tuple[xr.Dataset, ...]:
    """Fraction `train`, fraction `valid`, and the rest where there is one.

    Args:
        ds: trajectories under the schema.
        train, valid: both, with a rest: three parts. `train` alone, or both adding up to 1: two.
            Neither: 0.7 and 0.15, three parts.
        by: "time": every run is cut in that order, by its number of samples, so that the past predicts
            the future; every part has every run. "trajectory": whole runs, drawn by `key`, in their order.
        key: an int or a JAX key; only used by="trajectory".

    Raises:
        ArgumentError: a part that would be empty, also for one run alone.

    >>> from dynlearn.trajectories import from_arrays
    >>> ds = from_arrays(np.arange(20.0), dt=1.0)
    >>> for fractions in ((0.7, 0.15), (0.8,), (0.85, 0.15)):
    ...     [part.sizes["time"] for part in split(ds, *fractions)]
    [14, 3, 3]
    [16, 4]
    [17, 3]
    """
    inner = _inner_edges(train, valid)
    if by == "time":
        return _by_time(ds, inner)
    if by == "trajectory":
        return _by_trajectory(ds, inner, key)
    raise ArgumentError(unknown("value of by", by, ("time", "trajectory")))


def _inner_edges(train: float | None, valid: float | None) -> Fractions:
    """Where, between 0 and 1, one part ends and the next begins."""
    first: Any
    second: Any
    first, second = DEFAULT if train is None and valid is None else (train, valid)
    _check_fraction("train", first)
    if second is None:
        return (first,)
    _check_fraction("valid", second)
    if math.isclose(first + second, 1.0, abs_tol=1e-9):
        return (first,)
    if first + second > 1:
        expected = "fractions of one whole: train + valid <= 1"
        raise ArgumentError(refusal("train, valid", expected, f"{first} + {second}", "pass e.g. 0.7, 0.15"))
    return first, first + second


def _check_fraction(what: str, value: Any) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < float(value) < 1:
        remedy = "pass e.g. 0.8 for two parts, or 0.7, 0.15 for three"
        raise ArgumentError(refusal(what, "a fraction between 0 and 1", repr(value), remedy))


def _edges(count: np.ndarray, inner: Fractions) -> list[np.ndarray]:
    """Where the parts of `count` items begin and end."""
    return [np.zeros_like(count), *(np.rint(count * edge).astype(int) for edge in inner), count]


def _by_time(ds: xr.Dataset, inner: Fractions) -> tuple:
    lengths = run_lengths(ds)
    edges = _edges(lengths, inner)
    for part, start, stop in zip(PARTS[len(inner) + 1], edges[:-1], edges[1:], strict=True):
        if (stop <= start).any():
            i = int(np.argmax(stop <= start))
            came = f"an empty {part} part of run {run_ids(ds)[i]!r} with its {lengths[i]} samples"
            remedy = f'use runs of at least {_least(inner)} samples, other fractions, or by="trajectory"'
            raise ArgumentError(refusal("split", "a sample of every run in each part", came, remedy))
    return tuple(keep(ds, start, stop, "", "error") for start, stop in pairwise(edges))


def _by_trajectory(ds: xr.Dataset, inner: Fractions, key: Any) -> tuple:
    count = ds.sizes["trajectory"]
    order = _generator(key).permutation(count)
    cuts = [int(edge) for edge in _edges(np.array(count), inner)[1:-1]]
    groups = [np.sort(rows) for rows in np.split(order, cuts)]
    for part, rows in zip(PARTS[len(groups)], groups, strict=True):
        if len(rows) == 0:
            came = f"an empty {part} part from {count} runs"
            remedy = f'use at least {_least(inner)} runs, other fractions, or by="time"'
            raise ArgumentError(refusal("split", "a run in each part", came, remedy))
    ids, lengths = ds["trajectory"].values, run_lengths(ds)
    return tuple(gather(ds, rows, np.zeros_like(rows), lengths[rows], ids[rows]) for rows in groups)


def _least(inner: Fractions) -> int:
    """The smallest number of items from which on no part is empty."""
    counts = np.arange(1, 10_000)
    empty = np.any([stop <= start for start, stop in pairwise(_edges(counts, inner))], axis=0)
    return int(counts[empty].max(initial=0)) + 1


def _generator(key: Any) -> np.random.Generator:
    """NumPy randomness from an int, or from a JAX key."""
    if is_count(key, 0):
        return np.random.default_rng(int(key))
    import jax

    from dynlearn.numerics.keys import as_key

    return np.random.default_rng(np.asarray(jax.random.key_data(as_key(key))))
