"""Candidates chosen by their free run over held-out samples, fitted again to all, judged on the test run."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Fits = Callable[[Any], Iterator[Any]]
"""From training data to models fitted ever longer."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """`whole` is what may be learned from: `train`, then `valid` (with the `warmup` samples it starts from)."""

    train: Any
    valid: Any
    whole: Any
    test: Any
    warmup: int


@dataclasses.dataclass(frozen=True)
class Found:
    """The best of one family and seed by validation: RMSE in physical units."""

    name: str
    valid: float
    test: float
    """Fitted again to all of the training record."""
    held_out: float
    """On the test run, fitted without the validation samples: beside `test`, never chosen by."""
    model: Any


def chosen(problem: Problem, candidates: Iterable[tuple[str, Fits]]) -> Found:
    """The candidate, and how long it was fitted, with the lowest validation error."""
    best, label, fits, stage, kept = math.inf, "", None, 0, None
    for name, one in candidates:
        for count, model in enumerate(_fitted(one, problem.train)):
            error = _error(model, problem.valid, problem.warmup)
            if error < best:
                best, label, fits, stage, kept = error, name, one, count, model
    if fits is None:
        raise RuntimeError("no candidate ran over the validation samples to finite values.")
    again = next(model for count, model in enumerate(fits(problem.whole)) if count == stage)
    label += f", stage {stage + 1}" if stage else ""
    held_out = _error(kept, problem.test, problem.warmup)
    return Found(label, best, rmse(again, problem.test, problem.warmup), held_out, again)


def rmse(model: Any, ds: Any, warmup: int) -> float:
    """Of the mean prediction, driven by the recorded controls alone after `warmup` samples."""
    import dynlearn as dl

    sim = dl.simulate(model, ds, warmup=warmup)
    return float(np.sqrt(((sim["output"] - sim["recorded"]) ** 2).mean()))


def likelihood(make: Callable[[Any], Any], steps: Iterable[int]) -> Fits:
    """`make(ds)` after so many iterations of L-BFGS, then so many more, ..."""

    def fits(ds: Any) -> Iterator[Any]:
        import dynlearn as dl

        model = make(ds)
        for count in steps:
            method = dl.fitting.MaximumLikelihood(steps=count)
            model = dl.fit(model, ds, method=method, progress=False).model
            yield model

    return fits


def _fitted(fits: Fits, ds: Any) -> Iterator[Any]:
    """Until one fails: that candidate goes no further."""
    import dynlearn as dl

    try:
        yield from fits(ds)
    except dl.errors.FitError:
        return


def _error(model: Any, ds: Any, warmup: int) -> float:
    """Infinite where the free run, or the state before it, is not finite."""
    import dynlearn as dl

    try:
        return rmse(model, ds, warmup)
    except dl.errors.DynlearnError:
        return math.inf
