"""Does EDMD with control recover the eigenvalues of a linear system, also from ragged runs with gaps?

Protocol: random systems x' = A x + B u with 4 states and 2 controls, spectral radius 0.98, no noise,
simulated in float64. Full data: 10 runs of 100 samples. Ragged: 30 runs of 20 to 80 samples, each entry
missing with probability 0.1. `Koopman.from_data(ds, lifting="identity")`; eigenvalues are paired for the
smallest total distance; the largest |error| over all systems.

Peers: least squares in numpy (float64) on the transitions that are complete.

Target: 1e-6 in float64; the default precision (the solution computed in float64, kept in float32) is held
to it too.

Seeds: systems 0 to 9.
"""

from typing import Any

import numpy as np

from ._rows import Row, at_most
from ._settings import Settings

STATES, CONTROLS, RADIUS = 4, 2, 0.98


def run(settings: Settings) -> list[Row]:
    import jax

    seeds = range(settings.size(10, 2))
    rows = []
    for name, ragged in (("full data", False), ("ragged runs with gaps", True)):
        problems = [_problem(seed, ragged) for seed in seeds]
        peers = [_distance(_least_squares(y, u), A) for A, y, u in problems]
        for precision, x64 in (("float64", True), ("default precision", False)):
            with jax.enable_x64(x64):
                errors = [_distance(_edmd(y, u), A) for A, y, u in problems]
            note = f"median over the systems {np.median(errors):.1e}"
            # Against a float64 peer, the ratio of a float32 result would only state its rounding.
            peer, floor = ("numpy lstsq", max(peers)) if x64 else (None, None)
            rows.append(Row(f"{name}, {precision}", max(errors), "", peer, floor, at_most(1e-6), note))
    return rows


def _problem(seed: int, ragged: bool) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """The true A, and outputs and controls of each run."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(STATES, STATES))
    A *= RADIUS / np.abs(np.linalg.eigvals(A)).max()
    B = rng.normal(size=(STATES, CONTROLS))
    lengths = rng.integers(20, 81, 30) if ragged else np.full(10, 100)
    outputs, controls = [], []
    for n in lengths:
        u = rng.normal(size=(n, CONTROLS))
        x = np.empty((n, STATES))
        x[0] = rng.normal(size=STATES)
        for k in range(n - 1):
            x[k + 1] = A @ x[k] + B @ u[k]
        if ragged:
            x[rng.random(x.shape) < 0.1] = np.nan
        outputs.append(x)
        controls.append(u)
    return A, outputs, controls


def _edmd(outputs: list[np.ndarray], controls: list[np.ndarray]) -> Any:
    import dynlearn as dl

    ds = dl.from_arrays(outputs, controls, dt=0.1)
    return dl.models.Koopman.from_data(ds, lifting="identity", key=0).eigenvalues()


def _least_squares(outputs: list[np.ndarray], controls: list[np.ndarray]) -> Any:
    now = np.concatenate([np.hstack([y[:-1], u[:-1]]) for y, u in zip(outputs, controls, strict=True)])
    after = np.concatenate([y[1:] for y in outputs])
    complete = np.isfinite(np.hstack([now, after])).all(1)
    return np.linalg.eigvals(np.linalg.lstsq(now[complete], after[complete])[0][:STATES])


def _distance(found: np.ndarray, A: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment

    apart = np.abs(np.asarray(found)[:, None] - np.linalg.eigvals(A)[None])
    return float(apart[linear_sum_assignment(apart)].max())
