"""A peer at its best: of all its settings the one that forecasts the validation runs best."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Forecast = Callable[[np.ndarray], np.ndarray]
"""From contexts (window, time, output) to the samples after them, as many as asked for."""
Candidate = tuple[str, Callable[[], Forecast]]
"""A setting in words, and the fit with it."""


def best(
    candidates: Iterable[Candidate], contexts: np.ndarray, future: np.ndarray, tested: np.ndarray
) -> dict[str, Any]:
    """Forecasts from `tested` contexts, the setting, and the seconds of its fit and of the whole search."""
    found: tuple[float, str, Any, float] | None = None
    begun, tried, failed = time.perf_counter(), 0, []
    for setting, fit in candidates:
        started, tried = time.perf_counter(), tried + 1
        try:
            forecast = fit()
            took = time.perf_counter() - started
            with np.errstate(all="ignore"):
                score = float(np.mean((forecast(contexts) - future) ** 2))
        except (ValueError, np.linalg.LinAlgError) as error:  # a setting that does not work on these data
            failed.append(f"{setting}: {error}")
            continue
        if np.isfinite(score) and (found is None or score < found[0]):
            found = score, setting, forecast, took
    if found is None:
        raise RuntimeError(
            f"none of {tried} settings gave a finite forecast of the validation runs: {failed[-1:]}"
        )
    searched = time.perf_counter() - begun
    _, setting, forecast, took = found
    return {
        "forecast": forecast(tested),
        "setting": setting,
        "tried": tried,
        "failed": len(failed),
        "fit": took,
        "search": searched,
    }


def delayed(runs: np.ndarray, delays: int) -> np.ndarray:
    """(run, time - delays, (delays + 1) output): the present sample first, then the ones before it."""
    length = runs.shape[1]
    return np.concatenate([runs[:, delays - i : length - i] for i in range(delays + 1)], axis=-1)


def pairs(runs: np.ndarray, delays: int) -> tuple[np.ndarray, np.ndarray]:
    """Delay vectors and the ones a sample later, (pair, value), never across two runs."""
    v = delayed(runs, delays)
    return v[:, :-1].reshape(-1, v.shape[-1]), v[:, 1:].reshape(-1, v.shape[-1])
