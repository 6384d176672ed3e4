"""The order of a linear system: information criteria, singular values, held-out runs."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np
from jaxtyping import Float

from dynlearn.errors import ArgumentError, FitError, check_known
from dynlearn.identification._data import Arrays, Runs, gather
from dynlearn.identification._fit import check, fitted, states, windows, with_constant
from dynlearn.identification._innovations import Innovations, predict, starts
from dynlearn.identification._states import States, excitation

CRITERIA = ("aic", "bic", "svc", "nic", "validation")
NOT = (np.inf,) * len(CRITERIA)
"""The scores of an order that the data do not carry."""


@dataclasses.dataclass(frozen=True)
class OrderScores:
    """One number per order and criterion; the smaller the better."""

    orders: tuple[int, ...]
    aic: Float[np.ndarray, " order"]
    bic: Float[np.ndarray, " order"]
    svc: Float[np.ndarray, " order"]
    nic: Float[np.ndarray, " order"]
    validation: Float[np.ndarray, " order"] | None
    excited: int
    """The largest order that the controls excite, of those up to the largest asked for."""

    @classmethod
    def of(
        cls,
        outputs: Arrays,
        controls: Arrays | None,
        orders: Sequence[int],
        *,
        validation: tuple[Arrays, Arrays | None] | None = None,
        past: int | None = None,
        future: int | None = None,
        feedthrough: bool = False,
        offset: bool = False,
        method: str = "cva",
        iterations: int = 3,
        refine: int = 0,
    ) -> Self:
        """Score orders; one decomposition of the data serves them all.

        With L the log likelihood, N measured values in `runs` runs, d(n) = n (m + 2 p) (+ p m with feedthrough)
        parameters beyond coordinates, s the singular values from T block columns:

            aic = -2 L + 2 (d + n runs)
            bic = -2 L + d log N + n runs log(N / runs)       (a run's initial state is seen by that run only)
            svc = s_{n+1}^2 + d log T / T
            nic = sum_{j>n} s_j^2 + d log T / T
            validation = (-L' + n runs') / N'    on `validation` runs, their initial states fitted

        On 100 ragged, gappy data sets at 40 dB (`tests/benchmarks/subspace.py`) bic was right in 100, aic in 99,
        svc in 90; nic, whose sum gathers the noise of every singular value, took too many. Orders that the
        data do not carry, or the controls do not excite, score infinity.

        Arguments are those of `identify`; `orders` are distinct integers >= 1.

        References: Bauer, "Order estimation for subspace methods", Automatica 2001 (svc, nic);
        Schwarz, "Estimating the dimension of a model", Ann. Statist. 1978.

        >>> import numpy as np
        >>> from dynlearn.identification.subspace import OrderScores
        >>> rng = np.random.default_rng(0)
        >>> u, y = rng.normal(size=(300, 1)), np.zeros((300, 1))
        >>> for t in range(299):
        ...     y[t + 1] = 0.9 * y[t] + u[t]
        >>> y += 0.05 * rng.normal(size=y.shape)
        >>> OrderScores.of([y], [u], range(1, 5)).best("bic")
        1
        """
        orders = tuple(orders)
        if not orders or len(set(orders)) != len(orders):
            raise ArgumentError(f"orders: expected distinct integers >= 1, got {orders}.")
        for order in orders:
            check(order, method, iterations, refine)
        if offset:
            controls = with_constant(outputs, controls)
            validation = validation and (validation[0], with_constant(*validation))
        runs = gather(outputs, controls)
        held_out = None if validation is None else gather(*validation, like=runs)
        past, future = windows(runs, max(orders), past, future)
        found = states(runs, min(orders), past, future, feedthrough, method, iterations, offset)
        us = [u[:, :-1] for u in runs.each_control()] if offset else runs.each_control()
        excited = excitation(us, max(orders) + 1, offset) - 1
        carried = min(found.rank, excited)
        rows = [
            _scored(found, runs, held_out, n, feedthrough, refine) if n <= carried else NOT for n in orders
        ]
        aic, bic, svc, nic, held = np.array(rows).T
        return cls(orders, aic, bic, svc, nic, None if held_out is None else held, excited)

    def best(self, criterion: str = "bic") -> int:
        """The order of the smallest score by one of `CRITERIA`.

        Raises:
            ArgumentError: an unknown criterion, or "validation" where no runs were held out.
            FitError: the largest that the controls excite is the best one.
        """
        check_known("criterion", [criterion], CRITERIA)
        scores = getattr(self, criterion)
        if scores is None:
            raise ArgumentError("criterion='validation': expected validation=(outputs, controls), got None.")
        return chosen(self.orders, scores, self.excited)


def chosen(orders: Sequence[int], scores: Float[np.ndarray, " order"], excited: int) -> int:
    """The order of the smallest score, if the controls let larger ones be tried.

    Raises:
        FitError: the largest that could be tried is the best: a larger one may be the system's.
    """
    best = int(orders[int(np.argmin(scores))])
    if best == excited < max(orders):
        raise FitError(
            f"controls: expected persistent excitation of more than {max(orders)} samples to try {max(orders)} "
            f"states, found order {excited + 1}: {best} is the best of those that could be tried, and the largest, "
            f"so that a larger one may be right; apply richer controls (a sine has order 2, noise or a random binary "
            f"signal any), or ask for no more than these, orders=range(1, {excited + 1})."
        )
    return best


def _scored(
    found: States, runs: Runs, held_out: Runs | None, n: int, feedthrough: bool, steps: int
) -> tuple[float, ...]:
    """aic, bic, svc, nic, validation of order n."""
    p, m, count, N, T = runs.outputs, runs.controls, len(runs.y), int(runs.observed.sum()), found.columns
    system, start = fitted(found, runs, n, feedthrough, False, steps)
    deviance = -2 * predict(system, start, runs).log_likelihood
    d = n * (m + 2 * p) + (p * m if feedthrough else 0)
    tail, penalty = found.singular_values[n:] ** 2, d * np.log(T) / T
    return (
        deviance + 2 * (d + n * count),
        deviance + d * np.log(N) + n * count * np.log(N / count),
        float(tail[:1].sum() + penalty),
        float(tail.sum() + penalty),
        np.nan if held_out is None else _held_out_loss(system, held_out),
    )


def _held_out_loss(system: Innovations, runs: Runs) -> float:
    """Negative log density per value; n per run makes up for the initial states being fitted to it."""
    start = starts(system, runs)
    return (start.size - predict(system, start, runs).log_likelihood) / int(runs.observed.sum())
