"""How a nonlinear state-space model comes about: its parts, and a linear system to start from."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.checks.outputs import MEASURED
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known
from dynlearn.filtering.contract import AbstractInference
from dynlearn.filtering.methods.ensemble import EnsembleKalman
from dynlearn.filtering.methods.gaussian import Extended, Unscented
from dynlearn.filtering.methods.particle import Particle
from dynlearn.filtering.processes.process import Process
from dynlearn.models.linear.build import factor
from dynlearn.models.linear.start import first_guess
from dynlearn.models.recurrent.recurrent import AbstractPiecewiseLinearRNN
from dynlearn.numerics import precision
from dynlearn.numerics.activations import inverse_softplus
from dynlearn.numerics.resolution import reads
from dynlearn.parts.laws.emissions import LAWS, Emission, GivenEmission, LinkedEmission, first_parameters
from dynlearn.parts.networks.networks import mlp
from dynlearn.parts.transitions.linear_systems import Initial, Noise
from dynlearn.parts.transitions.transitions import (
    BentTransition,
    CellTransition,
    ConstantNoise,
    GivenNoise,
    GivenTransition,
    StateNoise,
    checked,
)
from dynlearn.trajectories.device.alike import on_device
from dynlearn.trajectories.hold import Hold

INFERENCE: dict[str, type[AbstractInference]] = {
    "extended": Extended,
    "unscented": Unscented,
    "ensemble": EnsembleKalman,
    "particle": Particle,
}
NOISES = ("constant", "state")
NOISE = 0.3
"""Standard deviations a fit starts from, where the data say nothing of them."""
DRIFT = 0.05
"""Of the states of a model around a recurrent one, which was fitted to need none."""
LEAST = 1e-2
"""Noise of measurements such a model starts from, at least: less says that every sample is exact."""
Networks = Callable[[int, int, str], "eqx.nn.MLP | None"]


def check_signature(signature: Signature) -> None:
    if signature.interval is None:
        raise ArgumentError(
            "NonlinearStateSpace: expected a signature with a sampling interval, got None; use from_data on regularly "
            "sampled runs, or a ContinuousDiscrete model."
        )
    if signature.controls and signature.hold is not Hold.ZERO:
        raise ArgumentError(
            f"NonlinearStateSpace: expected controls held over each interval (hold 'zero'), got hold "
            f"{signature.hold!r}; resample the controls, or use a continuous-time model."
        )


def networks(width: int, depth: int, activation: str, key: Key[Array, ""]) -> Networks:
    """(inputs, outputs, what for) -> a network near zero, or None where width is 0."""

    def network(inputs: int, outputs: int, what: str) -> eqx.nn.MLP | None:
        own = jax.random.fold_in(key, sum(map(ord, what)))
        return mlp(inputs, outputs, width, depth, activation, key=own, last=0.1) if width else None

    return network


def scaling_for(law: str, scaling: Scaling) -> Scaling:
    """Counts and 0/1 outputs are what they are."""
    check_known("outputs", [law], LAWS)
    if law in MEASURED:
        return scaling
    zero = jnp.zeros_like(scaling.output_mean)
    return dataclasses.replace(scaling, output_mean=zero, output_scale=zero + 1)


def transition(
    function: object, n: int, m: int, s: int, network: Networks
) -> BentTransition | GivenTransition:
    if function is None:
        bend = network(n + m + s, n, "transition")
        return BentTransition(0.9 * jnp.eye(n), jnp.zeros((n, m)), jnp.zeros(n), bend)
    arguments: dict[str, tuple[int, ...]] = {"t": (), "x": (n,), "u": (m,), "s": (s,)}
    given = checked("transition", function, arguments, (n,))
    return GivenTransition(given, reads(given, 0, *arguments.values()))


def noise(
    chosen: object, n: int, m: int, s: int, network: Networks
) -> ConstantNoise | StateNoise | GivenNoise:
    if isinstance(chosen, str):
        check_known("noise", [chosen], NOISES)
        spread = inverse_softplus(jnp.asarray(NOISE))
        if chosen == "constant":
            return ConstantNoise(Noise(NOISE * jnp.eye(n)))
        found = network(n + m + s, n, "noise")
        if found is None:
            raise ArgumentError("noise: expected 'constant' where width is 0, got 'state'; give a width.")
        return StateNoise(eqx.tree_at(lambda f: f.layers[-1].bias, found, jnp.full(n, spread)))
    arguments: dict[str, tuple[int, ...]] = {"t": (), "x": (n,), "u": (m,), "s": (s,)}
    given = checked("noise", chosen, arguments, (n,), (n, None))
    return GivenNoise(given, reads(given, 0, *arguments.values()))


def emission(function: object, law: str, n: int, p: int, s: int, network: Networks) -> Emission:
    own = first_parameters(law, p, NOISE)
    spread = Noise(NOISE * jnp.eye(p)) if law == "gaussian" else None
    if function is not None:
        mean = GivenEmission(checked("observation", function, {"x": (n,), "s": (s,)}, (p,)))
        return Emission(mean, own, spread, law)
    # The first states are the outputs, until data say otherwise.
    linked = LinkedEmission(jnp.eye(p, n), jnp.zeros(p), network(n + s, p, "observation"))
    return Emission(linked, own, spread, law)


def initial(given: Any, n: int) -> Initial:
    if given is None:
        return Initial(jnp.zeros(n), jnp.eye(n))
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ArgumentError(f"start: expected (mean, covariance), got {given!r:.100}.")
    mean, covariance = (np.array(value, float) for value in given)
    if mean.shape != (n,) or covariance.shape != (n, n):
        raise ArgumentError(
            f"start: expected a mean of shape ({n},) and a covariance of shape ({n}, {n}), got {mean.shape} and "
            f"{covariance.shape}."
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ArgumentError("start: expected finite numbers, got NaN or infinity.")
    if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance).min() < -1e-12:
        raise ArgumentError(
            f"start: expected a covariance (symmetric, no negative eigenvalue), got {covariance}."
        )
    return Initial(jnp.asarray(mean), jnp.asarray(factor(covariance)))


def inference(chosen: object) -> AbstractInference:
    if isinstance(chosen, str):
        check_known("inference", [chosen], INFERENCE)
        return INFERENCE[chosen]()
    if not isinstance(chosen, AbstractInference) or not issubclass(Process, chosen.takes):
        raise ArgumentError(
            f"inference: expected one of {sorted(INFERENCE)} or an object such as dl.inference.Particle(size=2000), "
            f"got {chosen!r:.100}."
        )
    return chosen


def started(model: Any, ds: xr.Dataset) -> Any:
    """`model` with a linear system found in the data wherever it is free to take one."""
    bent = isinstance(model.transition, BentTransition)
    linked = isinstance(model.emission.mean, LinkedEmission)
    law = model.emission.law
    if not linked and not bent:
        return model
    with precision.float64():
        real = Scaling.of(ds)
        if bent and linked:
            found = first_guess(on_device(ds), real, model.states, feedthrough=False)
            model = _with_matrices(model, found)
        if linked and law not in MEASURED:
            model = _linked_to(model, real, law)
    return precision.to_default(model)


def with_system(model: Any, linear: Any) -> Any:
    """`model` with the matrices, noises and start of a linear one."""
    F, G, _, c, chol_Q = linear.transition(jnp.asarray(linear.interval))
    C, _, chol_R = linear.emission()
    found = {"A": F, "B": G, "c": c, "C": C, "Q": chol_Q @ chol_Q.T, "R": chol_R @ chol_R.T}
    model = _with_matrices(model, {name: np.asarray(value, float) for name, value in found.items()})
    return eqx.tree_at(lambda m: m.initial, model, Initial(*linear.initial()))


def with_cell(model: Any, recurrent: AbstractPiecewiseLinearRNN) -> Any:
    """`model` with the map of a recurrent one, its first units read out, and its measurement noise."""
    size, outputs = len(recurrent.pieces().h), recurrent.signature.outputs
    noise = recurrent.noise
    sigma = noise.sigma if noise.fitted else jnp.full(outputs, NOISE)
    model = eqx.tree_at(
        lambda m: (m.transition, m.emission.mean.C),
        model,
        (CellTransition(recurrent.cell), jnp.eye(outputs, size)),
    )
    model = eqx.tree_at(lambda m: m.noise.noise.raw, model, DRIFT * jnp.eye(size))
    if model.emission.noise is not None:
        return eqx.tree_at(lambda m: m.emission.noise.raw, model, jnp.diag(jnp.maximum(sigma, LEAST)))
    if model.emission.law in MEASURED:
        raw = model.emission.raw.at[0].set(inverse_softplus(jnp.maximum(sigma, LEAST)))
        return eqx.tree_at(lambda m: m.emission.raw, model, raw)
    return _linked_to(model, recurrent.scaling, model.emission.law)


def check_around(source: Any, options: dict[str, Any]) -> None:
    """What `around` can be built around."""
    system = getattr(source, "system", None)
    linear = system is not None and not system.continuous and not source.feedthrough
    if not linear and not isinstance(source, AbstractPiecewiseLinearRNN):
        raise ArgumentError(
            f"around: expected a LinearStateSpace in discrete time without feed-through, or a recurrent model such as "
            f"ALRNN, got {type(source).__name__}; make one with LinearStateSpace.from_data(ds, continuous=False, "
            f"feedthrough=False) or ALRNN.from_data(ds)."
        )
    if isinstance(source, AbstractPiecewiseLinearRNN):
        if taken := sorted({"transition", "observation", "scaling", "states", "noise"} & set(options)):
            raise ArgumentError(
                f"around: the recurrent model gives the transition, the observation and the scaling, and the noise "
                f"starts small; leave out {taken}."
            )
        return
    taken = sorted({"transition", "observation", "scaling", "start", "states"} & set(options))
    if taken or options.get("outputs", "gaussian") not in MEASURED:
        raise ArgumentError(
            f"around: the linear model gives the transition, the observation, the start and the scaling of measured "
            f"numbers; leave out {taken or 'outputs'}."
        )


def parameters(emission: Emission, scaling: Scaling) -> dict[str, np.ndarray]:
    own, scale = np.asarray(jax.nn.softplus(emission.raw), float), np.asarray(scaling.output_scale, float)
    if emission.noise is not None:
        chol = scale[:, None] * np.asarray(emission.noise.chol, float)
        return {"covariance": chol @ chol.T}
    if emission.law == "student_t":
        return {"width": own[0] * scale, "freedom": 2 + own[1]}
    return {"size": own[0]} if emission.law == "negative_binomial" else {}


def _with_matrices(model: Any, found: dict[str, np.ndarray]) -> Any:
    """Matrices in scaled units put where they belong."""
    model = eqx.tree_at(
        lambda m: (m.transition.A, m.transition.B, m.transition.c, m.emission.mean.C),
        model,
        tuple(jnp.asarray(found[name]) for name in "ABcC"),
    )
    if isinstance(model.noise, ConstantNoise):
        model = eqx.tree_at(lambda m: m.noise.noise.raw, model, jnp.asarray(factor(found["Q"])))
    if model.emission.noise is not None:
        model = eqx.tree_at(lambda m: m.emission.noise.raw, model, jnp.asarray(factor(found["R"])))
    elif model.emission.law in MEASURED:
        width = inverse_softplus(jnp.sqrt(jnp.diag(jnp.asarray(found["R"]))))
        model = eqx.tree_at(
            lambda m: m.emission.raw, model, model.emission.raw.astype(width.dtype).at[0].set(width)
        )
    return model


def _linked_to(model: Any, real: Scaling, law: str) -> Any:
    """The predictor at the mean of the data for x = 0, and of their spread: softplus(z) ~ z, sigmoid'(0) = 1/4."""
    mean, scale = real.output_mean, real.output_scale
    if law == "bernoulli":
        share = jnp.clip(mean, 0.02, 0.98)
        gain, offset = 4 * scale, jnp.log(share) - jnp.log1p(-share)
    else:
        gain, offset = scale, inverse_softplus(jnp.maximum(mean, 1e-2))
    link = model.emission.mean
    return eqx.tree_at(
        lambda m: (m.emission.mean.C, m.emission.mean.d), model, (gain[:, None] * link.C, offset)
    )
