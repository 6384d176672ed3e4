"""Filtering some runs and some samples at a time: what is computed takes no multiple of the memory of its result."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.signature import Signature
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.trajectories.device.pasts import cut_many
from dynlearn.trajectories.device.to_device import OnHost, placed
from dynlearn.trajectories.window import Window

SMALL = 2**14
"""Samples, of all runs, that are filtered at once whatever the model."""
AT_ONCE = 2**18
"""Numbers in the beliefs that are worked on at once, about, of more of them."""
SHORTEST = 2**12
"""Samples of a run below which a part of it is not made shorter: each costs a call."""


def few(ds: xr.Dataset) -> bool:
    """Whether all runs are filtered at once."""
    return ds.sizes["trajectory"] * ds.sizes["time"] <= SMALL


def numbers(signature: Signature, beliefs: Callable[[Window], Any]) -> int:
    """How many there are in the `beliefs` about one sample of a run."""
    p, m, s = signature.outputs, signature.controls, signature.statics
    two = OnHost(
        time=np.zeros(2),
        interval=np.zeros(2),
        output=np.zeros((2, p)),
        observed=np.zeros((2, p), bool),
        control=np.zeros((2, m)),
        valid=np.ones(2, bool),
        static=np.zeros(s),
    )
    found = eqx.filter_eval_shape(beliefs, placed(two))
    return max(1, sum(leaf.size for leaf in jax.tree.leaves(found)) // 2)


def found(
    filtered: Callable[[Window, MultivariateGaussian | None, Key[Array, " run"]], Any],
    prior: Callable[[Window], MultivariateGaussian],
    runs: OnHost,
    keys: Key[Array, " run"],
    size: int,
    goes_on: bool,
) -> Any:
    """The arrays `(run, time, ...)` that `filtered(runs, start, keys)` gives of all `runs`, beside a belief.

    Args:
        filtered: of some runs, from a belief about the first sample of each, or from their start.
        prior: that belief at the start of the runs.
        runs: on the host.
        keys: one per run.
        size: numbers in the beliefs about one sample.
        goes_on: whether a run may be cut: the belief that comes with the first part is where the next one starts.

    Returns:
        Arrays on the host that can be written to.
    """
    count, samples = runs.valid.shape
    at_once = max(1, AT_ONCE // size)
    length = min(samples, max(SHORTEST, at_once // count)) if goes_on else samples
    several = min(count, max(1, at_once // length))
    cut = length < samples  # one sample more then: what is predicted of it is where the next part starts
    whole: Any = None
    for first in range(0, count, several):
        which = np.minimum(np.arange(first, first + several), count - 1)
        start = None
        for k in range(0, samples, length):
            part = placed(cut_many(runs, which, np.full(several, k), 1, length - (not cut)))
            start = prior(part) if cut and start is None else start
            values, start = filtered(part, start, keys[which])
            if whole is None:
                whole = jax.tree.map(lambda leaf: np.empty((count, samples, *leaf.shape[2:])), values)
            for every, some in zip(jax.tree.leaves(whole), jax.tree.leaves(values), strict=True):
                here = every[first : first + several, k : k + length]
                here[...] = np.asarray(some)[: here.shape[0], : here.shape[1]]
    return whole
