"""Ridge regression with an unpenalised offset, in float64 on the host."""

from typing import Any

import numpy as np
from jaxtyping import Float

from dynlearn.errors import ArgumentError, FitError, is_number


def check_ridge(ridge: object) -> None:
    if not is_number(ridge) or not 0 <= ridge < np.inf:
        raise ArgumentError(f"ridge: expected a finite number >= 0, got {ridge!r}.")


class Regression:
    """argmin_W |y - [x, 1] W|^2 / n + ridge |W_without_offset|^2, for any number of ridges.

    The regressors are factorised once, x - mean = Q R = Q U diag(s) V^T, without forming x^T x,
    which would square their condition number.
    """

    def __init__(self, x: Float[np.ndarray, "sample regressor"], y: Float[np.ndarray, "sample target"]):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if len(x) == 0:
            raise FitError(
                "least squares: no complete transition in the data; give data with more complete samples in a row than "
                "the model has delays, build the model with fewer delays, or fill gaps first by dl.impute with a "
                "fitted state-space model."
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise FitError(
                "least squares: a feature is not finite; use a smaller dictionary or rescale the data."
            )
        self.samples, self.x_mean, self.y_mean = len(x), x.mean(0), y.mean(0)
        # Of [x, y] = Q [[R, S], [0, *]] only the triangle is needed: S = Q^T y without a Q.
        k = x.shape[1]
        both: Any = np.linalg.qr(np.concatenate([x - self.x_mean, y - self.y_mean], axis=1), mode="r")
        triangle = both[:k]
        u, self.s, self.vt = np.linalg.svd(triangle[:, :k], full_matrices=False)
        self.projected = u.T @ triangle[:, k:]
        least = self.s.max(initial=0.0) * max(self.samples, self.s.size) * np.finfo(float).eps
        self.negligible = self.s <= least
        self.rank = int((~self.negligible).sum())
        """Coefficients per target that the data determine, beside the offset."""

    def solve(self, ridge: float) -> Float[np.ndarray, "coefficient target"]:
        """The weights, offset in the last row. `ridge=0` gives the solution of least norm."""
        s, negligible = self.s, self.negligible
        filtered = np.where(negligible, 0.0, s / np.where(negligible, 1.0, s**2 + self.samples * ridge))
        weights = self.vt.T @ (filtered[:, None] * self.projected)
        return np.vstack([weights, self.y_mean - self.x_mean @ weights])
