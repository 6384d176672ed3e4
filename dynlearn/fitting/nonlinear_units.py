"""select_nonlinear: the fewest rectified units with which an almost-linear RNN reconstructs a system as well as any."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.members import stacked
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count, is_count
from dynlearn.fitting.fit import fit
from dynlearn.fitting.methods import members
from dynlearn.fitting.methods.teacher_forcing import TeacherForcing
from dynlearn.models.recurrent.almost_linear import ALRNN
from dynlearn.models.wrappers.ensemble import Ensemble
from dynlearn.numerics.keys import as_key
from dynlearn.references import cites
from dynlearn.trajectories.once import one_call


class Selection(NamedTuple):
    """What `select_nonlinear` found.

    Args:
        nonlinear: P, the number of rectified units.
        model: the best fitted model with so many.
        table: `score` (nonlinear, seed), its `median` and quartiles `lower`, `upper` over seeds.

    >>> Selection(2, None, None).nonlinear
    2
    """

    nonlinear: int
    model: AbstractModel
    table: xr.Dataset


@cites("brenner2024almost")
@one_call
def select_nonlinear(
    train: xr.Dataset,
    validation: xr.Dataset | None = None,
    candidates: Sequence[int] = (0, 1, 2, 3, 4, 6, 8),
    *,
    seeds: int = 4,
    method: TeacherForcing | None = None,
    key: int | Key[Array, ""] = 0,
    progress: bool = True,
    checkpoint: str | os.PathLike | None = None,
    **options,
) -> Selection:
    """How many of an `ALRNN`'s units have to be rectified: the smallest number that is as good as the best.

    Models with every number of `candidates`, `seeds` of each, are trained side by side in one program. Their score
    is that of `TeacherForcing`: long free runs held against the validation data, or the training data where there are
    none. The number with the least median is the best one; the smallest number whose median does not exceed the upper
    quartile of the best one's seeds is taken.

    Args:
        train: the training data.
        validation: others, to be held against.
        candidates: numbers of rectified units.
        seeds: models of each.
        method: settings of the fit; its population is the models named here.
        key: an int or a JAX key, for weights and windows.
        progress: show a progress bar on standard error.
        checkpoint: a file kept up to date during the fit, as in `fit`.
        options: of `ALRNN.from_data`, such as `latent`.

    Returns:
        A `Selection`: `nonlinear`, the fitted `model`, and the `table`, which `dl.plot.nonlinear_units` draws.

    Raises:
        ArgumentError: candidates that are no distinct numbers of units, or more than there are units.

    Reference: Brenner, Hemmer, Monfared, Durstewitz, "Almost-linear RNNs yield highly interpretable symbolic codes in
    dynamical systems reconstruction", NeurIPS 2024.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("van_der_pol", runs=1, length=60, key=0)
    >>> quick = TeacherForcing(steps=4, validate_every=2, batch=4, horizon=10, free_run=20, free_runs=2)
    >>> found = select_nonlinear(ds, candidates=(0, 1), seeds=2, method=quick, progress=False, latent=4, memory=4)
    >>> found.table["score"].sizes["seed"], found.model.nonlinear == found.nonlinear
    (2, True)
    """
    check_count("seeds", seeds, 1)
    if method is not None and not isinstance(method, TeacherForcing):
        raise ArgumentError(
            f"method: expected a TeacherForcing, whose scores are compared, got {method!r:.80}."
        )
    numbers = list(candidates) if isinstance(candidates, Iterable) else []
    if not numbers or not all(is_count(n, 0) for n in numbers) or len(set(numbers)) < len(numbers):
        raise ArgumentError(f"candidates: expected distinct numbers of units, got {candidates!r:.80}.")
    if "nonlinear" in options:
        raise ArgumentError("nonlinear: is what is to be found; name the numbers to try, candidates=.")
    numbers = sorted(int(n) for n in numbers)
    random = as_key(key)
    models = []
    for seed in range(seeds):
        whole = ALRNN.from_data(train, nonlinear=numbers[-1], key=jax.random.fold_in(random, seed), **options)
        models += [_with_bent(whole, n) for n in numbers]
    ensemble = Ensemble(stacked(models), len(models))
    result = fit(
        ensemble,
        train,
        validation,
        method=TeacherForcing() if method is None else method,
        key=random,
        progress=progress,
        checkpoint=checkpoint,
    )
    score = np.array(result.statistics["score"]).reshape(seeds, len(numbers)).T
    lower, median, upper = np.quantile(score, [0.25, 0.5, 0.75], axis=1)
    best = int(np.argmin(median))
    chosen = int(np.flatnonzero(median <= upper[best])[0])
    seeds_of_it = range(chosen, len(models), len(numbers))
    member = members.best(result.statistics["score"], result.statistics["diverged"], seeds_of_it)
    table = xr.Dataset(
        {
            "score": (("nonlinear", "seed"), score),
            "median": ("nonlinear", median),
            "lower": ("nonlinear", lower),
            "upper": ("nonlinear", upper),
        },
        {"nonlinear": numbers, "seed": np.arange(seeds)},
        {"chosen": numbers[chosen], "best": numbers[best]},
    )
    return Selection(numbers[chosen], result.model.member(member), table)  # type: ignore[union-attr]


def _with_bent(model: ALRNN, nonlinear: int) -> ALRNN:
    size = model.latent_size
    return eqx.tree_at(lambda m: m.cell.bent, model, jnp.arange(size) >= size - nonlinear)
