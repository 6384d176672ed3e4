"""How a linear state-space model comes about: from data, from matrices, and back to physical units."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.contract.scaling import Scaling, anything
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known
from dynlearn.models.linear.start import Groups, first_guess
from dynlearn.numerics.linear.discretisation import continuous as continuous_time
from dynlearn.parts.transitions.linear_systems import (
    AbstractSystem,
    Contraction,
    Dissipation,
    FreeMatrix,
    Initial,
    MatrixSystem,
    Noise,
    stable_coordinates,
)
from dynlearn.trajectories.device.blocks import intervals
from dynlearn.trajectories.sampling import made_regular, sampling
from dynlearn.trajectories.schema import times_2d

START_VARIANCE = 10.0
"""Of the state at the first sample, beside a variance of 1 over the training data."""
NAMES = ("A", "B", "C", "D", "Q", "R", "m0", "P0")


def sampled(ds: xr.Dataset, continuous: bool | None) -> tuple[Signature, float]:
    """Signature, and the interval (the median one in continuous time)."""
    found = sampling(ds)
    if continuous is None and found.interval is None and found.smallest is not None:
        raise ArgumentError(
            f"continuous: expected True or False for samples that are not regular (intervals from "
            f"{found.smallest:g} to {found.largest:g}), got None; pass continuous=True for a model in continuous "
            f"time, or {made_regular(ds)} first for one in discrete time."
        )
    signature = Signature.of(ds, discrete=not continuous).replace(static_names=())
    if signature.interval is not None:
        return signature, signature.interval
    positive = intervals(times_2d(ds))
    return signature, float(np.median(positive)) if positive.size else 1.0


def guessed(
    runs: Groups,
    scaling: Scaling,
    states: int,
    signature: Signature,
    interval: float,
    *,
    feedthrough: bool,
    stable: bool,
) -> MatrixSystem:
    """A system to start a fit from. Another identification of A, B, c, C, D, Q, R goes in here."""
    found = first_guess(runs, scaling, states, feedthrough=feedthrough)
    if not signature.discrete:
        scaled_time = interval / float(scaling.time_scale)
        A, chol_Q = continuous_time(found["A"], np.linalg.cholesky(found["Q"]), scaled_time)
        found |= {
            "A": A,
            "B": found["B"] / scaled_time,
            "c": found["c"] / scaled_time,
            "Q": chol_Q @ chol_Q.T,
        }
    found |= {"m0": np.zeros(states), "P0": START_VARIANCE * np.eye(states)}
    time_scale = None if signature.discrete else float(scaling.time_scale)
    return system(found, time_scale, feedthrough=feedthrough, stable=stable)


def given(
    signature: Signature,
    matrices: Mapping[str, object],
    offsets: Mapping[str, object],
    scaling: Scaling | None,
    interval: float,
    stable: bool,
) -> tuple[Scaling, MatrixSystem]:
    """Scaling and system of matrices in physical units."""
    M, c, d = _checked(signature, matrices, offsets)
    p, m = signature.outputs, signature.controls
    base = Scaling.unit(p, m) if scaling is None else scaling
    y_scale, u_mean, u_scale = (
        np.asarray(a, float) for a in (base.output_scale, base.control_mean, base.control_scale)
    )
    # Scaled outputs have no offset exactly when their mean is the output at x = 0, u_scaled = 0.
    centre = M["D"] @ u_mean + d
    scaling = Scaling(
        jnp.asarray(centre),
        base.output_scale,
        base.control_mean,
        base.control_scale,
        jnp.zeros(0),
        jnp.ones(0),
        base.time_scale,
        *anything(m),
    )
    scaled = {
        **M,
        "B": M["B"] * u_scale,
        "c": c + M["B"] @ u_mean,
        "C": M["C"] / y_scale[:, None],
        "D": M["D"] * u_scale / y_scale[:, None],
        "R": M["R"] / np.outer(y_scale, y_scale),
    }
    time_scale = None
    if not signature.discrete:
        time_scale = float(base.time_scale)
        scaled |= {name: time_scale * scaled[name] for name in ("A", "B", "c", "Q")}
    return scaling, system(scaled, time_scale, feedthrough=bool(M["D"].any()), stable=stable)


def physical(system: AbstractSystem, scaling: Scaling) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Matrices and offsets of a system in physical units."""
    if isinstance(system, MatrixSystem) and system.time_scale is not None:
        rate = 1 / system.time_scale
        A, B, c, chol_Q = system.A_of(), system.B, system.c, system.Q.chol
    else:
        rate = 1.0
        A, B, _, c, chol_Q = system.transition(jnp.zeros(()))
    C, D, chol_R = system.emission()
    mean, chol = system.initial()
    found = [np.asarray(a, float) for a in (A, B, c, chol_Q, C, D, chol_R, mean, chol)]
    return _in_units(found, rate, scaling)


def _in_units(found: list[np.ndarray], rate: float, scaling: Scaling):
    A, B, c, chol_Q, C, D, chol_R, mean, chol = found
    y_mean, y_scale, u_mean, u_scale = (
        np.asarray(a, float)
        for a in (scaling.output_mean, scaling.output_scale, scaling.control_mean, scaling.control_scale)
    )
    B, D = B / u_scale, y_scale[:, None] * D / u_scale
    chol_R = y_scale[:, None] * chol_R
    matrices = {
        "A": rate * A,
        "B": rate * B,
        "C": y_scale[:, None] * C,
        "D": D,
        "Q": rate * chol_Q @ chol_Q.T,
        "R": chol_R @ chol_R.T,
        "m0": mean,
        "P0": chol @ chol.T,
    }
    return matrices, {"c": rate * (c - B @ u_mean), "d": y_mean - D @ u_mean}


def free(system: AbstractSystem) -> bool:
    """Whether a closed-form M-step reaches every parameter."""
    return isinstance(system, MatrixSystem) and isinstance(system.A_of, FreeMatrix) and not system.continuous


def system(
    M: Mapping[str, np.ndarray], time_scale: float | None, *, feedthrough: bool, stable: bool
) -> MatrixSystem:
    """Of scaled matrices."""
    A, B, c, C, Q, m0, P0 = (np.asarray(M[k], float) for k in ("A", "B", "c", "C", "Q", "m0", "P0"))
    A_of: FreeMatrix | Contraction | Dissipation = FreeMatrix(jnp.asarray(A))
    if stable:
        T, A = stable_coordinates(A, continuous=time_scale is not None)
        B, c, C, m0, Q, P0 = T @ B, T @ c, C @ np.linalg.inv(T), T @ m0, T @ Q @ T.T, T @ P0 @ T.T
        A_of = Contraction.of(A) if time_scale is None else Dissipation.of(A)
    return MatrixSystem(
        A_of=A_of,
        B=jnp.asarray(B),
        c=jnp.asarray(c),
        C=jnp.asarray(C),
        D=jnp.asarray(M["D"]) if feedthrough else None,
        Q=Noise(jnp.asarray(factor(Q))),
        R=Noise(jnp.asarray(factor(M["R"]))),
        start=Initial(jnp.asarray(m0), jnp.asarray(factor(P0))),
        time_scale=time_scale,
    )


def factor(covariance: np.ndarray) -> np.ndarray:
    """A lower triangular factor of a covariance, singular ones included."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T)[1].T


def _checked(signature: Signature, matrices: Mapping[str, object], offsets: Mapping[str, object]):
    """Arrays of the right shapes, with what was left out; in words where something does not fit."""
    check_known("matrix", matrices, NAMES)
    check_known("offset", offsets, ("c", "d"))
    for name in ("A", "C", "Q", "R"):
        if name not in matrices:
            raise ArgumentError(
                f"matrices: expected at least A, C, Q and R, got {sorted(matrices)}; add {name!r}."
            )
    n, p, m = len(np.atleast_1d(_real("A", matrices["A"]))), signature.outputs, signature.controls
    shapes = {
        "A": (n, n), "B": (n, m), "C": (p, n), "D": (p, m), "Q": (n, n), "R": (p, p), "m0": (n,), "P0": (n, n),
        "c": (n,), "d": (p,),
    }  # fmt: skip
    whole = {name: np.eye(n) if name == "P0" else np.zeros(shape) for name, shape in shapes.items()}
    for name, value in (*matrices.items(), *offsets.items()):
        array = _real(name, value)
        if array.shape != shapes[name]:
            raise ArgumentError(
                f"{name}: expected shape {shapes[name]} ({n} states, {p} outputs, {m} controls), got {array.shape}."
            )
        whole[name] = array
    for name in ("Q", "R", "P0"):
        values = np.linalg.eigvalsh((whole[name] + whole[name].T) / 2)
        if not np.allclose(whole[name], whole[name].T) or values.min() < -1e-10 * max(1e-300, values.max()):
            raise ArgumentError(
                f"{name}: expected a covariance (symmetric, no negative eigenvalue), got {whole[name]}."
            )
    return whole, whole.pop("c"), whole.pop("d")


def _real(name: str, value: object) -> np.ndarray:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise ValueError(f"numbers of type {array.dtype}")
    except ValueError as error:
        raise ArgumentError(
            f"{name}: expected a matrix of real numbers, got {value!r:.80} ({error})."
        ) from error
    if not np.isfinite(array).all():
        raise ArgumentError(f"{name}: expected finite numbers, got {np.asarray(value, float)}.")
    return array.astype(float)
