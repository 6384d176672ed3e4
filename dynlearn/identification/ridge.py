"""Ridge regression with an unpenalised offset, in float64 on the host."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from dynlearn.errors import ArgumentError, FitError, is_number


def check_ridge(ridge: object) -> None:
    if not is_number(ridge) or not 0 <= ridge < np.inf:
        raise ArgumentError(f"ridge: expected a finite number >= 0, got {ridge!r}.")


class Regression:
    """argmin_W |y - [x, 1] W|^2 / n + ridge |W_without_offset|^2, for any number of ridges.

    The rows [1, x, y] are factorised once, block by block, into Q and a triangle of which only the latter is
    kept: [[m, .., ..], [0, R, S], [0, 0, E]], R = U diag(s) V^T of the centred x, S = Q^T y, without forming
    x^T x, which would square their condition number, and without a Q.

    Reference: Golub, Van Loan, "Matrix computations", 4th edition, 2013, sections 5.3 and 6.5.
    """

    def __init__(self, x: Float[np.ndarray, "sample regressor"], y: Float[np.ndarray, "sample target"]):
        self._factorise([(x, y)])

    @classmethod
    def over(cls, blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> Self:
        """Of samples that come some at a time (at least one block, which may be empty)."""
        found = cls.__new__(cls)
        found._factorise(blocks)
        return found

    def _factorise(self, blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        triangle: Any = None
        self.samples, k = 0, 0
        low, high = np.inf, -np.inf
        for x, y in blocks:
            x, y, k = np.asarray(x, np.float64), np.asarray(y, np.float64), x.shape[1]
            if not (np.isfinite(x).all() and np.isfinite(y).all()):
                raise FitError(
                    "least squares: a feature is not finite; use a smaller dictionary or rescale the data."
                )
            if len(x) == 0:
                continue
            low, high = np.minimum(low, y.min(0)), np.maximum(high, y.max(0))
            rows = np.concatenate([np.ones((len(x), 1)), x, y], axis=1)
            rows = rows if triangle is None else np.concatenate([triangle, rows])
            triangle = np.linalg.qr(rows, mode="r")
            self.samples += len(x)
        if triangle is None:
            raise FitError(
                "least squares: no complete transition in the data; give data with more complete samples in a row than "
                "the model has delays, build the model with fewer delays, or fill gaps first by dl.impute with a "
                "fitted state-space model."
            )
        self.regressors = k
        self.varies = np.asarray(low < high)
        """Which targets have more than one value."""
        mean = triangle[0, 1:] / triangle[0, 0]
        self.x_mean, self.y_mean = mean[:k], mean[k:]
        self._R, self._S, self._E = (
            triangle[1 : k + 1, 1 : k + 1],
            triangle[1 : k + 1, k + 1 :],
            triangle[k + 1 :, k + 1 :],
        )
        u, self.s, self.vt = np.linalg.svd(self._R, full_matrices=False)
        self.projected = u.T @ self._S
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

    def mean_square(self, weights: Float[np.ndarray, "coefficient target"]) -> Float[np.ndarray, " target"]:
        """Of the residuals of weights that `solve` gave."""
        left = ((self._S - self._R @ weights[:-1]) ** 2).sum(0) + (self._E**2).sum(0)
        return left / self.samples
