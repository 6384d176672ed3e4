"""Ridge regression with an unpenalised offset, in float64 on the host."""

import numpy as np
import scipy.linalg
from jaxtyping import Float

from dynlearn.errors import FitError


def ridge_regression(
    x: Float[np.ndarray, "sample regressor"], y: Float[np.ndarray, "sample target"], ridge: float
) -> Float[np.ndarray, "regressor+1 target"]:
    """argmin_W |y - [x, 1] W|^2 / n + ridge |W_without_offset|^2; the offset is the last row.

    `ridge=0` gives the solution of least norm, so collinear regressors do no harm.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise FitError("least squares: a feature is not finite; use a smaller dictionary or rescale the data.")
    x_mean, y_mean = x.mean(0), y.mean(0)
    centred, target = x - x_mean, y - y_mean
    if ridge == 0:
        weights = scipy.linalg.lstsq(centred, target, lapack_driver="gelsd")[0]
    else:
        gram = centred.T @ centred / len(x) + ridge * np.eye(x.shape[1])
        weights = scipy.linalg.solve(gram, centred.T @ target / len(x), assume_a="pos")
    return np.vstack([weights, y_mean - x_mean @ weights])
