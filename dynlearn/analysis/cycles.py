"""fixed_points and cycles: where a fitted model's own dynamics return to."""

from collections.abc import Iterable

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.analysis import _linear_cycles, _smooth_cycles
from dynlearn.analysis._border import Control, check_alike, labelled
from dynlearn.analysis._cycle import Cycle, is_new
from dynlearn.analysis._guesses import guesses
from dynlearn.analysis._pieces import PiecewiseMap
from dynlearn.analysis.orbit import StateMap, orbits
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count, is_count
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.precision import array
from dynlearn.references import cites
from dynlearn.trajectories.once import one_call

LONGEST = 40
PERIODS = range(1, 11)
"""Looked for unless told otherwise, in discrete time."""
ALL_REGIONS = 12
"""Up to so many units, fixed points are looked for in every region."""
MOST_RUNS = 100
"""Orbits that are followed to look around from."""
LEFT = 1e6
"""Scaled units: nothing is looked for on an orbit that goes further."""


def fixed_points(model: AbstractModel, context: xr.Dataset, **options) -> xr.Dataset:
    """The fixed points of a model's own dynamics: `cycles` of period 1.

    Args:
        model: a fitted model whose state is one vector.
        context: runs, from whose ends orbits are followed to look around from.
        options: `control`, `starts`, `steps`, `interval`, `key` of `cycles`.

    Returns:
        As `cycles`.

    Raises:
        ArgumentError: as `cycles`.

    >>> import dynlearn as dl, numpy as np
    >>> growth = lambda t, x, u, s: 3.2 * x * (1 - x)  # fixed points 0 and 1 - 1 / 3.2
    >>> model = dl.models.NeuralMap(dl.models.Signature(("x",), interval=1.0), hidden=0, memory=1, map=growth, key=0)
    >>> found = fixed_points(model, dl.from_arrays([[0.2, 0.3]], dt=1.0, output_names=["x"]))
    >>> np.sort(found["output"].values.ravel()).round(4).tolist()
    [0.0, 0.6875]
    """
    return cycles(model, context, periods=1, **options)


@cites("eisenmann2023bifurcations")
@one_call
def cycles(
    model: AbstractModel,
    context: xr.Dataset,
    *,
    periods: int | Iterable[int] | None = None,
    control: Control = None,
    starts: int = 200,
    steps: int = 2000,
    interval: float | None = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    r"""Points of a model's own dynamics that come back to themselves after `periods` steps, and how stable they are.

        F^n(z) = z and F^m(z) != z for m < n,    eigenvalues of D F^n there: stable where all are inside the unit circle

    Of a piecewise-linear model (`ALRNN`, `PLRNN`) exactly: given the regions that a cycle visits, it solves a linear
    system; guesses of the regions come from orbits of the model and from the solutions themselves, and fixed points
    are looked for in every region where there are at most 2^12. A linear model (`Koopman`) has one region. Of any other
    by Newton's method. Both begin where orbits nearly return, and around the orbits. Unstable cycles are found as
    stable ones are; not every one may be found: raise `starts` to look longer. Where a cycle is not alone (every state
    of x' = x is a fixed point) it is not listed.

    In continuous time a cycle takes no whole number of steps: of such a model these are its equilibria, with the
    eigenvalues of the flow over one `interval`.

    Args:
        model: a fitted model whose state is one vector; noise is left out.
        context: runs with the same static features, from whose ends orbits are followed to look around from (those of
            the first hundred).
        periods: in steps, from 1 to 40; one or several. 1 to 10 if not given, 1 in continuous time.
        control: what is applied all along, for a model with controls.
        starts: guesses per period, half of them on the orbits.
        steps: of the orbits the guesses are taken from.
        interval: of a step, for a model in continuous time; that of `context` if not given.
        key: an int or a JAX key, of the choice among the guesses.

    Returns:
        One row per cycle, shortest first: `period`, `stable`, `modulus` (of the largest eigenvalue), `eigenvalue`
        (cycle, mode) complex, `output` (cycle, phase, output_name) in physical units and `state` (cycle, phase, mode)
        in scaled ones, NaN after the period.

    Raises:
        ArgumentError: a model without such a state, data that do not fit, periods outside 1 to 40, or above 1 in
            continuous time.

    Reference: Eisenmann, Monfared, Göring, Durstewitz, "Bifurcations and loss jumps in RNN training", NeurIPS 2023.

    >>> import dynlearn as dl
    >>> growth = lambda t, x, u, s: 3.2 * x * (1 - x)  # a stable cycle of period 2
    >>> model = dl.models.NeuralMap(dl.models.Signature(("x",), interval=1.0), hidden=0, memory=1, map=growth, key=0)
    >>> found = cycles(model, dl.from_arrays([[0.2, 0.3]], dt=1.0, output_names=["x"]), periods=[1, 2])
    >>> found["period"].values.tolist(), found["stable"].values.tolist()
    ([1, 1, 2], [False, False, True])
    """
    map = StateMap.of("cycles", model, context, control, interval)
    check_alike("cycles", map.model, context)
    wanted = _periods(map.model, periods)
    check_count("starts", starts, 1)
    check_count("steps", steps, wanted[-1] + 1)
    map = map.of_runs(slice(MOST_RUNS))
    seen = np.asarray(orbits(map, map.starts, 0, int(steps))[0], float)
    stays = np.isfinite(seen).all((1, 2))
    stays[stays] = np.abs(seen[stays]).max((1, 2)) < LEFT
    exact = PiecewiseMap.of(map)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(as_key(key))))
    found: list[Cycle] = []
    for n in wanted:
        begins = guesses(seen[stays], np.asarray(map.starts, float), n, int(starts), rng)
        if exact is None:
            candidates = _smooth_cycles.search(map, begins, n, wanted[-1])
        elif n == 1 and exact.units <= ALL_REGIONS:
            candidates = _linear_cycles.search(exact, exact.regions()[:, None], tries=1)
        else:
            candidates = _linear_cycles.search(exact, exact.pattern(exact.path(begins, n)))
        others: list[Cycle] = []
        for cycle in candidates:
            if is_new(cycle, others):
                others.append(cycle)
        found += others
    return _dataset(map, found)


def _periods(model: AbstractModel, periods: int | Iterable[int] | None) -> list[int]:
    """Those that are wanted, shortest first."""
    continuous = not model.signature.discrete
    if periods is None:
        return [1] if continuous else list(PERIODS)
    wanted = list(periods) if isinstance(periods, Iterable) else [periods]
    if not wanted or not all(is_count(n, 1) and n <= LONGEST for n in wanted):
        raise ArgumentError(f"periods: expected integers from 1 to {LONGEST}, got {wanted!s:.80}.")
    if continuous and max(wanted) > 1:
        raise ArgumentError(
            f"periods: {type(model).__name__} moves in continuous time, where a cycle takes no whole number of steps; "
            f"expected 1 (its equilibria), got {wanted!s:.80}."
        )
    return sorted({int(n) for n in wanted})


def _dataset(map: StateMap, found: list[Cycle]) -> xr.Dataset:
    size, longest = map.starts.shape[1], max((len(c.points) for c in found), default=1)
    state = np.full((len(found), longest, size), np.nan)
    for row, cycle in zip(state, found, strict=True):
        row[: len(cycle.points)] = cycle.points
    there = np.isfinite(state).all(-1)
    outputs = np.full((*there.shape, map.model.signature.outputs), np.nan)
    outputs[there] = np.asarray(jax.vmap(map.outputs, (None, 0))(map.run(0), array(state[there])))
    values = np.array([c.eigenvalues for c in found], complex).reshape(len(found), size)
    modulus = np.abs(values).max(1, initial=0)
    result = xr.Dataset(
        {
            "period": ("cycle", np.array([len(c.points) for c in found], int)),
            "stable": ("cycle", modulus < 1),
            "modulus": ("cycle", modulus),
            "eigenvalue": (("cycle", "mode"), values),
            "output": (("cycle", "phase", "output_name"), outputs),
            "state": (("cycle", "phase", "mode"), state),
        },
        {"cycle": np.arange(len(found))},
    )
    return labelled(result, map.model, np.asarray(map.kept.control))
