"""Drawn paths against closed forms: their spread, their correlation along a path, their independence between runs."""

import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.models import (
    Ensemble,
    ErrorGrowth,
    LinearStateSpace,
    NonlinearStateSpace,
    Persistence,
    Signature,
)

DRAWS = 6000
WALK = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[2.0]], "m0": [0.0], "P0": [[1.0]]}


def context(runs: tuple[str, ...] = ("a", "b", "c")):
    """Runs of two samples, both 0: nothing tells them apart but their ids."""
    return dl.from_arrays([np.zeros((2, 1)) for _ in runs], dt=1.0, output_names=["y"], runs=list(runs))


def walk() -> LinearStateSpace:
    """x' = x + w, y = x + v, Var w = 1, Var v = 2."""
    return LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), WALK)


def drifting() -> Persistence:
    """y(tau) = y(0) + sqrt(v(tau)) z(tau) + eps, v -> 1 at once, z of correlation time 1 / log 2, Var eps = 1."""
    model, one = Persistence.from_data(context(), memory=2), jnp.ones(1)
    law = ErrorGrowth(sigma=one, spread=one, growth=1e-3 * one, shape=one, correlation_time=one / np.log(2))
    return dl.models.Persistence(model.signature, model.scaling, law, 2)


def covariance_of_walk(P: float) -> np.ndarray:
    lead = np.arange(1, 5)
    return P + np.minimum(lead[:, None], lead) + 2.0 * np.eye(4)


def test_paths_of_a_random_walk_have_its_covariance():
    """P after two measured samples is that of the Kalman filter, by hand: P0 = 1, then 2/3 + 1 = 5/3, then 10/11."""
    fc = dl.forecast(walk(), context(("a",)), 4, samples=DRAWS, key=0)
    draws = fc["output"].values[:, 0, :, 0]
    np.testing.assert_allclose(np.cov(draws.T), covariance_of_walk(10 / 11), atol=0.35)
    np.testing.assert_allclose(
        fc["output_scale"][0, :, 0] ** 2, np.diag(covariance_of_walk(10 / 11)), rtol=1e-5
    )


def test_paths_of_a_nonlinear_walk_have_its_covariance():
    """The same walk, whose steps and measurements are drawn by one law each; the state is filtered from N(0, 1)."""
    still = {
        "transition": lambda t, x, u, s: x,
        "observation": lambda x, s: x,
        "noise": lambda t, x, u, s: jnp.ones(1),
    }
    signature = Signature(("y",), interval=1.0)
    model = NonlinearStateSpace(
        signature, states=1, **still, start=([0.0], [[1.0]]), memory=2, key=0
    ).as_fitted()
    R = float(model.emit(jnp.zeros(1), jnp.zeros(0)).scale[0]) ** 2
    fc = dl.forecast(model, context(("a",)), 4, samples=DRAWS, key=0)
    first = 1 / (1 + 1 / R) + 1
    lead = np.arange(1, 5)
    expected = 1 / (1 / first + 1 / R) + np.minimum(lead[:, None], lead) + R * np.eye(4)
    np.testing.assert_allclose(np.cov(fc["output"].values[:, 0, :, 0].T), expected, atol=0.1)


def test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law():
    fc = dl.forecast(drifting(), context(("a",)), 4, samples=DRAWS, key=0)
    lead = np.arange(4)
    expected = 0.5 ** np.abs(lead[:, None] - lead) + np.eye(4)
    np.testing.assert_allclose(np.cov(fc["output"].values[:, 0, :, 0].T), expected, atol=0.1)
    np.testing.assert_allclose(fc["output_scale"][0, :, 0], np.sqrt(2.0), rtol=1e-3)


@pytest.mark.parametrize("make", [walk, drifting])
def test_runs_are_drawn_independently(make):
    draws = dl.forecast(make(), context(("a", "b")), 3, samples=DRAWS, key=0)["output"].values[..., 0]
    across = np.corrcoef(draws[:, 0].T, draws[:, 1].T)[:3, 3:]
    np.testing.assert_allclose(across, 0, atol=5 / np.sqrt(DRAWS))


def test_members_of_an_ensemble_are_drawn_independently():
    both = Ensemble.of(drifting(), 2, key=0)
    draws = dl.forecast(both, context(("a",)), 3, samples=2 * DRAWS, key=0)["output"].values[:, 0, :, 0]
    across = np.corrcoef(draws[::2].T, draws[1::2].T)[:3, 3:]
    np.testing.assert_allclose(across, 0, atol=5 / np.sqrt(DRAWS))


def test_a_run_is_forecast_alike_alone_in_any_order_and_among_others():
    model, runs = walk(), context()
    among = dl.forecast(model, runs, 3, samples=5, key=3)["output"]
    for order in (["b"], ["c", "b"], ["c", "a", "b"]):
        found = dl.forecast(model, runs.sel(trajectory=order), 3, samples=5, key=3)["output"]
        np.testing.assert_allclose(found.sel(trajectory="b"), among.sel(trajectory="b"), rtol=1e-5)
    other = dl.forecast(model, runs, 3, samples=5, key=4)["output"]
    assert (other != among).all()


@pytest.mark.first(2)
@pytest.mark.parametrize("verb", ["smooth", "impute", "filter", "log_likelihood"])
def test_a_run_is_inferred_alike_alone_and_among_others(verb):
    """By draws: of the smoother, of what is imputed, of particles."""
    rng = np.random.default_rng(0)
    ds = context()
    ds["output"][:] = rng.normal(size=ds["output"].shape)
    ds["output"][:, 1] = np.nan
    drawn = {"samples": 4} if verb in ("smooth", "impute") else {"method": dl.inference.Particle(size=50)}
    among = getattr(dl, verb)(walk(), ds, key=1, **drawn).sel(trajectory="b")
    alone = getattr(dl, verb)(walk(), ds.sel(trajectory=["b"]), key=1, **drawn).isel(trajectory=0)
    drawn_names = {"smooth": "state_draws", "impute": "output_draws", "filter": "state_mean"}
    if verb in drawn_names:
        alone, among = alone[drawn_names[verb]], among[drawn_names[verb]]
    np.testing.assert_allclose(alone, among, rtol=1e-5)
