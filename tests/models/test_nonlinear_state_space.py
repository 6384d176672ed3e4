"""Nonlinear state-space models: given and learned functions, laws of the outputs, fits, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.models import LinearStateSpace, NonlinearStateSpace, Signature

STEP = Signature(("y",), interval=1.0)


class Growth(eqx.Module):
    """x' = x + r x (1 - x / 50): r is to be learned."""

    rate: jax.Array

    def __call__(self, t, x, u, s):
        return x + self.rate * x * (1 - x / 50)


def growing(rate=0.3, outputs="gaussian", **options):
    return NonlinearStateSpace(
        STEP,
        states=1,
        transition=Growth(jnp.asarray(rate)),
        observation=lambda x, s: jnp.maximum(x, 0.1),
        noise=lambda t, x, u, s: 0.03 * jnp.abs(x) + 0.1,
        outputs=outputs,
        start=([5.0], [[1.0]]),
        key=0,
        **options,
    ).as_fitted()


def grown(runs=6, length=30, counts=False, missing=0.3):
    rng, y = np.random.default_rng(0), np.zeros((runs, length, 1))
    x = rng.normal(5, 1, runs)
    for k in range(length):
        y[:, k, 0] = rng.poisson(x) if counts else x + 0.3 * rng.normal(size=runs)
        x = x + 0.3 * x * (1 - x / 50) + (0.03 * x + 0.1) * rng.normal(size=runs)
    y[rng.random(y.shape) < missing] = np.nan
    return dl.from_arrays(y, dt=1.0, output_names=["y"])


def test_around_a_linear_model_it_is_that_model(linear):
    known = LinearStateSpace.from_data(linear, states=2).as_fitted()
    with jax.enable_x64(True):
        for width, tolerance in ((0, 1e-7), (4, None)):
            model = NonlinearStateSpace.around(known, width=width).as_fitted()
            a, b = dl.log_likelihood(known, linear), dl.log_likelihood(model, linear)
            if tolerance:
                np.testing.assert_allclose(b, a, rtol=tolerance)
                for verb in (dl.filter, dl.smooth):
                    np.testing.assert_allclose(
                        verb(model, linear)["state_mean"], verb(known, linear)["state_mean"], atol=1e-6
                    )
            else:
                assert np.abs(b - a).max() > 0  # the network is there


@pytest.mark.slow
@pytest.mark.parametrize("method", ["maximum_likelihood", "marginal_likelihood", "expectation"])
def test_a_rate_is_learned_from_gappy_runs(method):
    ds = grown()
    start = growing(rate=0.1)
    if method == "maximum_likelihood":
        result = dl.fit(start, ds, method=dl.fitting.MaximumLikelihood(steps=60), progress=False)
    else:
        how = dl.fitting.Gradient(
            steps=300, batch=8, horizon=20, learning_rate=0.02, average=0.9, validate_every=300
        )
        start = growing(rate=0.1, memory=8)
        result = dl.fit(start, ds, method=how, objective=method, progress=False)
    assert float(result.model.transition.function.rate) == pytest.approx(0.3, abs=0.03)
    # Windows start in the middle of runs, so their likelihood is that of a vaguer start.
    at_most = 0.5 if method == "maximum_likelihood" else 0.7
    assert 0.2 < result.model.parameters()["covariance"][0, 0] ** 0.5 < at_most


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "ordinary"),
    [("poisson", lambda y: y == np.round(y)), ("negative_binomial", lambda y: y == np.round(y))],
)
def test_counts_stay_counts(law, ordinary):
    ds = grown(counts=True)
    model = growing(outputs=law, inference=dl.inference.Particle(size=100))
    forecast = dl.forecast(model, ds, horizon=5, samples=50)
    assert ordinary(forecast["output"].values).all()
    filled = dl.impute(model, ds, samples=7)
    assert ordinary(filled["output_draws"].values).all()
    measured = np.isfinite(ds["output"].values)
    np.testing.assert_array_equal(filled["output"].values[measured], ds["output"].values[measured])
    np.testing.assert_array_less(
        dl.log_likelihood(growing(rate=0.0, outputs=law), ds), dl.log_likelihood(model, ds)
    )


@pytest.mark.slow
def test_zeros_and_ones_learn_their_chance():
    rng = np.random.default_rng(1)
    level = np.cumsum(0.3 * rng.normal(size=(8, 60)), axis=1)
    y = (rng.random(level.shape) < 1 / (1 + np.exp(-2 * level)))[..., None].astype(float)
    ds = dl.from_arrays(y, dt=1.0)
    model = NonlinearStateSpace.from_data(ds, states=1, width=0, outputs="bernoulli", inference="unscented")
    fitted = dl.fit(model, ds, method=dl.fitting.MaximumLikelihood(steps=40), progress=False).model
    chance = dl.smooth(fitted, ds)["output_mean"].values[..., 0]
    assert ((chance >= 0) & (chance <= 1)).all()
    assert np.corrcoef(chance.ravel(), level.ravel())[0, 1] > 0.6
    rate = y.mean()
    constant = y.size * (rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert float(dl.log_likelihood(fitted, ds).sum()) > constant
    assert set(np.unique(dl.forecast(fitted, ds, horizon=3, samples=20)["output"])) <= {0.0, 1.0}


@pytest.mark.slow
def test_intervals_of_the_true_model_cover():
    """90 % of held-out values, one and eight steps ahead, lie in the 90 % interval."""
    ds = grown(runs=200, length=16, missing=0.0)
    context = ds.isel(time=slice(0, 8))
    for method in ("extended", "unscented"):
        ahead = dl.forecast(growing(inference=method), context, horizon=8, samples=400)["output"]
        low, high = ahead.quantile([0.05, 0.95], "sample").values
        y = ds["output"].values[:, 8:]
        # Started with a width of 0.3 in both, so the spread is that of the simulation.
        inside = ((low <= y) & (y <= high)).mean((0, 2))
        assert 0.84 < inside[0] < 0.96
        assert 0.84 < inside[-1] < 0.96


def test_files(tmp_path, linear):
    model = NonlinearStateSpace.from_data(
        linear, states=2, width=4, noise="state", inference="particle"
    ).as_fitted()
    dl.save(model, tmp_path / "model.dyn")
    again = dl.load(tmp_path / "model.dyn")
    assert again.inference == model.inference
    np.testing.assert_array_equal(
        dl.filter(again, linear)["state_mean"], dl.filter(model, linear)["state_mean"]
    )


REFUSED = {
    "states": (lambda: NonlinearStateSpace(STEP, states=0, key=0), "states: expected an integer >= 1, got 0"),
    "continuous": (
        lambda: NonlinearStateSpace(Signature(("y",)), states=1, key=0),
        "expected a signature with a sampling interval, got None",
    ),
    "hold": (
        lambda: NonlinearStateSpace(Signature(("y",), ("u",), interval=1.0, hold="linear"), states=1, key=0),
        "expected controls held over each interval",
    ),
    "transition": (
        lambda: NonlinearStateSpace(STEP, states=2, transition=lambda t, x, u, s: x[:1], key=0),
        r"transition: expected a function \(t, x, u, s\) that returns an array of shape \(2,\), got \(1,\) back",
    ),
    "arguments": (
        lambda: NonlinearStateSpace(STEP, states=2, transition=lambda x: x, key=0),
        "it cannot be called with 4 arguments",
    ),
    "observation": (
        lambda: NonlinearStateSpace(STEP, states=2, observation="linear", key=0),
        r"observation: expected a function \(x, s\).*got 'linear'",
    ),
    "noise": (lambda: NonlinearStateSpace(STEP, states=1, noise="none", key=0), "unknown noise 'none'"),
    "state noise": (
        lambda: NonlinearStateSpace(STEP, states=1, noise="state", width=0, key=0),
        "expected 'constant' where width is 0",
    ),
    "law": (lambda: NonlinearStateSpace(STEP, states=1, outputs="gamma", key=0), "unknown outputs 'gamma'"),
    "start": (
        lambda: NonlinearStateSpace(STEP, states=2, start=([0.0], [[1.0]]), key=0),
        r"start: expected a mean of shape \(2,\)",
    ),
    "covariance": (
        lambda: NonlinearStateSpace(STEP, states=1, start=([0.0], [[-1.0]]), key=0),
        "expected a covariance",
    ),
    "inference": (
        lambda: NonlinearStateSpace(STEP, states=1, inference=dl.inference.Exact(), key=0),
        "inference: expected one of",
    ),
    "option": (
        lambda: NonlinearStateSpace.from_data(grown(), hidden=2),
        "unknown option 'hidden'",
    ),
    "size of the state": (
        lambda: NonlinearStateSpace.from_data(grown(), transition=Growth(jnp.ones(()))),
        "expected states=, the size of the state of the given transition, got None",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_refusals(row):
    build, text = REFUSED[row]
    with pytest.raises(ArgumentError, match=text):
        build()


def test_refusals_of_data(linear):
    uneven = dl.from_arrays(np.zeros((5, 1)), times=[0.0, 1.0, 3.0, 4.0, 7.5])
    with pytest.raises(SchemaError, match="a discrete-time model needs regular sampling"):
        NonlinearStateSpace.from_data(uneven)
    with pytest.raises(ArgumentError, match="around: expected a LinearStateSpace in discrete time"):
        NonlinearStateSpace.around(LinearStateSpace.from_data(linear, states=2, continuous=True))
    with pytest.raises(ArgumentError, match=r"method: Exact is not for a NonlinearStateSpace.*Extended"):
        dl.filter(growing(), grown(), method="exact")
    for other in (LinearStateSpace.from_data(linear), dl.models.ContinuousDiscrete.from_data(linear)):
        with pytest.raises(ArgumentError, match="objective 'expectation': expected a state-space model"):
            dl.fit(other, linear, method="gradient", objective="expectation", progress=False)
