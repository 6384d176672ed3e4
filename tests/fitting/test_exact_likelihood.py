"""EM, maximum likelihood and the marginal likelihood as an objective."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, FitError
from dynlearn.fitting import EM, Gradient, MaximumLikelihood, marginal_likelihood
from dynlearn.models import LinearStateSpace
from dynlearn.trajectories.window import cut


@pytest.fixture(scope="module")
def gappy(make_linear):
    """Runs of unequal length, a fifth of the values missing."""
    ds = make_linear(lengths=(60, 45, 70), noise=0.2)
    missing = np.random.default_rng(0).random(ds["output"].shape) < 0.2
    return ds.assign(output=ds["output"].where(~missing))


@pytest.mark.parametrize(
    ("options", "initial"),
    [({}, False), ({"feedthrough": True}, True)],
    ids=["plain", "feed-through, initial"],
)
def test_em_never_lowers_the_likelihood(options, initial, gappy):
    model = LinearStateSpace.from_data(gappy, states=3, **options)
    result = dl.fit(model, gappy, method=EM(steps=25, tolerance=0.0, initial=initial), progress=False)
    loss = result.history["output"].sel(output_name="loss").values.ravel()
    assert loss.size == 25
    assert (np.diff(loss) <= 1e-9).all()
    assert loss[-1] < loss[0] - 0.05
    total = float(dl.log_likelihood(result.model, gappy).sum())
    assert total >= result.statistics["log_likelihood"] - 0.01  # float32 rounding of the result
    assert result.reason.name == "STEPS_DONE"


def test_em_finds_the_oscillation(gappy):
    """0.9 +- 0.2 i, from 350 values with noise of a tenth of their spread."""
    result = dl.fit(LinearStateSpace.from_data(gappy, states=2), gappy, method=EM(steps=100), progress=False)
    np.testing.assert_allclose(
        np.sort_complex(result.model.eigenvalues()), [0.9 - 0.2j, 0.9 + 0.2j], atol=0.02
    )


def test_maximum_likelihood_of_a_stable_system_in_continuous_time(gappy):
    model = LinearStateSpace.from_data(gappy, states=2, stable=True, continuous=True)
    before = float(dl.log_likelihood(model, gappy).sum())
    result = dl.fit(model, gappy, method=MaximumLikelihood(steps=25), progress=False)
    assert model.method == "maximum_likelihood"
    after = float(dl.log_likelihood(result.model, gappy).sum())
    assert after > before + 10
    np.testing.assert_allclose(result.statistics["log_likelihood"], after, rtol=1e-3)
    values = np.sort_complex(result.model.eigenvalues())
    np.testing.assert_allclose(values, [0.9 - 0.2j, 0.9 + 0.2j], atol=0.03)


class Pull(eqx.Module):
    """x' = x / 2 - |k|: on data without a pull the likelihood has a kink, not a top, at k = 0."""

    k: jax.Array

    def __call__(self, t, x, u, s):
        return 0.5 * x - jnp.abs(self.k)


def test_maximum_likelihood_says_when_it_is_stuck_on_a_slope():
    rng = np.random.default_rng(0)
    x = np.zeros(80)
    for k in range(79):
        x[k + 1] = 0.5 * x[k] + 0.3 + 0.3 * rng.normal()
    ds = dl.from_arrays([x[:, None]], dt=1.0)
    model = dl.models.NonlinearStateSpace.from_data(
        ds,
        states=1,
        transition=Pull(jnp.array([0.5])),
        observation=lambda x, s: x,
        noise=lambda t, x, u, s: jnp.full(1, 0.3),
        start=([0.0], [[0.1]]),
    )
    result = dl.fit(model, ds, method="maximum_likelihood", progress=False)
    assert result.reason.name == "STALLED"
    assert result.statistics["largest_slope"] > 1e-3
    assert abs(float(result.model.transition.function.k[0])) < 1e-3
    assert "statistics['largest_slope']" in str(result.reason)


def test_the_objective_is_the_density_of_the_horizon_given_the_past(gappy):
    """log p(future | past) = log p(past, future) - log p(past)."""
    model = LinearStateSpace.from_data(gappy, states=2, memory=10)
    run = gappy.isel(trajectory=[0], time=slice(0, 15))
    window = jax.tree.map(lambda a: a[None], cut(run.dyn.to_device(), 0, 9, 10, 5))
    loss, _ = marginal_likelihood(model, window, jax.random.key(0))
    both, past = (float(dl.log_likelihood(model, run.isel(time=slice(0, n))).sum()) for n in (15, 10))
    future = np.isfinite(run["output"].isel(time=slice(10, None))).values[0]
    units = (np.log(np.asarray(model.scaling.output_scale)) * future).sum()
    assert float(loss) == pytest.approx(-(both - past + units) / future.sum(), rel=1e-4)


@pytest.mark.slow
def test_gradient_descends_the_marginal_likelihood(gappy):
    model = LinearStateSpace.from_data(gappy, states=2, memory=8)
    method = Gradient(steps=40, batch=16, horizon=8, learning_rate=1e-2, validate_every=20)
    loss = dl.fit(model, gappy, method=method, progress=False).history["output"].sel(output_name="loss")
    assert float(loss[0, -1]) < float(loss[0, 0]) - 0.05


def test_refusals(linear, gappy):
    for method in ("em", "maximum_likelihood"):
        with pytest.raises(ArgumentError, match=r"expected a state-space model.*got ARX"):
            dl.fit(dl.models.ARX.from_data(linear, delays=0), linear, method=method, progress=False)
    model = LinearStateSpace.from_data(linear, states=2, stable=True)
    with pytest.raises(ArgumentError, match="EM: its closed form needs a discrete-time LinearStateSpace"):
        dl.fit(model, linear, method="em", progress=False)
    other = dl.models.ARX.from_data(linear, delays=0)
    with pytest.raises(
        ArgumentError,
        match=r"objective 'marginal_likelihood': expected a state-space model.*got ARX; use 'likelihood'",
    ):
        dl.fit(other, linear, method=Gradient(steps=1), objective="marginal_likelihood", progress=False)
    model = LinearStateSpace.from_data(linear, states=2)
    nothing = linear.assign(output=linear["output"] * np.nan)
    with pytest.raises(
        FitError, match="train: output 'position' was never measured; give data in which some output is"
    ):
        dl.fit(model, nothing, progress=False)
    for make, words in (
        (lambda: EM(steps=0), "EM: steps: expected an integer >= 1"),
        (lambda: EM(tolerance=-1.0), "EM: expected tolerance"),
        (lambda: EM(initial=1), "EM: expected initial to be True or False"),
        (lambda: MaximumLikelihood(steps=0), "MaximumLikelihood: steps"),
        (lambda: MaximumLikelihood(tolerance="a"), "MaximumLikelihood: expected tolerance"),
    ):
        with pytest.raises(ArgumentError, match=words):
            make()
