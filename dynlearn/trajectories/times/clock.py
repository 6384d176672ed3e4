"""What a clock does to instants: it rounds them, and how finely can be seen in the instants themselves."""

from collections.abc import Sequence

import numpy as np

from dynlearn.trajectories.device.blocks import by_runs
from dynlearn.trajectories.device.blocks import intervals as intervals_of

TICKS = 4
"""A step must span so many ticks of the clock: a coarser clock cannot tell a grid from chance."""
ULPS = 8
"""float64 instants cannot be told apart below so many units in the last place."""
MANY = 10
"""So many instants are no accident."""
DIGITS = {10: 10, 2: 16}
"""Clocks count in nanoseconds at the finest, or in 1/32768 of a second."""
KINDS_OF_INTERVALS = 4096
"""Instants rounded to ticks have few different intervals; more are no sign of a clock."""


def resolution(t: np.ndarray, step: float) -> float:
    """The tick of the clock that wrote the instants `(run, time)`, NaN after the end of a run.

    The largest that a step spans often enough (`TICKS`), of: the common divisor of all intervals (a
    clock of milliseconds, of 1/1024 s, of seconds in a table in hours); the last digit of the
    instants, decimal or binary; the spacing of float32, where all are such numbers; the spacing of
    float64. 0 where none.

    >>> ticks = np.round(np.arange(50.0) / 60, 3)[None]
    >>> round(resolution(ticks, 1 / 60), 6)
    0.001
    """
    known = by_runs(lambda t: t[~np.isnan(t)], t)
    largest = float(np.abs(known).max())
    spacing = ULPS * float(np.spacing(largest))
    ticks = [spacing, _divisor(t, spacing), _last_digit(known, spacing, 10), _last_digit(known, spacing, 2)]
    with np.errstate(over="ignore"):
        single = known.astype(np.float32)
    if (single == known).all():
        ticks.append(2 * float(np.spacing(np.float32(largest))))
    return max((tick for tick in ticks if TICKS * tick <= step), default=0.0)


def steps_taken(t: np.ndarray, step: float) -> np.ndarray:
    """How many steps after the first sample of its run every sample lies, 0 in the padding."""
    intervals = np.nan_to_num(np.diff(t, axis=1))
    counted = np.cumsum(np.rint(intervals / step), axis=1)
    return np.concatenate([np.zeros((len(t), 1)), counted], axis=1)


def on_grid(
    t: Sequence[np.ndarray],
    steps: Sequence[np.ndarray],
    step: float,
    tick: float,
    *,
    fitted: bool,
    slack: float = 0.0,
) -> bool:
    """Whether all instants of a run lie within one tick (from the lowest to the highest) along a line.

        t_k - s * step_k    for some s, the same in all runs, near `step`

    An instant rounded to a tick is off by half of one in either direction, so that the true slope
    leaves a range of less than one, or just one where a rounding error moves a tie. The range is convex
    in s, and its smallest value is found by bisection.

    Args:
        t, steps: `(run, time)` each, of groups of runs.
        step: s, before it is varied.
        tick: to which instants were rounded.
        fitted: whether `step` is the slope of the line fitted to many instants, beside which the best one is
            near; otherwise s may be off by the fraction `slack`, and few instants get no benefit of the doubt.
        slack: a fraction of `step`.
    """
    if tick <= 0:
        return False
    allowed = tick * (1.01 if fitted or sum(np.isfinite(part).sum() for part in t) > MANY else 1 - 1e-6)
    reach = max(2 * tick / max(float(max(part.max() for part in steps)), 1.0), slack * step)
    low, high = step - reach, step + reach
    for _ in range(60):
        middle = (low + high) / 2
        found = [_spread(*group, middle) for group in zip(t, steps, strict=True)]
        spread, slope = max(found, key=lambda one: one[0])
        if spread <= allowed:
            return True
        if slope == 0 or (fitted and spread > 16 * tick):
            return False
        low, high = (low, middle) if slope > 0 else (middle, high)
    return False


def _spread(t: np.ndarray, steps: np.ndarray, s: float) -> tuple[float, float]:
    """The largest range of `t - s * steps` in a run, and the sign of its derivative in s."""
    left = t - s * steps
    high, low = np.nanargmax(left, axis=1), np.nanargmin(left, axis=1)
    rows = np.arange(len(t))
    ranges = left[rows, high] - left[rows, low]
    worst = int(np.argmax(ranges))
    return float(ranges[worst]), float(np.sign(steps[worst, low[worst]] - steps[worst, high[worst]]))


def _divisor(t: np.ndarray, spacing: float) -> float:
    """The largest time of which all intervals are whole multiples, up to the spacing of the numbers; else 0."""
    intervals = np.sort(intervals_of(t))
    if intervals.size == 0:
        return 0.0
    different = intervals[np.append(True, np.diff(intervals) > spacing)]
    if different.size > KINDS_OF_INTERVALS:
        return 0.0
    tick = float(different[0])
    for interval in different[1:].tolist():
        rest = interval
        while rest > 16 * spacing:
            tick, rest = rest, abs(tick - rest * round(tick / rest))
    # Differences of rounded instants make up for each other only so far.
    whole = np.abs(different / tick - np.rint(different / tick)).max() if tick > 0 else 1.0
    return tick if tick > 32 * spacing and whole < 0.05 else 0.0


def _last_digit(known: np.ndarray, spacing: float, base: int) -> float:
    """The largest power of `base` below 1 of which all instants are multiples; 0 where they have many digits."""
    for digits in range(DIGITS[base]):
        scale = float(base) ** digits
        if spacing * scale > 0.01:
            break
        if (np.abs(known * scale - np.rint(known * scale)) <= spacing * scale + 1e-9).all():
            return 1 / scale
    return 0.0
