"""Plain references: random models, the joint Gaussian of a whole run, and the filter of the textbooks."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import xarray as xr

import dynlearn as dl
from dynlearn.contract.scaling import anything
from dynlearn.models import LinearStateSpace, Scaling, Signature


def covariance(rng: np.random.Generator, n: int, scale: float = 1.0) -> np.ndarray:
    L = rng.normal(size=(n, n))
    return scale * (L @ L.T + 0.1 * np.eye(n))


def random_matrices(
    rng: np.random.Generator, n: int, p: int, m: int, *, continuous: bool, feed: bool
) -> dict:
    """Physical matrices of a moderately damped system, every noise correlated."""
    A = rng.normal(size=(n, n))
    A = A - (np.linalg.eigvals(A).real.max() + 0.3) * np.eye(n) if continuous else (
        0.95 * A / np.abs(np.linalg.eigvals(A)).max()
    )  # fmt: skip
    return {
        "A": A,
        "B": rng.normal(size=(n, m)),
        "C": rng.normal(size=(p, n)),
        "D": rng.normal(size=(p, m)) * feed,
        "Q": covariance(rng, n, 0.3),
        "R": covariance(rng, p, 0.5),
        "m0": rng.normal(size=n),
        "P0": covariance(rng, n, 2.0),
    }


def build(rng, n, p, m, *, continuous=False, feed=False, hold="zero") -> LinearStateSpace:
    """A random model in other units than those it computes in."""
    names = tuple(f"y{i}" for i in range(p)), tuple(f"u{i}" for i in range(m))
    signature = Signature(*names, interval=None if continuous else 0.5, hold=hold)
    scaling = Scaling(
        rng.normal(size=p), np.exp(rng.normal(size=p)), rng.normal(size=m), np.exp(rng.normal(size=m)),
        np.zeros(0), np.ones(0), np.asarray(1.7), *anything(m),
    )  # fmt: skip
    return LinearStateSpace.from_matrices(
        signature,
        random_matrices(rng, n, p, m, continuous=continuous, feed=feed),
        offsets={"c": rng.normal(size=n), "d": rng.normal(size=p)},
        scaling=scaling,
        memory=8,
    )


def dataset(rng, model: LinearStateSpace, lengths, missing: float = 0.3) -> xr.Dataset:
    """Runs of unequal length with own instants (uneven in continuous time) and values missing at random."""
    p, m = model.signature.outputs, model.signature.controls
    interval = model.signature.interval
    times = [
        np.cumsum(rng.uniform(0.05, 2.0, k)) if interval is None else interval * np.arange(k) for k in lengths
    ]
    outputs = [3 * rng.normal(size=(k, p)) for k in lengths]
    for y in outputs:
        y[rng.random(y.shape) < missing] = np.nan
    controls = [rng.normal(size=(k, m)) for k in lengths] if m else None
    return dl.from_arrays(
        outputs, controls, times=times, hold=model.signature.hold, output_names=list(model.signature.output_names)
    )  # fmt: skip


class Linear(NamedTuple):
    """x_k = F_k x_{k-1} + c_k + w_k, y_k = C x_k + d_k + v_k with x_{-1} = 0, so that row 0 is the prior."""

    F: np.ndarray
    c: np.ndarray
    Q: np.ndarray
    C: np.ndarray
    d: np.ndarray
    R: np.ndarray


def van_loan(A, B, Q, dt):
    """F, the two ends' input matrices of a straight line, and Q of an interval, by scipy's exponential."""
    n, m = B.shape
    block = np.zeros((n + 2 * m, n + 2 * m))
    block[:n, :n], block[:n, n : n + m], block[n : n + m, n + m :] = A * dt, B * dt, np.eye(m)
    E = scipy.linalg.expm(block)
    F = E[:n, :n]
    if (
        dt > 10
    ):  # Van Loan's form of Q has lost every digit: the stationary covariance less what is left of it
        stationary = scipy.linalg.solve_continuous_lyapunov(A, -Q)
        return F, E[:n, n : n + m], E[:n, n + m :], stationary - F @ stationary @ F.T
    V = scipy.linalg.expm(np.block([[-A, Q], [np.zeros((n, n)), A.T]]) * dt)
    return F, E[:n, n : n + m], E[:n, n + m :], F @ V[:n, n:]


def linear(model: LinearStateSpace, ds: xr.Dataset, run: int) -> tuple[Linear, np.ndarray]:
    """The rows of one run, in physical units, and its measurements."""
    M, offsets = model.matrices(), model.offsets()
    one = ds.isel(trajectory=run)
    length = int(ds.dyn.lengths[run])
    y = one["output"].values[:length]
    u = one["control"].values[:length] if "control" in one else np.zeros((length, 0))
    t = (one["t"].values if "trajectory" in ds["t"].dims else ds["t"].values)[:length]
    n = len(M["A"])
    F, c, Q = [np.zeros((n, n))], [M["m0"]], [M["P0"]]
    for k in range(length - 1):
        change = (u[k + 1] - u[k]) * (model.signature.hold == "linear")
        if model.signature.interval is None:
            inputs = np.concatenate([M["B"], offsets["c"][:, None]], axis=1)
            f, g, ramp, q = van_loan(M["A"], inputs, M["Q"], t[k + 1] - t[k])
            c.append(g @ np.append(u[k], 1.0) + ramp[:, :-1] @ change)
        else:
            f, q = M["A"], M["Q"]
            c.append(M["B"] @ u[k] + offsets["c"])
        F.append(f)
        Q.append(q)
    d = u @ M["D"].T + offsets["d"]
    return Linear(np.stack(F), np.stack(c), np.stack(Q), M["C"], d, M["R"]), y


class Joint(NamedTuple):
    """Mean and covariance of all states and all outputs of a run, stacked."""

    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    @classmethod
    def of(cls, rows: Linear) -> "Joint":
        T, n = rows.c.shape
        # x = G (c + w), G the lower triangle of products of F.
        G = np.zeros((T, n, T, n))
        for k in range(T):
            G[k, :, k] = np.eye(n)
            for j in range(k):
                G[k, :, j] = rows.F[k] @ G[k - 1, :, j]
        G = G.reshape(T * n, T * n)
        x = G @ rows.c.ravel()
        xx = G @ scipy.linalg.block_diag(*rows.Q) @ G.T
        H = np.kron(np.eye(T), rows.C)
        return cls(x, H @ x + rows.d.ravel(), xx, xx @ H.T, H @ xx @ H.T + np.kron(np.eye(T), rows.R))

    def given(self, y: np.ndarray):
        """Means and covariances of x and y given the measured entries of `y`, and their log density."""
        flat = y.ravel()
        o = np.isfinite(flat)
        r = flat[o] - self.y[o]
        S = self.yy[np.ix_(o, o)]
        solve = np.linalg.solve(S, np.concatenate([r[:, None], self.xy[:, o].T, self.yy[o]], axis=1))
        nx = len(self.x)
        x = self.x + self.xy[:, o] @ solve[:, 0]
        xx = self.xx - self.xy[:, o] @ solve[:, 1 : 1 + nx]
        y_mean = self.y + self.yy[:, o] @ solve[:, 0]
        yy = self.yy - self.yy[:, o] @ solve[:, 1 + nx :]
        density = -0.5 * (r @ solve[:, 0] + np.linalg.slogdet(S)[1] + o.sum() * np.log(2 * np.pi))
        return x, xx, y_mean, yy, density


def textbook(rows: Linear, y: np.ndarray):
    """The Kalman filter as in the textbooks, with covariances and inverses; rows of missing outputs left out."""
    n = rows.c.shape[1]
    m, P, total = np.zeros(n), np.zeros((n, n)), 0.0
    found = []
    for k, row in enumerate(y):
        m, P = rows.F[k] @ m + rows.c[k], rows.F[k] @ P @ rows.F[k].T + rows.Q[k]
        ahead = rows.C @ m + rows.d[k], rows.C @ P @ rows.C.T + rows.R
        o = np.isfinite(row)
        C, S = rows.C[o], ahead[1][np.ix_(o, o)]
        if o.any():
            r = row[o] - ahead[0][o]
            K = np.linalg.solve(S, C @ P).T
            m, P = m + K @ r, P - K @ S @ K.T
            total -= 0.5 * (r @ np.linalg.solve(S, r) + np.linalg.slogdet(2 * np.pi * S)[1])
        found.append((m, np.sqrt(np.diag(P)), ahead[0], np.sqrt(np.diag(ahead[1]))))
    return [np.stack(part) for part in zip(*found, strict=True)], total
