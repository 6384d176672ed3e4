"""entropy: how much a symbolic code says with every symbol."""

import numpy as np
import xarray as xr
from jaxtyping import Int
from scipy.sparse import coo_array, csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigs

from dynlearn.errors import ArgumentError, check_count
from dynlearn.references import cites

FEWEST = 100
"""Blocks seen per block there is, on average, for their entropy to be believed."""
SMALL = 256
"""Symbols up to which all eigenvalues of a graph are computed."""


@cites("shannon1948mathematical", "miller1955note")
def entropy(code: xr.Dataset | xr.DataArray | np.ndarray, *, longest: int = 40) -> xr.Dataset:
    r"""Block entropies of a symbolic code, and the rates they tend to.

        H_n = -sum_w p(w) log p(w) over the words w of n symbols,    metric entropy h = lim H_n - H_{n-1}
        topological entropy = lim log N_n - log N_{n-1},    N_n the number of words of length n that occur

    in nats per step. The longest words that were seen often enough (a hundred times each, on average) give the rates.
    Both come down to their limits from above, as words get long enough to span what the orbit does: of a flow in small
    steps, the loops it makes.

    Args:
        code: what `regions` returns, or a sequence of integers `(step,)`, or several `(run, step)`.
        longest: symbols of a word, at most.

    Returns:
        `block` (length): H_n; `words` (length): N_n; `rate` (length): H_n - H_{n-1}; `metric` and `topological`, the
        rates at the longest believable length, given by the attribute `length`; `graph`, the topological entropy of
        the graph of transitions (log of the largest eigenvalue of its adjacency), which is exact where a symbol says
        all about the next.

    Raises:
        ArgumentError: what is no code, or less than two symbols in a row.

    Every H_n carries the correction of Miller and Madow for finite counts.

    References: Shannon, "A mathematical theory of communication", Bell System Technical Journal 1948; Miller, "Note on
    the bias of information estimates", 1955.

    >>> rng = np.random.default_rng(0)
    >>> coin = rng.integers(2, size=100_000)
    >>> round(float(entropy(coin)["metric"]), 3)  # log 2
    0.693
    """
    check_count("longest", longest, 1)
    sequences = _sequences(code)
    found = _counted(sequences, min(longest, sequences.shape[1] - 1))
    lengths = np.arange(1, len(found) + 1)
    block = np.array([_entropy(count) for count in found])
    words = np.array([count.size for count in found])
    rate = np.diff(block, prepend=0.0)
    topological = np.diff(np.log(words), prepend=0.0)
    believable = [i for i, count in enumerate(found) if count.sum() >= FEWEST * count.size]
    last = believable[-1] if believable else 0
    return xr.Dataset(
        {
            "block": ("length", block),
            "words": ("length", words),
            "rate": ("length", rate),
            "metric": rate[last],
            "topological": topological[last],
            "graph": _graph_entropy(sequences),
        },
        {"length": lengths},
        {"length": int(lengths[last]), "units": "nats per step"},
    )


def _sequences(code: object) -> Int[np.ndarray, "run step"]:
    """Symbols 0, 1, .."""
    if isinstance(code, xr.Dataset):
        if "region" not in code:
            raise ArgumentError(
                f"entropy: expected what dl.analysis.regions returns, with 'region', got variables {list(code)!s:.80}."
            )
        code = code["region"]
    if isinstance(code, xr.DataArray) and {"trajectory", "step"} == set(code.dims):
        code = code.transpose("trajectory", "step")
    values = np.asarray(code)
    if values.ndim not in (1, 2) or not np.issubdtype(values.dtype, np.integer):
        raise ArgumentError(
            f"entropy: expected integers (step,) or (run, step), got {values.dtype} of shape {values.shape}."
        )
    values = np.atleast_2d(values)
    if values.shape[0] < 1 or values.shape[1] < 2:
        raise ArgumentError(f"entropy: expected at least 2 symbols in a row, got shape {values.shape}.")
    return np.unique(values, return_inverse=True)[1].reshape(values.shape)


def _counted(sequences: Int[np.ndarray, "run step"], longest: int) -> list[np.ndarray]:
    """How often each word occurs, for every length up to the longest."""
    word, symbols, counts = sequences, sequences.max() + 1, []
    for length in range(1, longest + 1):
        if length > 1:  # a word is the one without its last symbol, and that symbol
            word = word[:, :-1] * symbols + sequences[:, length - 1 :]
        shape = word.shape
        _, word, count = np.unique(word, return_inverse=True, return_counts=True)
        word = word.reshape(shape)
        counts.append(count)
    return counts


def _entropy(count: np.ndarray) -> float:
    p = count / count.sum()
    # Miller and Madow's correction: counts of a finite sample are too uneven, and say too little.
    corrected = -np.sum(p * np.log(p)) + (count.size - 1) / (2 * count.sum())
    return float(min(corrected, np.log(count.size)))  # no law over so many words says more


def _graph_entropy(sequences: Int[np.ndarray, "run step"]) -> float:
    """log of the spectral radius of the graph that has an edge where one symbol followed another.

    That of the graph is the largest among its strongly connected parts, whatever leads from one to the next.
    """
    size = sequences.max() + 1
    edges = np.unique(sequences[:, :-1].ravel() * size + sequences[:, 1:].ravel())
    graph = coo_array((np.ones(edges.size), np.divmod(edges, size)), (size, size)).tocsr()
    count, part = connected_components(graph, connection="strong")
    largest = max(_spectral_radius(graph[part == k][:, part == k]) for k in range(count))
    return float(np.log(largest)) if largest > 0 else 0.0


def _spectral_radius(graph: csr_array) -> float:
    if graph.shape[0] <= SMALL:
        return float(np.abs(np.linalg.eigvals(graph.toarray())).max())
    # An edge from each symbol to itself adds 1 to it, and makes it the only eigenvalue of that size.
    walks = graph + eye_array(graph.shape[0], format="csr")
    first = np.ones(graph.shape[0])
    return float(eigs(walks, k=1, which="LM", v0=first, return_eigenvectors=False)[0].real) - 1
