"""regions: the symbolic code of a piecewise-linear model, and how its regions follow one another."""

import numpy as np
import xarray as xr
from jaxtyping import Bool

from dynlearn.analysis._border import Control, check_stays, labelled
from dynlearn.analysis._pieces import PiecewiseMap
from dynlearn.analysis.orbit import StateMap, orbits
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.piecewise_linear import AbstractPiecewiseLinear
from dynlearn.errors import ArgumentError, check_count
from dynlearn.references import cites
from dynlearn.trajectories.once import one_call

MOST = 2000
"""Regions in one result, which has a matrix over all pairs of them."""


@cites("brenner2024almost")
@one_call
def regions(
    model: AbstractModel,
    context: xr.Dataset,
    *,
    control: Control = None,
    steps: int = 5000,
    discard: int = 500,
) -> xr.Dataset:
    r"""Which linear regions a free run of a piecewise-linear model visits, and how they follow one another.

    A region is where the same rectifiers are on; in each the model is one affine map. The sequence of regions is a
    symbolic code of the orbit.

    Args:
        model: a fitted piecewise-linear model, such as `ALRNN`.
        context: runs, whose ends the orbits begin at.
        control: what is applied all along, for a model with controls.
        steps: of the orbits that count.
        discard: steps before that, over which the orbits settle.

    Returns:
        `region` (trajectory, step): the region's number, most visited first; `output` (trajectory, step, output_name)
        in physical units and `state` (trajectory, step, mode) in scaled ones; `on` (region_number, unit): which
        rectifiers are on, `unit` being their place among those of the model's `pieces`; `occupancy` (region_number):
        the share of steps; `transition` (region_number, region_next): the probability of the next region, 0 where
        none was seen; `jacobian` (region_number, mode, mode_before) of the map there.

    Raises:
        ArgumentError: a model of another kind, data that do not fit, sizes that are no positive integers, more than
            2000 regions.
        DivergedError: an orbit that leaves the finite numbers.

    Reference: Brenner, Hemmer, Monfared, Durstewitz, "Almost-linear RNNs yield highly interpretable symbolic codes in
    dynamical systems reconstruction", NeurIPS 2024.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=200, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=5, nonlinear=2, key=0)
    >>> found = regions(model, ds, steps=100)
    >>> float(found["occupancy"].sum())
    1.0
    """
    check_count("steps", steps, 2)
    check_count("discard", discard, 0)
    map = StateMap.of("regions", model, context, control, None)
    if not isinstance(map.model, AbstractPiecewiseLinear):
        raise ArgumentError(
            f"regions: expected a piecewise-linear model such as ALRNN, got {type(map.model).__name__}; a smooth map "
            f"has no linear regions."
        )
    z, y = (np.asarray(leaf, float) for leaf in orbits(map, map.starts, int(discard), int(steps)))
    check_stays("regions", context, np.isfinite(z).all((1, 2)))
    exact = PiecewiseMap.of(map)
    assert exact is not None  # as it is piecewise linear
    on = exact.pattern(z)
    patterns = on.reshape(on.shape[0] * on.shape[1], exact.units)
    code, first, count = _coded(patterns)
    if count.size > MOST:
        raise ArgumentError(
            f"regions: expected at most {MOST} regions, the orbits visit {count.size}; ask for fewer steps, or fit a "
            f"model with fewer rectifiers."
        )
    code, patterns = code.reshape(on.shape[:2]), patterns[first]
    found = xr.Dataset(
        {
            "region": (("trajectory", "step"), code),
            "output": (("trajectory", "step", "output_name"), y),
            "state": (("trajectory", "step", "mode"), z),
            "on": (("region_number", "unit"), patterns),
            "occupancy": ("region_number", count / code.size),
            "transition": (("region_number", "region_next"), transitions(code, count.size)),
            "jacobian": (("region_number", "mode", "mode_before"), exact.affine(patterns)[0]),
        },
        {
            "trajectory": context["trajectory"].values,
            "region_number": np.arange(count.size),
            "unit": exact.unit,
        },
    )
    return labelled(found, map.model, np.asarray(map.kept.control))


def _coded(on: Bool[np.ndarray, "step unit"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patterns as numbers, most frequent first; where each is first seen, and how often."""
    if not on.shape[1]:
        return np.zeros(len(on), int), np.zeros(1, int), np.array([len(on)])
    packed = np.packbits(on, axis=1)
    keys = packed.view([("", packed.dtype, packed.shape[1])]).ravel()
    _, first, code, count = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    return np.argsort(order)[code], first[order], count[order]


def transitions(code: np.ndarray, symbols: int) -> np.ndarray:
    """The share of each next symbol after each one, over sequences `(run, step)`; rows of 0 where nothing follows."""
    counts = np.zeros((symbols, symbols))
    np.add.at(counts, (code[:, :-1].ravel(), code[:, 1:].ravel()), 1)
    total = counts.sum(1, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
