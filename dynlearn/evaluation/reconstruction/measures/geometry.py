"""D_stsp: whether a model's free run visits state space as the data do."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError, check_count
from dynlearn.evaluation.reconstruction.measures._series import as_series, check_alike, check_changing
from dynlearn.references import cites

BINNED_UP_TO = 3
"""Outputs up to which the distributions are histograms; in more dimensions most bins would be empty."""
PSEUDO_COUNT = 1e-5
"""What is added to the count of every cell, so that an empty one has a logarithm."""
BANDWIDTH = 1.0
"""Standard deviation of a Gaussian of the mixture, in standard deviations of the reference."""
KERNELS, DRAWS = 10_000, 1000
"""Gaussians of a mixture at most, and points at which two of them are compared."""


@cites("koppe2019identifying", "hess2023generalized")
def state_space_divergence(generated: ArrayLike, reference: ArrayLike, bins: int = 30) -> float:
    """D_stsp, the Kullback-Leibler divergence of where a free run is from where the data are.

        D_stsp = sum_i p_i log(p_i / q_i),        p of the reference, q of the generated run

    By histograms for up to `BINNED_UP_TO` = 3 outputs (`binned_divergence`), by mixtures of Gaussians for more
    (`mixture_divergence`). In nats; 0 for equal distributions, and above 0 for two runs of one system: read it
    beside its floor, the divergence of data from data.

    Args:
        generated: the free run, `(time, output)`; a sample that is not finite counts as outside the data.
        reference: the data, `(time, output)`, of any length; samples with a missing output are not used.
        bins: per output, an integer >= 1; not read where there are more than 3 outputs.

    Returns:
        A number >= 0 in nats (of mixtures up to their Monte Carlo error).

    Raises:
        ArgumentError: shapes that do not fit; no complete sample in the reference, or an output that never
            changes.

    References: Koppe, Toutounji, Kirsch, Lis, Durstewitz, "Identifying nonlinear dynamical systems via generative
    recurrent neural networks with applications to fMRI", PLoS Comput. Biol. 2019; Hess, Monfared, Brenner,
    Durstewitz, "Generalized teacher forcing for learning chaotic dynamics", ICML 2023.

    >>> t = np.arange(1000)
    >>> circle = np.stack([np.cos(t), np.sin(t)], axis=1)
    >>> state_space_divergence(circle, circle), round(state_space_divergence(0.5 * circle, circle), 1)
    (0.0, 13.8)
    """
    outputs = as_series("reference", reference).shape[1]
    if outputs <= BINNED_UP_TO:
        return binned_divergence(generated, reference, bins)
    return mixture_divergence(generated, reference)


@cites("koppe2019identifying", "hess2023generalized")
def binned_divergence(generated: ArrayLike, reference: ArrayLike, bins: int = 30) -> float:
    """D_stsp of two histograms with a cell for everything outside.

    Every output is cut into `bins` equal bins from the smallest to the largest value of the reference; the largest
    belongs to the last bin. With one more cell for what lies outside, a histogram with counts n_i of n samples has

        p_i = (n_i + a) / (n + a (bins^outputs + 1)),        a = 1e-5.

    Public variants drop what lies outside before they normalise, so that a run that leaves pays nothing for it,
    and (code of Hess et al. for Python) the lowest bin of every output with it; widen the range by 0.1 standard
    deviations at either end (their code for Julia) or take -2 to 2 of them (earlier papers).

    Args:
        generated: the free run, `(time, output)`; a sample that is not finite is outside.
        reference: the data, `(time, output)`; samples with a missing output are not used.
        bins: per output, an integer >= 1.

    Returns:
        The divergence in nats, at most that of a run that is always outside.

    Raises:
        ArgumentError: as `state_space_divergence`.

    Reference: Hess, Monfared, Brenner, Durstewitz, "Generalized teacher forcing for learning chaotic dynamics",
    ICML 2023.

    >>> round(binned_divergence([0.0, 1.0], [0.0, 0.0, 0.0, 1.0], bins=2), 4)  # 3/4 log 3/2 + 1/4 log 1/2
    0.1308
    """
    x, y = _pair(generated, reference)
    bins = check_count("bins", bins, 1)
    low, high = y.min(axis=0), y.max(axis=0)
    p, q = (_shares(_cells(series, low, high, bins), bins ** y.shape[1] + 1) for series in (y, x))
    return float(np.sum(p * np.log(p / q)))


@cites("koppe2019identifying", "hershey2007approximating")
def mixture_divergence(generated: ArrayLike, reference: ArrayLike, *, seed: int = 0) -> float:
    """D_stsp of two mixtures with one Gaussian at every sample.

        p(z) = mean_t N(z; x_t, s^2 I),        D_stsp = E_{z ~ p} log(p(z) / q(z)),

    x_t the samples divided by the standard deviations of the reference, s = 1, the expectation over 1000 draws. Of
    more than 10000 samples as many are taken, evenly spaced.

    Public variants leave out the draws whose density under the generated run underflows, which are those of a run
    that is far away; here densities are kept as logarithms and none is left out. They take the first 10000
    samples.

    Args:
        generated: the free run, `(time, output)`; one that is not finite throughout gives infinity.
        reference: the data, `(time, output)`; samples with a missing output are not used.
        seed: of the draws.

    Returns:
        The divergence in nats, up to its Monte Carlo error.

    Raises:
        ArgumentError: as `state_space_divergence`.

    References: Hershey, Olsen, "Approximating the Kullback Leibler divergence between Gaussian mixture models",
    ICASSP 2007; Koppe et al. 2019.

    >>> x = np.random.default_rng(0).normal(size=(500, 4))
    >>> mixture_divergence(x, x)
    0.0
    """
    x, y = _pair(generated, reference)
    if not np.isfinite(x).all():
        return float(np.inf)
    middle, scale = y.mean(axis=0), y.std(axis=0)
    x, y = _thinned((x - middle) / scale), _thinned((y - middle) / scale)
    rng = np.random.default_rng(seed)
    at = y[rng.integers(len(y), size=DRAWS)]
    z = at + BANDWIDTH * rng.normal(size=at.shape)
    return float(np.mean(_log_density(z, y) - _log_density(z, x)))


def _pair(generated: ArrayLike, reference: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = as_series("generated", generated), as_series("reference", reference)
    check_alike(x, y, length=False)
    y = y[np.isfinite(y).all(axis=1)]
    if not len(y):
        raise ArgumentError(
            "reference: no sample has all of its outputs measured; leave out the one that has gaps."
        )
    check_changing("reference", y)
    return x, y


def _cells(
    x: Float[np.ndarray, "time output"],
    low: Float[np.ndarray, " output"],
    high: Float[np.ndarray, " output"],
    bins: int,
) -> np.ndarray:
    """The cell of every sample; the last one is everything outside."""
    inside = ((x >= low) & (x <= high)).all(axis=1)
    places = np.minimum(bins * ((x[inside] - low) / (high - low)), bins - 1).astype(int)
    cells = np.full(len(x), bins ** x.shape[1])
    cells[inside] = np.ravel_multi_index(tuple(places.T), (bins,) * x.shape[1])
    return cells


def _shares(cells: np.ndarray, count: int) -> Float[np.ndarray, " cell"]:
    found = np.bincount(cells, minlength=count) + PSEUDO_COUNT
    return found / found.sum()


def _thinned(x: Float[np.ndarray, "time output"]) -> Float[np.ndarray, "kernel output"]:
    return x[np.linspace(0, len(x) - 1, min(len(x), KERNELS)).round().astype(int)]


def _log_density(
    z: Float[np.ndarray, "draw output"], centres: Float[np.ndarray, "kernel output"]
) -> Float[np.ndarray, " draw"]:
    """Up to what both mixtures share; some draws at a time, so that not all distances are held at once."""
    from scipy.special import logsumexp

    squares = (centres**2).sum(axis=1)
    pieces = np.array_split(z, max(1, len(z) * len(centres) // 2**21))
    found = [
        logsumexp((w @ centres.T - 0.5 * squares - 0.5 * (w**2).sum(axis=1)[:, None]) / BANDWIDTH**2, axis=1)
        for w in pieces
    ]
    return np.concatenate(found) - np.log(len(centres))
