"""kooplearn: ridge regression of lifted delay vectors; the lifting, delays and ridge."""

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from _choose import Candidate, Forecast, best, delayed, pairs
from _serve import serve
from kooplearn.linear_model import Ridge
from sklearn.kernel_approximation import Nystroem
from sklearn.preprocessing import PolynomialFeatures

warnings.simplefilter("ignore")


def answer(train, contexts, future, tested, dt, quick):
    mean, scale = train.mean((0, 1)), train.std((0, 1))
    runs, *given = ((a - mean) / scale for a in (train, contexts, future, tested))
    found = best(_candidates(runs, future.shape[1], quick), *given)
    return {**found, "forecast": mean + scale * found["forecast"]}


def _candidates(runs: np.ndarray, steps: int, quick: bool) -> Iterator[Candidate]:
    delays, widths = ((5,), (0.1,)) if quick else ((0, 5), (0.1, 0.3))
    for d, ridge, again in itertools.product(delays, (1e-6,) if quick else (1e-6, 1e-4), (False, True)):
        # A width per sample of the delay vector, whose squared length grows with their number.
        liftings = {f"Nystroem(gamma={g / (d + 1):.2g}, 100 centres)": Nystroem(
            gamma=g / (d + 1), n_components=100, random_state=0) for g in widths}  # fmt: skip
        if d == 0:
            liftings |= {f"polynomials of degree {p}": PolynomialFeatures(p) for p in (2, 3)}
        for words, lifting in liftings.items():
            setting = f"Ridge(alpha={ridge:g}), {words}, {d} delays, {'lifted again at every step' * again}"
            yield (
                setting.rstrip(", "),
                lambda d=d, r=ridge, li=lifting, a=again: _fit(runs, steps, d, r, li, a),
            )


def _fit(runs: np.ndarray, steps: int, delays: int, ridge: float, lifting: Any, again: bool) -> Forecast:
    x, y = pairs(runs, delays)
    lifting.fit(x)
    n, width = runs.shape[-1], x.shape[-1]

    def lift(v: np.ndarray) -> np.ndarray:
        return np.hstack([v, lifting.transform(v)])

    # The library takes one trajectory: laid end to end, the pairs of all runs are one, as many samples apart.
    both = np.concatenate([lift(x), lift(y)])
    model = Ridge(n_components=both.shape[1], lag_time=len(x), alpha=ridge, reduced_rank=False).fit(both)

    def powers(contexts: np.ndarray) -> np.ndarray:
        """The library's prediction of many steps: linear in the lifted space."""
        z = lift(delayed(contexts, delays)[:, -1])
        return np.stack([model.predict(z, k)[:, :n] for k in range(1, steps + 1)], 1)

    def one_by_one(contexts: np.ndarray) -> np.ndarray:
        v, path = delayed(contexts, delays)[:, -1], []
        for _ in range(steps):
            v = model.predict(lift(v))[:, :width]
            path.append(v[:, :n])
        return np.stack(path, 1)

    return one_by_one if again else powers


if __name__ == "__main__":
    serve("kooplearn", answer)
