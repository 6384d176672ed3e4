"""The correlation dimension: how many dimensions of state space a run fills."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError, check_count
from dynlearn.evaluation.reconstruction.measures._series import as_windows
from dynlearn.evaluation.reconstruction.measures.embedding import mean_period
from dynlearn.references import cites

LOWER, UPPER, RADII = 1e-3, 3e-2, 20
"""Values of C(r) between which the slope is taken, and radii in between."""
PAIRS = 5_000_000
"""Pairs of samples, about, at most."""
ROUNDING = 1e-6
"""Of the size of the series: samples that near are in one place."""


@cites("grassberger1983measuring", "theiler1986spurious")
def correlation_dimension(series: ArrayLike, *, theiler: int | None = None) -> float:
    """The slope of the correlation sum over the radius, both as logarithms.

        C(r) = share of pairs |z_i - z_j| <= r with |i - j| > theiler,        D = d log C / d log r,

    by least squares over 20 radii from the one with C = 0.001 to the one with C = 0.03. Of long series evenly
    spaced samples are paired with all others, 5 million pairs in all. Samples are states: embed an output that is
    not one (`embedded`), and bring outputs of different units to one scale.

    Public variants choose the range of radii by eye. Over 100 units of time of Lorenz-63 it was 2.08 with a
    standard deviation of 0.03 (2.05 in the paper), of 5000 samples of the Hénon map 1.21 to 1.24 (1.21). Noise
    raises it.

    Args:
        series: `(time, output)`, regularly sampled, without gaps.
        theiler: samples; `mean_period` unless given.

    Returns:
        The dimension; 0 for a series that returns to so few places that most pairs meet.

    Raises:
        ArgumentError: a series with gaps, or one too short for pairs that far apart.

    References: Grassberger, Procaccia, "Measuring the strangeness of strange attractors", Physica D 1983; Theiler,
    "Spurious dimension from correlation algorithms applied to limited time-series data", Phys. Rev. A 1986.

    >>> phase = np.random.default_rng(0).uniform(0, 2 * np.pi, 2000)
    >>> round(correlation_dimension(np.stack([np.cos(phase), np.sin(phase)], axis=1)), 1)
    1.0
    """
    z = as_windows("series", series)[0]
    z = z[:, ~(z == z[:1]).all(axis=0)]
    if z.shape[1] == 0:
        return 0.0
    apart = mean_period(z) if theiler is None else check_count("theiler", theiler, 0)
    if len(z) < 3 * (apart + 1):
        raise ArgumentError(
            f"series: pairs more than {apart} samples apart take a series of {3 * (apart + 1)} samples, got "
            f"{len(z)}; give a longer one."
        )
    z = z - z.mean(axis=0)
    square, pairs = _square_distances(z / np.abs(z).max(), apart)
    most = max(int(UPPER * pairs), 2)
    near = np.sqrt(np.sort(np.partition(square, most)[: most + 1]).clip(0))
    near[near < ROUNDING] = 0.0
    low, high = near[int(LOWER * pairs)], near[-1]
    if not 0 < low < high:
        return 0.0
    radii = np.geomspace(low, high, RADII)
    within = np.searchsorted(near, radii * (1 + 1e-12), side="right")
    return float(np.polyfit(np.log(radii), np.log(within / pairs), 1)[0])


def _square_distances(
    z: Float[np.ndarray, "time coordinate"], apart: int
) -> tuple[Float[np.ndarray, " pair"], int]:
    """Of evenly spaced samples to all others, infinite up to `apart` away in time; how many are not.

    By |a|^2 + |b|^2 - 2 a b, which loses what is below 1e-8 of the size.
    """
    points = np.unique(np.linspace(0, len(z) - 1, min(len(z), max(1, PAIRS // len(z)))).round().astype(int))
    square = -2 * z[points] @ z.T
    square += (z**2).sum(axis=1)
    square += (z[points] ** 2).sum(axis=1)[:, None]
    excluded = 0
    for row, k in enumerate(points):
        square[row, max(0, k - apart) : k + apart + 1] = np.inf
        excluded += min(len(z), k + apart + 1) - max(0, k - apart)
    return square.ravel(), square.size - int(excluded)
