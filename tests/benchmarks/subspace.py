"""Are poles and order of a linear system found from ragged, gappy, noisy runs?

Protocol: 100 random systems of order 1 to 8, two controls, two outputs: spectral radius uniform in
[0.7, 0.98], the other radii sqrt(uniform(0.1, 1)) of it, real poles or pairs of any angle, normal B and C.
Drawn again while the smallest Hankel singular value is below 0.03 of the largest or two poles are closer
than 0.05 (the rejected share is a row). 12 runs of 100 to 300 samples, white controls, random initial
states, output noise at 40 dB, each output entry missing with probability 0.1. `identify` with the true
order; poles paired for the smallest total distance; the largest |error| of each system. `OrderScores`
among 1 to 10. Cramer-Rao: standard deviation of the worst pole, from the derivatives of the predictions
at the true system. Any system: 40 systems drawn without rejection.

Peers: ARX by least squares on complete rows, of as many lags (up to 15) as leave three rows per
coefficient, its impulse response realised by Ho and Kalman; nfoursid (N4SID) on one complete run of 2400
samples, the only data it takes. (The SIPPY identification toolbox is not on the package index.)

Target: every pole within 1e-2, and 1e-8 without noise; the order right for 90 of 100 systems.

Seeds: systems 0 to 99; without rejection 1000 to 1039.
"""

import dataclasses
import warnings
from typing import Any

import numpy as np
import scipy.linalg
from scipy.optimize import linear_sum_assignment

from ._measure import missing, peer, seconds
from ._rows import Row, at_least, at_most
from ._settings import Settings

ORDERS = range(1, 11)
ARX = "ARX + Ho-Kalman"


@dataclasses.dataclass(frozen=True)
class Problem:
    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    outputs: list[np.ndarray]
    controls: list[np.ndarray]
    noise: np.ndarray
    """Standard deviation per output."""
    rejected: int


def run(settings: Settings) -> list[Row]:
    count = settings.size(100, 3)
    drawn = [problem(seed) for seed in range(count)]
    return [*_poles(drawn), *_noiseless(count), *_complete(count), *_orders(drawn), *_any_system(settings)]


def _poles(drawn: list[Problem]) -> list[Row]:
    found: dict[str, Any] = {"refined": [], "closed": [], "arx": [], "bound": []}
    times = []
    for one in drawn:
        times += seconds(lambda one=one: found["refined"].append(_identified(one)), 1)
        found["closed"].append(_identified(one, refine=0))
        found["arx"].append(distance(_arx_poles(one), one.A))
        found["bound"].append(bound(one))
    errors = {name: np.array(values) for name, values in found.items()}
    rejected = sum(one.rejected for one in drawn)
    within = {name: float((values <= 1e-2).mean()) for name, values in errors.items()}
    return [
        Row("rejected draws", rejected / (rejected + len(drawn)), note=f"{len(drawn)} systems kept"),
        Row("share within 1e-2", within["refined"], "", ARX, within["arx"], at_least(1.0)),
        Row("share within 1e-2, refine=0", within["closed"], "", ARX, within["arx"]),
        _row("worst error", errors, np.max, at_most(1e-2)),
        _row("median error", errors, np.median),
        Row("worst error, refine=0", float(errors["closed"].max()), "", ARX, float(errors["arx"].max())),
        Row(
            "median error, refine=0",
            float(np.median(errors["closed"])),
            "",
            ARX,
            float(np.median(errors["arx"])),
        ),
        Row(
            "error over Cramer-Rao bound, root mean square",
            float(np.sqrt(np.mean((errors["refined"] / errors["bound"]) ** 2))),
            note=f"refine=0: {np.sqrt(np.mean((errors['closed'] / errors['bound']) ** 2)):.3g}; "
            "largest error of a system over the largest standard deviation of its poles",
        ),
        Row.repeated("time of identify", times, "s"),
    ]


def _row(name: str, errors: dict[str, np.ndarray], of: Any, target: Any = None) -> Row:
    note = f"Cramer-Rao standard deviation {of(errors['bound']):.2g}"
    return Row(name, float(of(errors["refined"])), "", ARX, float(of(errors["arx"])), target, note)


def _noiseless(count: int) -> list[Row]:
    drawn = [problem(seed, decibels=np.inf) for seed in range(count)]
    errors = [_identified(one) for one in drawn]
    closed = [_identified(one, refine=0) for one in drawn]
    note = f"refine=0: {max(closed):.1e}"
    return [Row("no noise, gaps, worst error", max(errors), "", None, None, at_most(1e-8), note)]


def _complete(count: int) -> list[Row]:
    drawn = [problem(seed, lengths=(2400,), gaps=0.0) for seed in range(min(count, 40))]
    errors = [_identified(one) for one in drawn]
    name, found = peer("nfoursid"), None
    note = "" if name else missing("nfoursid")
    if name:
        found = float(np.median([distance(_nfoursid_poles(one), one.A) for one in drawn]))
    return [Row("one complete run, median error", float(np.median(errors)), "", name, found, None, note)]


def _orders(drawn: list[Problem]) -> list[Row]:
    from dynlearn.identification.subspace import OrderScores

    right: dict[str, list[bool]] = {"bic": [], "svc": [], "aic": [], "nic": []}
    for one in drawn:
        scores = OrderScores.of(one.outputs, one.controls, ORDERS)
        for criterion, hits in right.items():
            hits.append(scores.best(criterion) == len(one.A))
    shares = {criterion: float(np.mean(hits)) for criterion, hits in right.items()}
    bic = Row("order right, bic", shares.pop("bic"), target=at_least(0.9))
    return [bic, *(Row(f"order right, {criterion}", share) for criterion, share in shares.items())]


def _any_system(settings: Settings) -> list[Row]:
    drawn = [problem(seed, reject=False) for seed in range(1000, 1000 + settings.size(40, 2))]
    errors, bounds = np.array([_identified(one) for one in drawn]), np.array([bound(one) for one in drawn])
    beyond = float((bounds > 5e-3).mean())
    note = f"of {beyond:.3g} even the bound exceeds 5e-3 (two standard deviations over 1e-2)"
    return [Row("any system, share within 1e-2", float((errors <= 1e-2).mean()), note=note)]


def problem(
    seed: int,
    decibels: float = 40.0,
    lengths: tuple[int, ...] | None = None,
    gaps: float = 0.1,
    reject: bool = True,
    orders: tuple[int, ...] = tuple(range(1, 9)),
) -> Problem:
    """A system and its runs."""
    rng = np.random.default_rng(seed)
    n, rejected = orders[seed % len(orders)], 0
    A, B, C = _system(rng, n)
    while reject and not _distinct(A, B, C):
        A, B, C = _system(rng, n)
        rejected += 1
    lengths = tuple(rng.integers(100, 301, 12)) if lengths is None else lengths
    controls = [rng.normal(size=(length, 2)) for length in lengths]
    outputs = [_simulated(A, B, C, u, rng.normal(size=n)) for u in controls]
    noise = np.concatenate(outputs).std(0) * 10 ** (-decibels / 20)
    for y in outputs:
        y += noise * rng.normal(size=y.shape)
        y[rng.random(y.shape) < gaps] = np.nan
    return Problem(A, B, C, outputs, controls, noise, rejected)


def _system(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    largest, blocks, size = rng.uniform(0.7, 0.98), [], 0
    while size < n:
        r = largest * (np.sqrt(rng.uniform(0.1, 1)) if blocks else 1.0)
        if n - size >= 2 and rng.random() < 0.7:
            c, s = r * np.cos(angle := rng.uniform(0.1, np.pi - 0.1)), r * np.sin(angle)
            blocks.append(np.array([[c, s], [-s, c]]))
        else:
            blocks.append(np.array([[r * rng.choice([-1, 1])]]))
        size += len(blocks[-1])
    return scipy.linalg.block_diag(*blocks), rng.normal(size=(n, 2)), rng.normal(size=(2, n))


def _distinct(A: np.ndarray, B: np.ndarray, C: np.ndarray) -> bool:
    controllable = scipy.linalg.solve_discrete_lyapunov(A, B @ B.T)
    observable = scipy.linalg.solve_discrete_lyapunov(A.T, C.T @ C)
    hankel = np.sqrt(np.abs(np.linalg.eigvals(controllable @ observable)))
    poles = np.linalg.eigvals(A)
    apart = np.abs(poles[:, None] - poles) + np.eye(len(A))
    return hankel.min() >= 0.03 * hankel.max() and apart.min() >= 0.05


def _simulated(A: np.ndarray, B: np.ndarray, C: np.ndarray, u: np.ndarray, x: np.ndarray) -> np.ndarray:
    y = np.empty((len(u), len(C)))
    for t in range(len(u)):
        y[t], x = C @ x, A @ x + B @ u[t]
    return y


def _identified(one: Problem, **options: int) -> float:
    from dynlearn.identification.subspace import identify

    return distance(identify(one.outputs, one.controls, len(one.A), **options).poles, one.A)


def distance(poles: np.ndarray, A: np.ndarray) -> float:
    """The largest error of the paired poles."""
    apart = np.abs(np.asarray(poles)[:, None] - np.linalg.eigvals(A)[None])
    return float(apart[linear_sum_assignment(apart)].max())


def bound(one: Problem) -> float:
    """The largest Cramer-Rao standard deviation of a pole: initial states unknown, noise law known."""
    from dynlearn.identification._data import gather
    from dynlearn.identification._innovations import Innovations, coordinates, predict, starts

    runs, n = gather(one.outputs, one.controls), len(one.A)
    C, R = one.C / runs.y_scale[:, None], np.diag((one.noise / runs.y_scale) ** 2)
    system = Innovations(one.A, one.B * runs.u_scale, C, np.zeros((2, 2)), np.zeros((n, 2)), R)
    moves = coordinates(system, feedthrough=False)
    found = predict(system, starts(system, runs), runs, moves)
    q, _ = np.linalg.qr(found.start_jacobian)
    J = (found.jacobian - q @ (q.mT @ found.jacobian)).reshape(-1, len(moves))
    covariance = np.linalg.inv(J.T @ J)
    _, left, right = scipy.linalg.eig(one.A, left=True)
    slope = np.einsum("in,kij,jn->nk", left.conj(), moves[:, :n, :n], right)
    slope /= np.einsum("in,in->n", left.conj(), right)[:, None]
    return float(np.sqrt(np.einsum("nk,kl,nl->n", slope, covariance, slope.conj()).real.max()))


def _arx_poles(one: Problem) -> np.ndarray:
    """Least squares on complete rows, then the realisation of the impulse response from controls."""
    for lags in range(15, 0, -1):
        rows = [_arx_rows(y, u, lags) for y, u in zip(one.outputs, one.controls, strict=True)]
        x, y = (np.concatenate(part) for part in zip(*rows, strict=True))
        complete = np.isfinite(x).all(1) & np.isfinite(y).all(1)
        if complete.sum() >= 3 * x.shape[1]:
            break
    weights = np.linalg.lstsq(x[complete], y[complete], rcond=None)[0].reshape(lags, 4, 2).mT
    markov: list[np.ndarray] = []
    for k in range(40):
        own = weights[k, :, 2:] if k < lags else np.zeros((2, 2))
        echoes = [weights[i, :, :2] @ markov[k - 1 - i] for i in range(min(k, lags))]
        markov.append(own + sum(echoes, np.zeros((2, 2))))
    hankel = np.block([[markov[i + j] for j in range(20)] for i in range(20)])
    u, s, _ = np.linalg.svd(hankel)
    gamma = u[:, : len(one.A)] * np.sqrt(s[: len(one.A)])
    return np.linalg.eigvals(np.linalg.pinv(gamma[:-2]) @ gamma[2:])


def _arx_rows(y: np.ndarray, u: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    both = np.hstack([y, u])
    return np.hstack([both[lags - i : len(y) - i] for i in range(1, lags + 1)]), y[lags:]


def _nfoursid_poles(one: Problem) -> np.ndarray:
    import pandas as pd
    from nfoursid.nfoursid import NFourSID

    table = pd.DataFrame(np.hstack([one.outputs[0], one.controls[0]]), columns=["y0", "y1", "u0", "u1"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = NFourSID(table, ["y0", "y1"], ["u0", "u1"], num_block_rows=10)
        found.subspace_identification()
        system, _ = found.system_identification(rank=len(one.A))
    return np.linalg.eigvals(system.a)
