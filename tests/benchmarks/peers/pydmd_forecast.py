"""PyDMD: DMD of delay vectors over all runs (rank, delays, regularisation), and BOPDMD of each context."""

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from _choose import Candidate, Forecast, best, delayed, pairs
from _serve import serve
from pydmd import BOPDMD, DMD

warnings.simplefilter("ignore")


def answer(train, contexts, future, tested, dt, quick):
    mean, scale = train.mean((0, 1)), train.std((0, 1))
    runs, *given = ((a - mean) / scale for a in (train, contexts, future, tested))
    found = best(_candidates(runs, future.shape[1], dt, quick), *given)
    return {**found, "forecast": mean + scale * found["forecast"]}


def _candidates(runs: np.ndarray, steps: int, dt: float, quick: bool) -> Iterator[Candidate]:
    n = runs.shape[-1]
    delays, ranks = ((0, 10), (0,)) if quick else ((0, 2, 5, 10, 20, 29), (-1, 0, 4, 8, 16))
    variants: list[tuple[int, int, dict[str, Any]]] = [
        (d, rank, {"forward_backward": both})
        for d, rank, both in itertools.product(delays, ranks, (False, True))
    ]
    # Total least squares takes seconds a fit.
    variants += (
        [] if quick else [(d, r, {"tlsq_rank": r}) for d, r in itertools.product((10, 29), (4, 8, 16))]
    )
    for d, rank, options in variants:
        if rank <= n * (d + 1):
            setting = f"DMD(svd_rank={rank}, {', '.join(f'{k}={v}' for k, v in options.items())}), {d} delays"
            yield setting, lambda d=d, r=rank, k=options: _dmd(runs, steps, d, r, k)
    for d, rank in [] if quick else itertools.product((0, 4, 9), (2, 4, 6)):
        if rank <= n * (d + 1):
            setting = f"BOPDMD(svd_rank={rank}) of each context, {d} delays"
            yield setting, lambda d=d, rank=rank: _bopdmd(n, steps, d, rank, dt)


def _dmd(runs: np.ndarray, steps: int, delays: int, rank: int, options: dict) -> Forecast:
    x, y = pairs(runs, delays)
    fitted = DMD(svd_rank=rank, exact=True, **options).fit(x.T, y.T)
    n = runs.shape[-1]

    def forecast(contexts: np.ndarray) -> np.ndarray:
        v, path = delayed(contexts, delays)[:, -1].T, []
        for _ in range(steps):
            v = fitted.predict(v).real
            path.append(v[:n].T)
        return np.stack(path, 1)

    return forecast


def _bopdmd(n: int, steps: int, delays: int, rank: int, dt: float) -> Forecast:
    def one(context: np.ndarray) -> np.ndarray:
        v = delayed(context[None], delays)[0].T
        times = dt * np.arange(v.shape[1])
        kind = {"stable", "conjugate_pairs"}
        fitted = BOPDMD(svd_rank=rank, num_trials=0, eig_constraints=kind).fit(v, times)
        return fitted.forecast(times[-1] + dt * np.arange(1, steps + 1))[:n].real.T

    return lambda contexts: np.stack([one(context) for context in contexts])


if __name__ == "__main__":
    serve("pydmd", answer)
