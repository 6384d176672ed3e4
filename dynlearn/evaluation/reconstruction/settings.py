"""The numbers that the definitions of the scores leave open."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from dynlearn.errors import ArgumentError, check_count, check_number, is_number
from dynlearn.evaluation.reconstruction.measures.autocorrelation import lags_of
from dynlearn.evaluation.reconstruction.measures.embedding import decorrelation, mean_period
from dynlearn.trajectories import schema

LONGEST = 10_000
"""Samples of a free run, unless told otherwise."""
ROOM = 2
"""Windows that the starts have to move in, unless the length is given."""
STEPS = 20
STATES = 3
"""Outputs from which they are taken as states; fewer are embedded."""
COORDINATES = 5
"""Of the delay vectors that they are embedded in, at least."""


class Sizes(NamedTuple):
    """Samples of a window: before the start, and after it."""

    context: int
    discard: int
    length: int

    @property
    def ahead(self) -> int:
        return self.discard + self.length


class Settings(NamedTuple):
    """What the definitions read."""

    length: int
    discard: int
    steps: int
    """n of the prediction error."""
    bins: int
    smoothing: float
    threshold: float
    lyapunov: float | None
    lags: int
    interval: float | None
    """Time from sample to sample; None where sampling is not regular."""
    copies: int
    delay: int
    """Of the delay vectors that exponent and dimension are estimated from; one copy: the outputs as they are."""
    theiler: int

    @property
    def states(self) -> str:
        if self.copies == 1:
            return "the outputs as states"
        return f"{self.copies} copies of the outputs {self.delay} samples apart as states"


def sizes(
    test: xr.Dataset, length: int | None, discard: int | None, context: int | None, memory: int
) -> Sizes:
    """Those given, and for the others what the docstring of the verb says."""
    for name, value, least in (("length", length, 2), ("discard", discard, 0), ("context", context, 1)):
        if value is not None:
            check_count(name, value, least)
    if length is None:
        length = default_length(schema.run_lengths(test), discard, context, memory)
    found = Sizes(
        max(length // 10, memory) if context is None else int(context),
        length // 10 if discard is None else int(discard),
        int(length),
    )
    if found.context < memory:
        raise ArgumentError(
            f"context: the models look back {memory} samples, got {context}; give at least as many, or leave it "
            f"out."
        )
    return found


def default_length(
    lengths: Int[np.ndarray, " run"], discard: int | None, context: int | None, memory: int
) -> int:
    """The longest free run, up to `LONGEST`, that leaves the starts room of `ROOM` windows to move in."""
    length = np.arange(2, LONGEST + 1)
    before = np.maximum(length // 10, memory) if context is None else context
    window = before + (length // 10 if discard is None else discard) + length
    sizes, runs = np.unique(lengths, return_counts=True)
    room = sum(n * np.maximum(size - window + 1, 0) for size, n in zip(sizes, runs, strict=True))
    fits = np.flatnonzero(room > ROOM * window)
    if not fits.size:
        raise ArgumentError(
            f"test: the longest of {lengths.size} runs has {int(lengths.max())} samples, too few for free runs "
            f"from several starts; give longer ones, or length=, discard= and context=."
        )
    return int(length[fits[-1]])


def settled(
    chosen: Mapping[str, object],
    windows: Float[np.ndarray, "window time output"],
    found: Sizes,
    interval: float | None,
) -> Settings:
    """The settings with a value for what was left open, read off the test set's `windows` without gaps."""
    check_number("reconstruction_scores", "smoothing", chosen["smoothing"])
    for name in ("threshold", "lyapunov"):
        value = chosen[name]
        if value is not None and not (is_number(value) and 0 < value < np.inf):
            raise ArgumentError(f"{name}: expected a number above 0, got {value!r}.")
    steps = min(STEPS, found.ahead) if chosen["steps"] is None else check_count("steps", chosen["steps"], 1)
    if steps > found.ahead:
        raise ArgumentError(f"steps: expected at most the {found.ahead} samples of a free run, got {steps}.")
    copies, delay = _embedding(chosen["embedding"], windows)
    periods = [mean_period(w) for w in windows]
    return Settings(
        length=found.length,
        discard=found.discard,
        steps=steps,
        bins=check_count("bins", chosen["bins"], 1),
        smoothing=float(chosen["smoothing"]),  # type: ignore[arg-type]
        threshold=float(chosen["threshold"]),  # type: ignore[arg-type]
        lyapunov=None if chosen["lyapunov"] is None else float(chosen["lyapunov"]),  # type: ignore[arg-type]
        lags=lags_of(found.length, chosen["lags"]),  # type: ignore[arg-type]
        interval=interval,
        copies=copies,
        delay=delay,
        theiler=int(np.median(periods)) if periods else 1,
    )


def _embedding(given: object, windows: Float[np.ndarray, "window time output"]) -> tuple[int, int]:
    """Copies, and the delay between them in samples."""
    if given is not None:
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ArgumentError(f"embedding: expected (copies, delay in samples), got {given!r}.")
        return check_count("embedding copies", given[0], 1), check_count("embedding delay", given[1], 1)
    outputs = windows.shape[2]
    if outputs >= STATES or not len(windows):
        return 1, 1
    return -(-COORDINATES // outputs), int(np.median([decorrelation(w) for w in windows]))
