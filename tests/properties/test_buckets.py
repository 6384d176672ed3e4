"""Sizes in buckets: another slice of the data compiles nothing, and padding changes no result."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.fitting import EM, Gradient, MaximumLikelihood
from dynlearn.numerics import buckets
from dynlearn.numerics.buckets import finely_up, up
from tests.conftest import linear_runs

GRADIENT = Gradient(steps=4, batch=4, horizon=3, validate_every=2)


def runs(count: int, longest: int, seed: int = 0) -> xr.Dataset:
    """Ragged, with gaps."""
    lengths = tuple(longest - i % 3 for i in range(count))
    ds = linear_runs(seed, lengths, noise=0.1).copy(deep=True)
    ds["output"].values[0, 8:10, 0] = np.nan
    return ds


SMALL, LARGE = runs(11, 30), runs(12, 32)
"""Of other numbers of runs and samples, in the same buckets."""


def arx(ds: xr.Dataset) -> Any:
    return dl.models.ARX.from_data(ds, delays=1)


def fourier(ds: xr.Dataset) -> Any:
    lifting = dl.models.dictionaries.Fourier(count=6, delays=1)
    return dl.models.Koopman.from_data(ds, lifting=lifting, ridge=1e-3)


def node(ds: xr.Dataset) -> Any:
    return dl.models.NeuralODE.from_data(ds, hidden=0, memory=2, width=8, key=0)


def sde(ds: xr.Dataset) -> Any:
    return dl.models.NeuralSDE.from_data(ds, hidden=0, memory=2, width=8, key=0)


def ensemble(ds: xr.Dataset) -> Any:
    return dl.models.Ensemble.of(node(ds), 3, key=0)


def state_space(ds: xr.Dataset) -> Any:
    return dl.models.LinearStateSpace.from_data(ds, states=2, memory=4)


def fitted(build: Callable, method: Any = None, validation: bool = True) -> Callable:
    def fit(ds: xr.Dataset) -> list[np.ndarray]:
        other = ds if validation else None
        result = dl.fit(
            build(ds), ds, other, method, progress=False, calibration_horizon=ds.sizes["time"] // 6
        )
        return numbers(result.model)

    return fit


def numbers(model: Any) -> list[np.ndarray]:
    import jax

    # Of the error law what it says, not its parameters: those of a spread near 0 mean nothing.
    law = getattr(model, "noise", None)
    said = (
        []
        if not hasattr(law, "variance")
        else [np.sqrt(law.sigma**2 + law.variance(tau)) for tau in (0.1, 0.3)]
    )
    rest = {f.name: getattr(model, f.name) for f in dataclasses.fields(model) if f.name != "noise"}
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves([rest, said]) if hasattr(leaf, "dtype")]
    return [leaf for leaf in leaves if np.issubdtype(leaf.dtype, np.floating)]


def calibrated(build: Callable) -> Callable[[xr.Dataset], Any]:
    """The model of the larger dataset whatever is asked, so that only the sizes of what is asked differ."""
    found: dict[str, Any] = {}

    def model() -> Any:
        if "model" not in found:
            result = dl.fit(build(LARGE), LARGE, method="calibration", progress=False, calibration_horizon=4)
            found["model"] = result.model
        return found["model"]

    return model


def forecast(build: Callable) -> Callable:
    model = calibrated(build)

    def verb(ds: xr.Dataset) -> list[np.ndarray]:
        horizon, draws = (5, 18) if ds.sizes["time"] < 32 else (6, 20)
        context, u = ds.isel(time=slice(0, ds.sizes["time"] - 8)), np.full((horizon, 1), 0.3)
        fc = dl.forecast(model(), context, horizon, controls=u, samples=draws, key=1)
        return [fc[name].values for name in ("output_mean", "output_scale", "output")]

    return verb


def simulate(build: Callable) -> Callable:
    model = calibrated(build)
    return lambda ds: [dl.simulate(model(), ds, warmup=4)[name].values for name in ("output", "output_scale")]


def inferred(verb: str, *names: str, **options: Any) -> Callable:
    model = calibrated(state_space)

    def call(ds: xr.Dataset) -> list[np.ndarray]:
        found = getattr(dl, verb)(model(), ds, **options)
        return [found[name].values for name in names] if names else [found.values]

    return call


VERBS: dict[str, Callable[[xr.Dataset], list[np.ndarray]]] = {
    "fit ARX": fitted(arx),
    "fit ARX alone": fitted(arx, validation=False),
    "fit Koopman": fitted(fourier),
    "fit Neural ODE": fitted(node, GRADIENT),
    "fit Neural SDE": fitted(sde, GRADIENT),
    "fit by EM": fitted(state_space, EM(steps=2)),
    "fit by maximum likelihood": fitted(state_space, MaximumLikelihood(steps=2)),
    "forecast ARX": forecast(arx),
    "forecast Neural SDE": forecast(sde),
    "forecast ensemble": forecast(ensemble),
    "simulate": simulate(node),
    "simulate Neural SDE": simulate(sde),
    "filter": inferred("filter", "state_mean", "output_scale", "filtered_mean"),
    "filter by particles": inferred("filter", "state_mean", method=dl.inference.Particle(size=50)),
    "smooth": inferred("smooth", "state_mean", "state_scale", samples=2),
    "impute": inferred("impute", "output", "output_scale", samples=2),
    "log-likelihood": inferred("log_likelihood"),
}
CLIMBS = ("fit by maximum likelihood",)
"""L-BFGS looks along a line: how often is a matter of rounding."""


@pytest.mark.parametrize("verb", VERBS)
def test_another_size_compiles_nothing(verb, compilations):
    VERBS[verb](LARGE)
    with compilations() as names:
        VERBS[verb](SMALL)
    assert names == []


@pytest.mark.parametrize("verb", VERBS)
def test_padding_changes_no_result(verb, monkeypatch):
    padded = VERBS[verb](SMALL)
    monkeypatch.setattr(buckets, "_up", lambda size, digits: size)
    for a, b in zip(padded, VERBS[verb](SMALL), strict=True):
        assert a.shape == b.shape
        tolerance = 1e-3 if verb in CLIMBS else 1e-4 if verb.startswith("fit") else 1e-5
        a, b = (
            (np.abs(a), np.abs(b)) if verb == "fit by EM" else (a, b)
        )  # factors of covariances have no sign
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(b), initial=0.1))


@pytest.mark.parametrize(
    ("size", "to"), [(0, 0), (1, 1), (3, 3), (5, 6), (7, 8), (9, 12), (1000, 1024), (1025, 1536)]
)
def test_sizes(size, to):
    assert up(size) == to


@pytest.mark.parametrize("size", [*range(1, 40), 199, 200, 201, 10**6, 10**6 + 1])
def test_no_size_is_too_small_or_far_too_large(size):
    assert size <= up(size) < 1.5 * size + 1
    assert size <= finely_up(size) <= 1.25 * size + 1
    assert up(up(size)) == up(size)
    assert finely_up(finely_up(size)) == finely_up(size)
