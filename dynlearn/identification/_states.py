"""State sequences from lagged data, by canonical correlation or projection, and the system that moves them."""

import dataclasses

import numpy as np
import scipy.linalg
from jaxtyping import Float

from dynlearn.errors import FitError
from dynlearn.identification._data import Matrix, Varx, ahead, lagged, least_squares
from dynlearn.identification._innovations import FLOOR, Innovations

EPS = float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True)
class States:
    """Coordinates of the past, most predictable first, at the samples past .. T of each long enough run."""

    singular_values: Float[np.ndarray, " state"]
    x: list[Matrix]
    ys: list[Matrix]
    us: list[Matrix]
    columns: int
    """Block columns that they were computed from."""

    @property
    def rank(self) -> int:
        """Directions above rounding."""
        s = self.singular_values
        return int((s > 1e3 * EPS * max(self.columns, 1) * s.max(initial=0.0)).sum())


def decompose(
    ys: list[Matrix], us: list[Matrix], past: int, future: int, feedthrough: bool, method: str
) -> States:
    r"""x_t = L [y_{t-1} .. y_{t-past}, u_{t-1} .. u_{t-past}], the part of the past that predicts the future.

    With Z_p the past, Y_f and U_f the future, and / U_f^c the part orthogonal to U_f:

        cva     canonical variates of Z_p / U_f^c with Y_f / U_f^c       (Larimore 1990)
        moesp   SVD of the projection of Y_f / U_f^c on Z_p / U_f^c      (Verhaegen 1994)
        n4sid   SVD of the oblique projection of Y_f along U_f on Z_p    (Van Overschee, De Moor 1994)
        ssarx   canonical variates of Z_p with Y_f less the effect that a VARX of `past` lags
                ascribes to what happened after t; least biased under feedback (Jansson 2003, Chiuso 2007)
    """
    kept = [(y, u) for y, u in zip(ys, us, strict=True) if len(y) > past]
    pasts = [np.hstack([lagged(y, past), lagged(u, past)]) for y, u in kept]
    Yf = np.concatenate([ahead(y[past:], future) for y, _ in kept])
    Uf = np.concatenate([ahead(u[past:], future) for _, u in kept])
    Zp = np.concatenate([z[: max(len(z) - future, 0)] for z in pasts])
    if method == "ssarx":
        Z, F = Zp, _own_future(Yf, Uf, Varx(ys, us, past, feedthrough), future, us[0].shape[1])
    else:
        Z, F = _orthogonal(Zp, Uf), _orthogonal(Yf, Uf)
    L, singular_values = _weighted(Zp, Z, F, method)
    after = [(y[past:], u[past:]) for y, u in kept]
    return States(
        singular_values, [z @ L for z in pasts], [y for y, _ in after], [u for _, u in after], len(Zp)
    )


def _orthogonal(x: Matrix, u: Matrix) -> Matrix:
    if u.shape[1] == 0:
        return x
    basis = _range(u)[0]
    return x - basis @ (basis.T @ x)


def _own_future(Yf: Matrix, Uf: Matrix, varx: Varx, future: int, m: int) -> Matrix:
    """y_{t+j} - sum_{i<=j} (Y_i y_{t+j-i} + U_i u_{t+j-i}) - D u_{t+j}: what the past alone explains."""
    p, own = varx.outputs, Yf.copy()
    y, u = (lambda i: Yf[:, i * p : (i + 1) * p]), (lambda i: Uf[:, i * m : (i + 1) * m])
    for j in range(future):
        target = own[:, j * p : (j + 1) * p]
        for i in range(1, min(j, varx.lags) + 1):
            target -= y(j - i) @ varx.on_output(i) + u(j - i) @ varx.on_control(i)
        if varx.feedthrough:
            target -= u(j) @ varx.on_control(0)
    return own


def _range(x: Matrix) -> tuple[Matrix, Matrix]:
    """An orthonormal basis Q of the columns of x, and W with x W = Q; directions of rounding left out."""
    u, s, vt = scipy.linalg.svd(x, full_matrices=False)
    keep = s > 10 * max(x.shape) * EPS * s.max(initial=0.0)
    return u[:, keep], vt[keep].T / s[keep]


def _weighted(Zp: Matrix, Z: Matrix, F: Matrix, method: str) -> tuple[Matrix, np.ndarray]:
    """L, whose columns turn the past into states of unit size, and the singular values."""
    Q, W = _range(Z)
    if method == "n4sid":
        fitted = W @ (Q.T @ F)
        _, s, vt = scipy.linalg.svd(Zp @ fitted, full_matrices=False)
        keep = s > 10 * max(Zp.shape) * EPS * s.max(initial=0.0)
        return np.sqrt(len(Zp)) * fitted @ (vt[keep].T / s[keep]), s[keep]
    target = F if method == "moesp" else _range(F)[0]
    u, s, _ = scipy.linalg.svd(Q.T @ target, full_matrices=False)
    return np.sqrt(len(Zp)) * W @ u, s


def realise(states: States, order: int, feedthrough: bool, stable: bool) -> Innovations:
    """Two regressions: y_t on (x_t, u_t) gives C, D and e_t; x_{t+1} on (x_t, u_t, e_t) gives A, B, K."""
    n = order
    x = np.concatenate([x[:-1, :n] for x in states.x])
    x_next = np.concatenate([x[1:, :n] for x in states.x])
    y, u = np.concatenate(states.ys), np.concatenate(states.us)
    xu = np.hstack([x, u])
    output = least_squares(xu if feedthrough else x, y)
    state = least_squares(xu, x_next)
    e = y - (xu if feedthrough else x) @ output
    C, D = output[:n].T, output[n:].T if feedthrough else np.zeros((y.shape[1], u.shape[1]))
    A, B = state[:n].T, state[n:].T
    A = stabilised(A) if stable else A
    return Innovations(A, B, C, D, *_noise(A, C, x_next - xu @ state, e))


def _noise(A: Matrix, C: Matrix, v: Matrix, e: Matrix) -> tuple[Matrix, Matrix]:
    """The gain K with A - K C stable, and the covariance of e."""
    R, S, Q = e.T @ e / len(e), v.T @ e / len(e), v.T @ v / len(e)
    none = np.zeros((len(A), len(C)))
    # Without noise the residuals are rounding, and their regression would be too.
    noiseless = float(np.trace(R)) < 1e-20
    R = R + max(FLOOR, 1e-8 * float(np.trace(R))) * np.eye(len(R))
    if noiseless:
        return none, R
    K = np.linalg.solve(R, S.T).T
    if radius(A - K @ C) < 1:
        return K, R
    try:
        P = scipy.linalg.solve_discrete_are(A.T, C.T, Q, R, s=S)
    except (np.linalg.LinAlgError, ValueError):
        return none, R
    K = np.linalg.solve(C @ P @ C.T + R, (A @ P @ C.T + S).T).T
    return (K if np.isfinite(K).all() and radius(A - K @ C) < 1 else none), R


def radius(A: Matrix) -> float:
    return float(np.abs(np.linalg.eigvals(A)).max(initial=0.0))


def stabilised(A: Matrix, limit: float = 1 - 1e-6) -> Matrix:
    """A with the eigenvalues outside the circle of radius `limit` drawn back to it along their rays."""
    if radius(A) <= limit:
        return A
    T, Z = scipy.linalg.schur(A, output="real")
    i = 0
    while i < len(T):
        size = 2 if i + 1 < len(T) and T[i + 1, i] != 0 else 1
        block = T[i : i + size, i : i + size]
        block *= min(1.0, limit / max(radius(block), EPS))
        i += size
    return Z @ T @ Z.T


ROUNDING = 1e-6
"""Of controls whose root mean square is 1, as `gather` leaves them: what is smaller than the rounding of controls
kept in float32 excites nothing."""


def excitation(us: list[Matrix], most: int, offset: bool) -> int:
    """Of how many consecutive samples, up to `most`, the controls vary in every direction.

    That is the order of persistent excitation: of a sine 2, whatever its length. Where an offset is estimated, a
    mean in the controls is told by it, and excites nothing beside.
    """
    channels = us[0].shape[1]
    # From above: each takes a decomposition, and of rich controls the first one settles it.
    return next((m for m in range(most, 0, -1) if _rank(us, m, offset) == m * channels), 0)


def check_excitation(us: list[Matrix], order: int, offset: bool) -> None:
    """Raise unless the controls are persistently exciting of order `order` + 1."""
    channels, span = us[0].shape[1], order + 1
    found = excitation(us, span, offset)
    if channels and found < span:
        needed, rank = span * channels, _rank(us, span, offset)
        raise FitError(
            f"controls: expected persistent excitation of order {span} for {order} states (rank {needed} of {span} "
            f"consecutive samples), found order {found} (rank {rank}): apply richer controls (a sine has order 2, "
            f"noise or a random binary signal any), take {_fewer(found)}, or leave out a control that is constant or "
            f"copies another."
        )


def _rank(us: list[Matrix], span: int, offset: bool) -> int:
    """Directions in which the controls of `span` consecutive samples vary."""
    stacked = np.concatenate([ahead(u, span) for u in us])
    if not len(stacked):
        return 0
    # What is left beside a column of ones; a mean taken off each record would leave that of its last, cut-off period.
    stacked = stacked - stacked.mean(0) if offset else stacked
    s = np.linalg.svd(stacked, compute_uv=False)
    return int((s > ROUNDING * np.sqrt(stacked.size)).sum())


def _fewer(found: int) -> str:
    return f"at most {found - 1} states" if found > 1 else "controls out of the model"
