"""Switching linear systems from matrices in physical units, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known
from dynlearn.filtering.processes.switches import StateDependent
from dynlearn.filtering.processes.switching import NEVER
from dynlearn.models.linear.build import factor
from dynlearn.models.switching.system import Start, SwitchingSystem, switch_of
from dynlearn.trajectories.hold import Hold

NAMES = ("A", "B", "c", "C", "d", "Q", "R")
NEEDED = ("A", "C", "Q", "R")


def check_signature(signature: Signature) -> None:
    if not signature.discrete:
        raise ArgumentError(
            "SwitchingLinear: expected a signature with an interval, it works in discrete time; give "
            "Signature(..., interval=dt)."
        )
    if signature.controls and signature.hold is not Hold.ZERO:
        raise ArgumentError(
            f"SwitchingLinear: expected controls held constant between samples (hold='zero'), got "
            f"hold={signature.hold!r}; add the later control as a column of its own, or resample finely."
        )


def given(
    signature: Signature,
    matrices: Sequence[Mapping[str, object]],
    transition: object,
    initial: Mapping[str, object],
    scaling: Scaling,
) -> SwitchingSystem:
    """A system of matrices in physical units, in the units of `scaling`."""
    each = _checked(signature, matrices)
    K, n = len(each), len(each[0]["A"])
    y_mean, y_scale, u_mean, u_scale = (
        np.asarray(a, float)
        for a in (scaling.output_mean, scaling.output_scale, scaling.control_mean, scaling.control_scale)
    )
    M = {name: np.stack([one[name] for one in each]) for name in NAMES}
    shared = all((M[name] == M[name][:1]).all() for name in ("C", "d", "R"))
    C, d, R = (M[name][:1] if shared else M[name] for name in ("C", "d", "R"))
    return SwitchingSystem(
        A=jnp.asarray(M["A"]),
        B=jnp.asarray(M["B"] * u_scale),
        c=jnp.asarray(M["c"] + M["B"] @ u_mean),
        Q=jnp.asarray(np.stack([factor(Q) for Q in M["Q"]])),
        C=jnp.asarray(C / y_scale[:, None]),
        d=jnp.asarray((d - y_mean) / y_scale),
        R=jnp.asarray(np.stack([factor(one) for one in R]) / y_scale[:, None]),
        switch=switch_of(*_switching(transition, K, n)),
        start=_start(initial, K, n),
    )


def physical(system: SwitchingSystem, scaling: Scaling) -> list[dict[str, np.ndarray]]:
    """A, B, c, C, d, Q, R of each regime in physical units (the state has none)."""
    y_mean, y_scale, u_mean, u_scale = (
        np.asarray(a, float)
        for a in (scaling.output_mean, scaling.output_scale, scaling.control_mean, scaling.control_scale)
    )
    found = []
    for j in range(system.regimes):
        C, d, R = (np.asarray(a[j], float) for a in system.emission())
        A, B, c, Q = (np.asarray(a[j], float) for a in (system.A, system.B, system.c, jnp.tril(system.Q)))
        B, R = B / u_scale, y_scale[:, None] * R
        values = A, B, c - B @ u_mean, y_scale[:, None] * C, y_scale * d + y_mean, Q @ Q.T, R @ R.T
        found.append(dict(zip(NAMES, values, strict=True)))
    return found


def transition_of(system: SwitchingSystem) -> dict[str, np.ndarray]:
    """What `given` takes as `transition`."""
    switch: Any = system.switch
    logits = np.asarray(switch.logits, float)
    if isinstance(switch, StateDependent):
        return {"logits": logits, "W": np.asarray(switch.W, float)}
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return {"probabilities": odds / odds.sum(1, keepdims=True)}


def _checked(signature: Signature, matrices: object) -> list[dict[str, np.ndarray]]:
    """Arrays of the right shapes, with what was left out; in words where something does not fit."""
    if isinstance(matrices, Mapping) or not isinstance(matrices, Sequence) or not len(matrices):
        raise ArgumentError(
            f"matrices: expected a list with one mapping per regime, e.g. [{{'A': ..., 'C': ..., 'Q': ..., 'R': ...}}, "
            f"...], got {type(matrices).__name__}."
        )
    p, m, found = signature.outputs, signature.controls, []
    for j, given in enumerate(matrices):
        check_known(f"matrix of regime {j}", given, NAMES)
        for name in NEEDED:
            if name not in given:
                raise ArgumentError(
                    f"matrices of regime {j}: expected at least A, C, Q and R, got {sorted(given)}; add {name!r}."
                )
        n = len(np.atleast_1d(np.asarray(matrices[0]["A"])))
        shapes = {"A": (n, n), "B": (n, m), "c": (n,), "C": (p, n), "d": (p,), "Q": (n, n), "R": (p, p)}
        whole = {name: np.zeros(shape) for name, shape in shapes.items()}
        for name, value in given.items():
            whole[name] = _array(f"{name} of regime {j}", value, shapes[name])
        for name in ("Q", "R"):
            _check_covariance(f"{name} of regime {j}", whole[name])
        found.append(whole)
    return found


def _array(name: str, value: object, shape: tuple[int, ...]) -> np.ndarray:
    array = np.array(value, float)
    if array.shape != shape or not np.isfinite(array).all():
        raise ArgumentError(f"{name}: expected finite numbers of shape {shape}, got shape {array.shape}.")
    return array


def _check_covariance(name: str, value: np.ndarray) -> None:
    values = np.linalg.eigvalsh((value + value.T) / 2)
    if not np.allclose(value, value.T) or values.min() < -1e-10 * max(1e-300, values.max()):
        raise ArgumentError(
            f"{name}: expected a covariance (symmetric, no negative eigenvalue), got {value}."
        )


def _switching(transition: object, K: int, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Logits, and weights of the state or None."""
    if not isinstance(transition, Mapping):
        transition = {"probabilities": transition}
    check_known("entry of transition", transition, ("probabilities", "logits", "W"))
    if "probabilities" in transition:
        P = _array("transition", transition["probabilities"], (K, K))
        if (P < 0).any() or not np.allclose(P.sum(1), 1, atol=1e-5):
            raise ArgumentError(f"transition: expected rows of probabilities that add up to 1, got {P}.")
        return np.where(P > 0, np.log(np.maximum(P, 1e-300)), NEVER), None
    if "logits" not in transition or "W" not in transition:
        raise ArgumentError(
            f"transition: expected a matrix of probabilities, or 'logits' and 'W', got {sorted(transition)}."
        )
    return _array("logits", transition["logits"], (K, K)), _array("W", transition["W"], (K, n))


def _start(initial: Mapping[str, object], K: int, n: int) -> Start:
    check_known("entry of initial", initial, ("m0", "P0", "probabilities"))
    mean = _array("m0", initial.get("m0", np.zeros(n)), (n,))
    P0 = _array("P0", initial.get("P0", np.eye(n)), (n, n))
    _check_covariance("P0", P0)
    p = _array("probabilities", initial.get("probabilities", np.full(K, 1 / K)), (K,))
    if (p < 0).any() or not np.isclose(p.sum(), 1, atol=1e-5):
        raise ArgumentError(f"initial: expected probabilities of the regimes that add up to 1, got {p}.")
    log_p = np.where(p > 0, np.log(np.maximum(p, 1e-300)), NEVER)
    return Start(jnp.asarray(mean), jnp.asarray(factor(P0)), jnp.asarray(log_p))
