"""What subspace identification reads: checked and scaled runs, lagged regressors, gaps filled by a VARX."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Bool, Float

from dynlearn.errors import ArgumentError, FitError

Arrays = Sequence[Float[np.ndarray, "_ _"]]
"""(time, channel) of every run, each of its own length."""
Matrix = Float[np.ndarray, "_ _"]
"""Of rows and columns that are told by no other argument."""

DENSE = 400
"""Missing values of one run up to which they are solved for by a dense factorisation (cubic in their number)."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs padded to one length, each channel divided by its root mean square."""

    y: Float[np.ndarray, "run time output"]
    """0 where nothing was measured."""
    observed: Bool[np.ndarray, "run time output"]
    u: Float[np.ndarray, "run time control"]
    lengths: tuple[int, ...]
    y_scale: Float[np.ndarray, " output"]
    u_scale: Float[np.ndarray, " control"]

    def each_control(self) -> list[Matrix]:
        return [u[:n] for u, n in zip(self.u, self.lengths, strict=True)]

    @property
    def outputs(self) -> int:
        return self.y.shape[2]

    @property
    def controls(self) -> int:
        return self.u.shape[2]


def gather(outputs: Arrays, controls: Arrays | None, like: Runs | None = None) -> Runs:
    """Check and pad the runs; those to be held `like` others take over their scaling."""
    ys = [_table(f"outputs[{i}]", y) for i, y in enumerate(_sequence("outputs", outputs))]
    if controls is None:
        us = [np.zeros((len(y), 0)) for y in ys]
    else:
        us = [_table(f"controls[{i}]", u) for i, u in enumerate(_sequence("controls", controls))]
    _check(ys, us)
    came = (ys[0].shape[1], us[0].shape[1])
    if like is not None and came != (like.outputs, like.controls):
        expected = (like.outputs, like.controls)
        raise ArgumentError(f"validation: expected (outputs, controls) = {expected} channels, got {came}.")
    lengths = tuple(map(len, ys))
    y, u = _padded(ys, np.nan), _padded(us, 0.0)
    observed = ~np.isnan(y)
    if not observed.any(axis=(0, 1)).all():
        empty = int(np.flatnonzero(~observed.any(axis=(0, 1)))[0])
        raise FitError(f"outputs: output {empty} was never measured; leave that column out.")
    y = np.where(observed, y, 0.0)
    if like is not None:
        return Runs(y / like.y_scale, observed, u / like.u_scale, lengths, like.y_scale, like.u_scale)
    inside = np.arange(u.shape[1])[:, None] < np.array(lengths)[:, None, None]
    y_scale, u_scale = _rms(y, observed), _rms(u, inside)
    return Runs(y / y_scale, observed, u / u_scale, lengths, y_scale, u_scale)


def _sequence(name: str, runs: object) -> list:
    if isinstance(runs, np.ndarray) or not isinstance(runs, Sequence) or len(runs) == 0:
        came = f"one array of shape {runs.shape}" if isinstance(runs, np.ndarray) else repr(runs)[:60]
        raise ArgumentError(f"{name}: expected a list of arrays, one per run, got {came}; pass [array].")
    return list(runs)


def _table(name: str, values: object) -> Matrix:
    table = np.asarray(values, np.float64)
    if table.ndim != 2:
        raise ArgumentError(f"{name}: expected an array (time, channel), got shape {table.shape}.")
    if np.isinf(table).any():
        raise ArgumentError(f"{name}: expected finite values (NaN where not measured), got an infinite one.")
    return table


def _check(ys: list[Matrix], us: list[Matrix]) -> None:
    if len(us) != len(ys):
        raise ArgumentError(f"controls: expected one array per run ({len(ys)}), got {len(us)}.")
    for name, tables in (("outputs", ys), ("controls", us)):
        widths = sorted({table.shape[1] for table in tables})
        if len(widths) > 1:
            raise ArgumentError(f"{name}: expected the same channels in every run, got {widths} of them.")
    if ys[0].shape[1] == 0:
        raise ArgumentError("outputs: expected at least one output, got none.")
    for i, (y, u) in enumerate(zip(ys, us, strict=True)):
        if len(y) != len(u):
            raise ArgumentError(f"controls[{i}]: expected {len(y)} rows as in outputs[{i}], got {len(u)}.")
        if np.isnan(u).any():
            raise ArgumentError(f"controls[{i}]: expected every value, got NaN; fill or cut the run there.")


def _padded(tables: list[Matrix], fill: float) -> Float[np.ndarray, "run time channel"]:
    padded = np.full((len(tables), max(map(len, tables)), tables[0].shape[1]), fill)
    for row, table in zip(padded, tables, strict=True):
        row[: len(table)] = table
    return padded


def _rms(values: Float[np.ndarray, "run time channel"], known: Bool[np.ndarray, "..."]) -> np.ndarray:
    known = np.broadcast_to(known, values.shape)
    rms = np.sqrt((values**2).sum((0, 1), where=known) / np.maximum(known.sum((0, 1)), 1))
    return np.where(rms > 0, rms, 1.0)


def lagged(series: Matrix, lags: int) -> Matrix:
    """Rows [s_{t-1}, ..., s_{t-lags}] for t = lags .. T (T + 1 - lags rows, so one past the end)."""
    count = max(len(series) + 1 - lags, 0)
    return np.hstack([series[lags - i : lags - i + count] for i in range(1, lags + 1)])


def ahead(series: Matrix, count: int) -> Matrix:
    """Rows [s_t, ..., s_{t+count-1}] for t = 0 .. T - count."""
    rows = max(len(series) - count + 1, 0)
    return np.hstack([series[i : i + rows] for i in range(count)])


def least_squares(x: Matrix, y: Matrix) -> Matrix:
    """argmin_W |x W - y|, the one of least norm."""
    return scipy.linalg.lstsq(x, y, cond=max(x.shape) * np.finfo(float).eps, lapack_driver="gelsd")[0]


class Varx:
    """y_t = sum_i Y_i y_{t-i} + sum_i U_i u_{t-i} + D u_t + e_t, by least squares on complete rows."""

    def __init__(self, ys: list[Matrix], us: list[Matrix], lags: int, feedthrough: bool):
        self.lags, self.feedthrough, self.outputs = lags, feedthrough, ys[0].shape[1]
        x = np.concatenate([self.regressors(y, u) for y, u in zip(ys, us, strict=True)])
        y = np.concatenate([y[lags:] for y in ys])
        complete = np.isfinite(x).all(1) & np.isfinite(y).all(1)
        self.rows, self.columns = int(complete.sum()), x.shape[1]
        self.weights = np.zeros((self.columns, self.outputs))
        if self.rows:
            self.weights = least_squares(x[complete], y[complete])
        self.residual = y[complete] - x[complete] @ self.weights

    def regressors(self, y: Matrix, u: Matrix) -> Matrix:
        """[y_{t-1}, .., y_{t-lags}, u_{t-1}, .., u_{t-lags}, u_t] for t = lags .. T-1."""
        now = u[self.lags :, : u.shape[1] if self.feedthrough else 0]
        return np.hstack([lagged(y, self.lags)[:-1], lagged(u, self.lags)[:-1], now])

    def on_output(self, lag: int) -> Matrix:
        """Y_lag, transposed."""
        return self.weights[(lag - 1) * self.outputs : lag * self.outputs]

    def on_control(self, lag: int) -> Matrix:
        """U_lag, transposed; D for lag 0."""
        begin = self.lags * self.outputs
        m = (self.columns - begin) // (self.lags + self.feedthrough)
        place = lag - 1 if lag else self.lags
        return self.weights[begin + place * m : begin + (place + 1) * m]

    def filled(self, y: Matrix, u: Matrix) -> Matrix:
        """y with its NaN replaced by the values that make the weighted residuals smallest.

        Where every residual can vanish, as without noise, these are the true values.
        """
        missing = np.isnan(y)
        if not missing.any() or len(y) <= self.lags:
            return y
        known = np.where(missing, 0.0, y)
        rows, weight = len(y) - self.lags, self._whitening()
        errors = (known[self.lags :] - self.regressors(known, u) @ self.weights) @ weight.T
        # The residuals are affine in the missing values: errors + unknown @ values.
        shifted = [scipy.sparse.eye(rows, len(y), self.lags - i) for i in range(self.lags + 1)]
        operator = scipy.sparse.kron(shifted[0], weight)
        for i in range(1, self.lags + 1):
            operator = operator - scipy.sparse.kron(shifted[i], weight @ self.on_output(i).T)
        unknown, target = operator.tocsc()[:, missing.ravel()], -errors.ravel()
        if missing.sum() <= DENSE:
            known[missing] = least_squares(unknown.toarray(), target[:, None])[:, 0]
        else:
            known[missing] = _banded_least_squares(unknown, target)
        return known

    def _whitening(self) -> Matrix:
        """An inverse square root of the residual covariance."""
        covariance = self.residual.T @ self.residual / max(self.rows, 1)
        floor = max(1e-10 * float(np.trace(covariance)), np.finfo(float).tiny ** 0.5)
        return np.linalg.inv(np.linalg.cholesky(covariance + floor * np.eye(self.outputs)))


def _banded_least_squares(M: scipy.sparse.csc_matrix, b: Float[np.ndarray, " row"]) -> np.ndarray:
    """argmin_v |M v - b| in time linear in its length, for a banded M that may lack rank.

    The ridge makes the normal equations solvable; the corrections take its bias out again, but for
    directions that M shrinks below 1e-7 of its norm, which the dense solution still resolves.
    """
    normal = (M.T @ M).tocsc()
    ridge = 1e-14 * normal.diagonal().max()
    solve = scipy.sparse.linalg.splu(normal + ridge * scipy.sparse.eye(M.shape[1], format="csc")).solve
    v = np.zeros(M.shape[1])
    for _ in range(8):
        v += solve(M.T @ (b - M @ v))
    return v


def fill(runs: Runs, lags: int, feedthrough: bool, iterations: int) -> list[Matrix]:
    """The scaled outputs of each run, gaps filled.

    First by a VARX of as many lags as leave three complete rows per regressor (by linear interpolation
    where none does), then `iterations` times by a VARX of `lags` fitted to the filled series.
    """
    ys = [np.where(o, y, np.nan)[:n] for y, o, n in zip(runs.y, runs.observed, runs.lengths, strict=True)]
    if not any(np.isnan(y).any() for y in ys):
        return ys
    us = runs.each_control()
    filled = [_interpolated(y) for y in ys]
    for p in range(lags, 0, -1):
        varx = Varx(ys, us, p, feedthrough)
        if varx.rows >= 3 * varx.columns:
            filled = _refilled(varx, ys, us, filled)
            break
    for _ in range(iterations):
        filled = _refilled(Varx(filled, us, lags, feedthrough), ys, us, filled)
    return filled


def _refilled(varx: Varx, ys: list[Matrix], us: list[Matrix], before: list[Matrix]) -> list[Matrix]:
    """Runs too short for the VARX keep what they were filled with before."""
    return [varx.filled(y, u) if len(y) > varx.lags else b for y, u, b in zip(ys, us, before, strict=True)]


def _interpolated(y: Matrix) -> Matrix:
    filled = np.zeros_like(y)
    for column, values in zip(filled.T, y.T, strict=True):
        known = np.flatnonzero(~np.isnan(values))
        if known.size:
            column[:] = np.interp(np.arange(len(y)), known, values[known])
    return filled
