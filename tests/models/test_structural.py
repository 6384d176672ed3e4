"""Structural pieces against statsmodels: the same likelihoods, the same maximum."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.tsa.statespace.structural import UnobservedComponents

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.models import LinearStateSpace
from dynlearn.models.linear import structural
from dynlearn.models.linear.structural import AR, Cycle, Level, Noise, Regression, Seasonal, Trend


def series(y: np.ndarray, u: np.ndarray | None = None):
    return dl.from_arrays(y[:, None], u, dt=1.0, output_names=["y"])


@pytest.fixture(scope="module")
def nile() -> np.ndarray:
    return sm.datasets.nile.load_pandas().data["volume"].values.astype(float)


def test_the_nile(nile):
    """Durbin, Koopman 2012, section 2.10: 15099 and 1469.1 (m^6 10^16)."""
    fitted = dl.fit(LinearStateSpace.of(Level(), series(nile)), series(nile), progress=False).model
    found = structural.parameters(fitted)
    theirs = UnobservedComponents(nile, "llevel", use_exact_diffuse=True).fit(
        disp=0, method="bfgs", gtol=1e-9
    )
    np.testing.assert_allclose([found["noise"] ** 2, found["level"] ** 2], theirs.params, rtol=1e-4)
    np.testing.assert_allclose([found["noise"] ** 2, found["level"] ** 2], [15099, 1469.1], rtol=1e-4)
    smoothed = dl.smooth(fitted, series(nile))
    np.testing.assert_allclose(smoothed["output_mean"][0, :, 0], theirs.smoothed_state[0], rtol=1e-4)
    forecast = dl.forecast(fitted, series(nile), horizon=5, samples=1)
    theirs = theirs.get_forecast(5)
    np.testing.assert_allclose(forecast["output_mean"][0, :, 0], theirs.predicted_mean, rtol=1e-4)
    np.testing.assert_allclose(forecast["output_scale"][0, :, 0], theirs.se_mean, rtol=1e-4)


def same_start(
    peer: UnobservedComponents, model: LinearStateSpace, y: np.ndarray, parameters: list[float]
) -> float:
    """The peer's log-likelihood from our initial distribution, moved to its units, of all samples.

    Their states are in the output's units, ours in the data's standard deviations.
    """
    M = model.matrices()
    scale = float(model.scaling.output_scale[0])
    mean = M["m0"] * scale
    if model.state_names[0] == "level":
        mean[0] += float(model.scaling.output_mean[0])
    peer.ssm.initialize_known(mean, M["P0"] * scale**2)
    peer.loglikelihood_burn = 0
    return peer.loglike(np.array(parameters))


CASES = {
    "level": (Level(2.0) + Noise(3.0), {"level": "llevel"}, [9.0, 4.0]),
    "trend": (Trend(2.0, 0.5) + Noise(3.0), {"level": "lltrend"}, [9.0, 4.0, 0.25]),
    "smooth trend": (Trend(0.0, 0.5) + Noise(3.0), {"level": "strend"}, [9.0, 0.25]),
    "season": (
        Level(2.0) + Seasonal(4, scale=1.5) + Noise(3.0),
        {"level": "llevel", "seasonal": 4},
        [9.0, 4.0, 2.25],
    ),
    "trigonometric season": (
        Level(2.0) + Seasonal(5, "trigonometric", 2, scale=1.5) + Noise(3.0),
        {"level": "llevel", "freq_seasonal": [{"period": 5, "harmonics": 2}]},
        [9.0, 4.0, 2.25],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_likelihoods_are_those_of_statsmodels(name, nile):
    """With gaps; to float32 rounding of the model's parameters."""
    pieces, options, parameters = CASES[name]
    y = (nile - 800) / 30
    y[10:13] = np.nan
    model = LinearStateSpace.of(pieces, series(y))
    expected = same_start(UnobservedComponents(y, **options), model, y, parameters)
    np.testing.assert_allclose(float(dl.log_likelihood(model, series(y))[0]), expected, rtol=1e-6)


def test_autoregression_is_that_of_statsmodels(nile):
    y = nile - nile.mean()
    peer = sm.tsa.SARIMAX(y, order=(2, 0, 0)).fit(disp=0)
    fitted = dl.fit(LinearStateSpace.of(AR(2) + Noise(0.0), series(y)), series(y), progress=False).model
    found = structural.parameters(fitted)
    ours = np.array([found["ar coefficient 1"], found["ar coefficient 2"], found["ar"] ** 2])
    np.testing.assert_allclose(ours, peer.params, rtol=1e-2)
    likelihood = float(dl.log_likelihood(fitted, series(y))[0])
    np.testing.assert_allclose(likelihood, peer.model.loglike(ours), rtol=1e-7)
    assert likelihood > peer.llf - 1e-4


def test_a_regression_and_a_cycle_are_found():
    rng = np.random.default_rng(0)
    k, u = np.arange(300), rng.normal(size=(300, 2))
    y = 10 + 3 * np.sin(2 * np.pi * k / 25 + 1) + u @ [2.0, -0.5] + 0.3 * rng.normal(size=300)
    ds = series(y, u)
    model = LinearStateSpace.of(Level(0.0) + Cycle(10, 60) + Regression(), ds)
    found = structural.parameters(dl.fit(model, ds, progress=False).model)
    assert found["cycle period"] == pytest.approx(25, rel=0.02)
    assert found["cycle damping"] > 0.98
    assert [found["regression u0"], found["regression u1"]] == pytest.approx([2.0, -0.5], abs=0.05)
    assert found["noise"] == pytest.approx(0.3, rel=0.15)


def test_a_structural_model_is_saved_and_forecasts(tmp_path, nile):
    ds = series(nile)
    model = LinearStateSpace.of(Level() + Seasonal(3) + AR(2), ds).as_fitted()
    dl.save(model, tmp_path / "model.dyn")
    one, two = (dl.forecast(m, ds, horizon=2, samples=3) for m in (model, dl.load(tmp_path / "model.dyn")))
    assert one.equals(two)
    assert model.state_names == ("level", "season 3.0", "season 3.1", "ar", "ar.1")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ds: Level() + 3, "expected a piece such as"),
        (lambda ds: Level(-1.0), "Level: scale: expected a standard deviation >= 0"),
        (lambda ds: Seasonal(1), "Seasonal: period: expected an integer >= 2"),
        (lambda ds: Seasonal(4, "sine"), "unknown kind of season 'sine'"),
        (lambda ds: Seasonal(4, "trigonometric", 3), "expected harmonics <= 2"),
        (lambda ds: Cycle(10, 5), "expected 2 < shortest < longest_period"),
        (lambda ds: AR(0), "AR: order: expected an integer >= 1"),
        (lambda ds: LinearStateSpace.of(Noise(), ds), "at least one piece with a state"),
        (lambda ds: LinearStateSpace.of("level", ds), "expected pieces such as"),
        (lambda ds: LinearStateSpace.of(Level() + Regression(), ds), "expected data with controls"),
        (lambda ds: LinearStateSpace.of(Level(), ds, memory=0), "memory: expected an integer >= 1"),
    ],
)
def test_refusals(make, words, nile):
    with pytest.raises(ArgumentError, match=words):
        make(series(nile))


def test_one_output(linear):
    with pytest.raises(ArgumentError, match=r"has one output.*ds\.sel\(output_name=\['position'\]\)"):
        LinearStateSpace.of(Level(), linear)
