"""Filter, smoother, likelihood and imputation against the joint Gaussian, the textbooks and statsmodels."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree
from statsmodels.tsa.statespace.mlemodel import MLEModel

import dynlearn as dl
from dynlearn.inference import Exact, log_density
from dynlearn.models import LinearStateSpace
from dynlearn.numerics import precision
from dynlearn.numerics.precision import double

from .reference import Joint, build, dataset, linear, textbook

LENGTHS = (7, 1, 5)
KINDS = {
    "discrete": {"n": 2, "p": 2, "m": 1},
    "feed-through": {"n": 2, "p": 3, "m": 1, "feed": True},
    "continuous": {"n": 3, "p": 1, "m": 2, "continuous": True, "feed": True, "hold": "linear"},
}
"""One compiled program each; hypothesis changes the numbers and what is missing, not the shapes."""
kinds = pytest.mark.parametrize("kind", KINDS)
seeds = st.integers(0, 10_000)
rates = st.sampled_from([0.0, 0.3, 0.8])


def case(kind: str, seed: int, missing: float):
    rng = np.random.default_rng(seed)
    model = build(rng, **KINDS[kind])
    return model, dataset(rng, model, LENGTHS, missing)


@pytest.mark.first(1)
@kinds
@settings(max_examples=12)
@given(seeds, rates)
def test_smoothing_imputation_and_likelihood_are_those_of_the_joint_gaussian(kind, seed, missing):
    model, ds = case(kind, seed, missing)
    smoothed, full, likelihood = dl.smooth(model, ds), dl.impute(model, ds), dl.log_likelihood(model, ds)
    for run, length in enumerate(LENGTHS):
        rows, y = linear(model, ds, run)
        x, xx, y_mean, yy, density = Joint.of(rows).given(y)
        one = smoothed.isel(trajectory=run, time=slice(0, length))
        np.testing.assert_allclose(one["state_mean"].values.ravel(), x, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(one["state_scale"].values.ravel() ** 2, np.diag(xx), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(float(likelihood[run]), density, rtol=1e-8, atol=1e-8)
        filled = full.isel(trajectory=run, time=slice(0, length))
        gone = ~np.isfinite(y)
        np.testing.assert_array_equal(filled["output"].values[~gone], y[~gone])
        assert (filled["output_scale"].values[~gone] == 0).all()
        np.testing.assert_allclose(
            filled["output"].values[gone], y_mean.reshape(y.shape)[gone], rtol=1e-8, atol=1e-8
        )
        variance = np.diag(yy).reshape(y.shape)[gone]
        np.testing.assert_allclose(filled["output_scale"].values[gone] ** 2, variance, rtol=1e-7, atol=1e-9)


@kinds
@settings(max_examples=12)
@given(seeds, rates)
def test_the_filter_is_the_textbooks(kind, seed, missing):
    model, ds = case(kind, seed, missing)
    found, likelihood = dl.filter(model, ds), dl.log_likelihood(model, ds)
    names = ("state_mean", "state_scale", "output_mean", "output_scale")
    for run, length in enumerate(LENGTHS):
        expected, total = textbook(*linear(model, ds, run))
        one = found.isel(trajectory=run, time=slice(0, length))
        for name, values in zip(names, expected, strict=True):
            np.testing.assert_allclose(one[name], values, rtol=1e-8, atol=1e-8, err_msg=name)
        np.testing.assert_allclose(float(likelihood[run]), total, rtol=1e-8, atol=1e-8)
    assert found["state_mean"].isel(trajectory=1, time=slice(1, None)).isnull().all()


def test_parallel_in_time_is_the_sequential_one():
    model, ds = case("discrete", 3, 0.3)
    for verb in (dl.filter, dl.smooth):
        one, other = verb(model, ds), verb(model, ds, method=Exact(parallel=True))
        for name in one.data_vars:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-8, atol=1e-8, err_msg=name)
    np.testing.assert_allclose(
        dl.log_likelihood(model, ds), dl.log_likelihood(model, ds, method=Exact(parallel=True)), rtol=1e-9
    )


def test_draws_have_the_joint_distribution():
    """First and second moments of 20000 joint draws, within 5 standard errors."""
    model, ds = case("discrete", 5, 0.4)
    count = 20_000
    for verb, name, part in ((dl.smooth, "state_draws", 0), (dl.impute, "output_draws", 2)):
        drawn = verb(model, ds, samples=count, key=1)[name].isel(trajectory=0).values.reshape(count, -1)
        rows, y = linear(model, ds, 0)
        found = Joint.of(rows).given(y)
        mean, cov = found[part], found[part + 1]
        spread = np.sqrt(np.maximum(np.diag(cov), 0))
        assert (np.abs(drawn.mean(0) - mean) <= 5 * spread / np.sqrt(count) + 1e-9).all()
        error = np.sqrt((np.outer(spread, spread) ** 2 + cov**2) / count)
        assert (np.abs(np.cov(drawn.T) - cov) <= 5 * error + 1e-9).all()


def test_statsmodels_agrees_with_missing_values():
    rng = np.random.default_rng(0)
    model = build(rng, 3, 2, 0)
    ds = dataset(rng, model, (80,), 0.3)
    M, offsets = model.matrices(), model.offsets()
    peer = MLEModel(ds["output"].values[0], k_states=3, k_posdef=3)
    for name, value in {
        "transition": M["A"], "selection": np.eye(3), "state_cov": M["Q"], "design": M["C"], "obs_cov": M["R"],
        "obs_intercept": offsets["d"][:, None], "state_intercept": offsets["c"][:, None],
    }.items():  # fmt: skip
        peer[name] = value
    peer.ssm.initialize_known(M["m0"], M["P0"])
    theirs = peer.ssm.smooth()
    filtered, smoothed = dl.filter(model, ds), dl.smooth(model, ds)
    for mine, other in (
        (filtered["state_mean"], theirs.filtered_state.T),
        (filtered["state_scale"] ** 2, np.diagonal(theirs.filtered_state_cov).reshape(80, 3)),
        (filtered["output_mean"], theirs.forecasts.T),
        (smoothed["state_mean"], theirs.smoothed_state.T),
        (smoothed["state_scale"] ** 2, np.diagonal(theirs.smoothed_state_cov).reshape(80, 3)),
    ):
        np.testing.assert_allclose(mine[0], other, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(float(dl.log_likelihood(model, ds)[0]), theirs.llf, rtol=1e-10)


def test_gradients_are_those_of_finite_differences():
    """Central differences; error ~ step^2 + 1e-16 / step is least near step = 1e-5, about 1e-9 relative."""
    model, ds = case("continuous", 1, 0.3)
    with precision.float64():
        parameters, fixed = eqx.partition(double(model).system, eqx.is_inexact_array)
        runs, outer = ds.dyn.to_device(), double(model)
        start, restore = ravel_pytree(parameters)

        @jax.jit
        def value(p):
            now = eqx.tree_at(lambda m: m.system, outer, eqx.combine(restore(p), fixed))
            return jax.vmap(lambda run: log_density(now, run).sum())(runs).sum()

        slope = np.asarray(jax.jit(jax.grad(value))(start))
        basis = 1e-5 * jnp.eye(start.size)
        numeric = (jax.lax.map(value, start + basis) - jax.lax.map(value, start - basis)) / 2e-5
        np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-6)


def test_a_likelihood_is_of_outputs_in_their_own_units():
    model, ds = case("discrete", 2, 0.3)
    rng = np.random.default_rng(2)
    plain = LinearStateSpace.from_matrices(
        build(rng, **KINDS["discrete"]).signature, model.matrices(), offsets=model.offsets()
    )
    np.testing.assert_allclose(dl.log_likelihood(plain, ds), dl.log_likelihood(model, ds), rtol=1e-5)


def test_the_second_call_compiles_nothing(compilations):
    verbs = (dl.filter, dl.smooth, dl.impute, dl.log_likelihood)
    for verb in verbs:
        verb(*case("discrete", 0, 0.3))
    with compilations() as names:
        for verb in verbs:
            verb(*case("discrete", 1, 0.5))
    assert names == []


def test_an_unknown_last_control_is_not_taken_for_zero():
    """Under feed-through the last output says nothing where its control is NaN; elsewhere nothing changes."""
    model, ds = case("feed-through", 4, 0.0)
    ds = ds.isel(trajectory=[0])
    open_end = ds.copy(deep=True)
    open_end["control"][0, 6] = np.nan
    gone = ds.copy(deep=True)
    gone["output"][0, 6] = np.nan
    np.testing.assert_allclose(
        dl.smooth(model, open_end)["state_mean"], dl.smooth(model, gone)["state_mean"], rtol=1e-10
    )
