"""pysindy: sparse equations; their library and threshold, smoothing of the data and of the initial state."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pysindy as ps
from _choose import Candidate, Forecast, best
from _serve import serve
from scipy.signal import savgol_filter

warnings.simplefilter("ignore")

FAR = 1e6
"""Where a diverging path is stopped."""
LIBRARIES = {
    "degree 2": lambda: ps.PolynomialLibrary(2),
    "degree 3": lambda: ps.PolynomialLibrary(3),
    "degree 2, sine and cosine": lambda: ps.PolynomialLibrary(2) + ps.FourierLibrary(n_frequencies=1),
}


def answer(train, contexts, future, tested, dt, quick):
    return best(_candidates(train, future.shape[1], float(dt), quick), contexts, future, tested)


def _candidates(runs: np.ndarray, steps: int, dt: float, quick: bool) -> Iterator[Candidate]:
    thresholds, windows = ((0.1,), (9,)) if quick else ((0.01, 0.1, 0.3), (5, 9, 15))
    for words, threshold, window in itertools.product(LIBRARIES, thresholds, windows):
        for start in (None, window):
            setting = (
                f"polynomials of {words}, STLSQ({threshold}), derivatives over {window}, start over {start}"
            )

            def fit(library=LIBRARIES[words], threshold=threshold, window=window, start=start):
                smoother = {"window_length": window, "polyorder": 3}
                derivative = ps.SmoothedFiniteDifference(smoother_kws=smoother)
                model = ps.SINDy(ps.STLSQ(threshold=threshold), library(), derivative)
                return _forecast(model.fit(list(runs), t=dt).predict, steps, dt, start)

            yield setting, fit


def _forecast(predict: Callable[..., Any], steps: int, dt: float, window: int | None) -> Forecast:
    """The equations, followed by Runge-Kutta from the last sample or from a smoothed one."""

    def slope(x: np.ndarray) -> np.ndarray:
        return np.asarray(predict(np.clip(x, -FAR, FAR)))

    def forecast(contexts: np.ndarray) -> np.ndarray:
        smooth = contexts if window is None else savgol_filter(contexts, window, 3, axis=1)
        x, path = smooth[:, -1], []
        for _ in range(steps):
            a = slope(x)
            b = slope(x + dt / 2 * a)
            c = slope(x + dt / 2 * b)
            x = np.clip(x + dt / 6 * (a + 2 * b + 2 * c + slope(x + dt * c)), -FAR, FAR)
            path.append(x)
        return np.stack(path, 1)

    return forecast


if __name__ == "__main__":
    serve("pysindy", answer)
