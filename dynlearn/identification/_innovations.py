"""The innovations form of a linear system: its Kalman predictor over gaps, and Gauss-Newton on its likelihood."""

import dataclasses

import numpy as np
import scipy.linalg
from jaxtyping import Float

from dynlearn.identification._data import Runs

FLOOR = 1e-26
"""Smallest variance of an innovation, for outputs of unit size: rounding, squared, with a margin."""

Starts = Float[np.ndarray, "run state"]
Moves = Float[np.ndarray, "move row column"]


@dataclasses.dataclass(frozen=True)
class Innovations:
    """x_{t+1} = A x_t + B u_t + K e_t,   y_t = C x_t + D u_t + e_t,   e_t ~ N(0, R)."""

    A: Float[np.ndarray, "state state"]
    B: Float[np.ndarray, "state control"]
    C: Float[np.ndarray, "output state"]
    D: Float[np.ndarray, "output control"]
    K: Float[np.ndarray, "state output"]
    R: Float[np.ndarray, "output output"]

    def moved(self, change: Float[np.ndarray, "row column"]) -> "Innovations":
        """The system after a change of [[A, B, K], [C, D, 0]]."""
        n, m = self.B.shape
        dA, dB, dK = np.split(change[:n], [n, n + m], axis=1)
        dC, dD, _ = np.split(change[n:], [n, n + m], axis=1)
        return Innovations(self.A + dA, self.B + dB, self.C + dC, self.D + dD, self.K + dK, self.R)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the Kalman predictor leaves of every run."""

    log_likelihood: float
    white: Float[np.ndarray, "run row"]
    """Innovations over their standard deviation, 0 where nothing was measured."""
    R: Float[np.ndarray, "output output"]
    """Mean of e e^T - C P C^T over the pairs that were measured: the next covariance of e."""
    jacobian: Float[np.ndarray, "run row move"]
    """Derivatives of `white`."""
    start_jacobian: Float[np.ndarray, "run row state"]


def predict(system: Innovations, start: Starts, runs: Runs, moves: Moves | None = None) -> Prediction:
    """Predict every sample from the measured ones before it, with derivatives along `moves`.

    The Kalman filter of the innovations form, with P_0 = 0 and M_t the measured rows of the identity:

        F = M (C P C^T + R) M^T,   G = (A P C^T + K R) M^T,   e = M (y - C x - D u),
        x' = A x + B u + G F^-1 e,   P' = A P A^T + K R K^T - G F^-1 G^T.

    Derivatives hold P and F fixed. Where all is measured P = 0 and they are exact; at the true system the
    part left out is uncorrelated with the innovations, so that a root of the score stays consistent.
    """
    A, B, C, D = system.A, system.B, system.C, system.D
    (count, T, p), n = runs.y.shape, len(A)
    moves = np.zeros((0, n + p, n + runs.controls + p)) if moves is None else moves
    k = len(moves)
    flat = moves.transpose(1, 0, 2).reshape((n + p) * k, n + runs.controls + p)
    x, P = start, np.zeros((count, n, n))
    dx = np.concatenate([np.zeros((count, n, k)), np.broadcast_to(np.eye(n), (count, n, n))], axis=2)
    white, jacobian = np.zeros((count, T, p)), np.zeros((count, T, p, k + n))
    log_root, pairs, squares = 0.0, np.zeros((p, p)), np.zeros((p, p))
    for t in range(T):
        seen, u = runs.observed[:, t].astype(float), runs.u[:, t]
        both = seen[:, :, None] * seen[:, None, :]
        CPC, root, gain, P = _riccati(system, P, seen, both)
        e = seen * (runs.y[:, t] - x @ C.T - u @ D.T)
        w = (root @ e[:, :, None])[:, :, 0]
        log_root += np.log(np.diagonal(root, axis1=1, axis2=2)).sum()
        pairs += both.sum(0)
        squares += (both * (e[:, :, None] * e[:, None, :] - CPC)).sum(0)
        # d(G F^-1 e) = dK R F^-1 e + G F^-1 de; what e is for dK, x is for dA and dC, u for dB and dD.
        z = np.concatenate([x, u, (w[:, None, :] @ root)[:, 0] @ system.R], axis=1)
        change = (z @ flat.T).reshape(count, n + p, k)
        de = C @ dx
        de[:, :, :k] += change[:, n:]
        dw = root @ (-seen[:, :, None] * de)
        dx = A @ dx + gain @ dw
        dx[:, :, :k] += change[:, :n]
        x = x @ A.T + u @ B.T + (gain @ w[:, :, None])[:, :, 0]
        white[:, t], jacobian[:, t] = w, dw
    likelihood = log_root - 0.5 * (white**2).sum() - 0.5 * np.log(2 * np.pi) * runs.observed.sum()
    rows = jacobian.reshape(count, T * p, k + n)
    R = _covariance(squares / np.maximum(pairs, 1))
    return Prediction(float(likelihood), white.reshape(count, T * p), R, rows[..., :k], rows[..., k:])


def _riccati(system: Innovations, P: np.ndarray, seen: np.ndarray, both: np.ndarray):
    """C P C^T, an inverse square root of F, the gain G F^{-1/2}, and the next P."""
    A, C, KR = system.A, system.C, system.K @ system.R
    CP = C @ P
    CPC = CP @ C.T
    F = both * (CPC + system.R) + (1 - seen)[:, :, None] * np.eye(len(C))
    root = np.linalg.inv(np.linalg.cholesky(F))
    gain = ((A @ CP.mT + KR) * seen[:, None, :]) @ root.mT
    P = A @ P @ A.T + KR @ system.K.T - gain @ gain.mT
    return CPC, root, gain, (P + P.mT) / 2


def _covariance(mean: Float[np.ndarray, "output output"]) -> Float[np.ndarray, "output output"]:
    """The nearest that is positive definite: pairs measured at different instants need not agree."""
    values, vectors = np.linalg.eigh(mean)
    return (vectors * np.maximum(values, max(FLOOR, 1e-8 * values.max()))) @ vectors.T


def coordinates(system: Innovations, feedthrough: bool) -> Moves:
    """An orthonormal basis of the changes of [[A, B, K], [C, D, 0]] that no change of coordinates undoes.

    x -> (I + T) x moves the matrices by [[T A - A T, T B, T K], [-C T, 0, 0]]; the basis spans what is
    orthogonal to these (data-driven local coordinates: McKelvey, Helmersson, Ribarits, Automatica 2004).
    """
    (n, m), p = system.B.shape, len(system.C)
    free = np.ones((n + p, n + m + p), bool)
    free[n:, n:] = False
    free[n:, n : n + m] = feedthrough
    tangents = np.zeros((n * n, *free.shape))
    for tangent, T in zip(tangents, np.eye(n * n).reshape(-1, n, n), strict=True):
        tangent[:n] = np.hstack([T @ system.A - system.A @ T, T @ system.B, T @ system.K])
        tangent[n:, :n] = -system.C @ T
    q, _ = np.linalg.qr(tangents[:, free].T, mode="complete")
    basis = np.zeros((q.shape[1] - n * n, *free.shape))
    basis[:, free] = q[:, n * n :].T
    return basis


def starts(system: Innovations, runs: Runs) -> Starts:
    """The initial state of each run that makes its innovations smallest."""
    found = predict(system, np.zeros((len(runs.y), len(system.A))), runs)
    return _start_step(found, found.white)


def _start_step(found: Prediction, white: Float[np.ndarray, "run row"]) -> Starts:
    return -(np.linalg.pinv(found.start_jacobian, rcond=1e-10) @ white[:, :, None])[:, :, 0]


def refine(
    system: Innovations, start: Starts, runs: Runs, *, feedthrough: bool, steps: int, stable: bool
) -> tuple[Innovations, Starts]:
    """Levenberg-Marquardt on the innovations of all runs, until the likelihood stands still.

    R is the mean square of the innovations after every step. A step that lowers the likelihood
    is taken again with more damping.
    """
    damping = 0.0
    for _ in range(steps):
        basis = coordinates(system, feedthrough)
        here = predict(system, start, runs, basis)
        s, vt, projected = _factorised(here)
        for _ in range(10):
            weights = s / np.maximum(s**2 + damping * s[0] ** 2, 1e-20 * s[0] ** 2)
            step = -vt.T @ (weights * projected)
            trial = system.moved(np.tensordot(step, basis, 1))
            trial_start = start + _start_step(here, here.white + here.jacobian @ step)
            there = _attempt(trial, trial_start, runs, stable)
            if there is not None and there.log_likelihood > here.log_likelihood:
                break
            damping = max(10 * damping, 1e-6)
        else:
            break
        damping = damping / 10 if damping > 1e-6 else 0.0
        system, start = dataclasses.replace(trial, R=there.R), trial_start
        if there.log_likelihood < here.log_likelihood + 1e-3:
            break
    return system, start


def _attempt(system: Innovations, start: Starts, runs: Runs, stable: bool) -> Prediction | None:
    """The prediction, or None where the system may not be used."""
    if stable and np.abs(np.linalg.eigvals(system.A)).max() >= 1:
        return None
    with np.errstate(all="ignore"):
        try:
            return predict(system, start, runs)
        except np.linalg.LinAlgError:
            return None


def _factorised(found: Prediction) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """s, V^T and U^T white of the Jacobian U s V^T, initial states eliminated run by run."""
    q, s, _ = np.linalg.svd(found.start_jacobian, full_matrices=False)
    q = q * (s > 1e-10 * s[:, :1])[:, None, :]
    J = found.jacobian - q @ (q.mT @ found.jacobian)
    white = found.white - (q @ (q.mT @ found.white[:, :, None]))[:, :, 0]
    Q, R = scipy.linalg.qr(J.reshape(-1, J.shape[2]), mode="economic")
    u, s, vt = np.linalg.svd(R)
    return s, vt, u.T @ (Q.T @ white.ravel())
