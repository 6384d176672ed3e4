"""compare against scores by hand: which data a row was fitted to, which samples it saw, what divides it."""

import numpy as np
import pytest
import scoringrules

import dynlearn as dl
from dynlearn.evaluation import fit_baselines

CONTEXT, HORIZON = 8, 4


def run(length: int, factor: float, seed: int) -> np.ndarray:
    """y_{k+1} = factor y_k + noise."""
    rng, y = np.random.default_rng(seed), np.zeros(length)
    for k in range(1, length):
        y[k] = factor * y[k - 1] + rng.normal()
    return y


TRAIN, VALID, TEST = run(400, 0.9, 0), run(300, 0.9, 1), run(56, -0.9, 2)
"""The test run turns over at every step, the others do not: what was fitted to which shows in every score."""
TRAIN, VALID, TEST = TRAIN + 3, VALID + 3, TEST + 3


def dataset(y: np.ndarray):
    return dl.from_arrays(y, dt=1.0, output_names=["y"])


@pytest.fixture(scope="module")
def scored():
    model = dl.fit(dl.models.Persistence.from_data(dataset(TRAIN)), dataset(TRAIN), progress=False).model
    return dl.compare(
        {"mine": model},
        dataset(TRAIN),
        dataset(TEST),
        CONTEXT,
        HORIZON,
        validation=dataset(VALID),
        samples=400,
    )


STARTS = np.arange(0, TEST.size - CONTEXT - HORIZON + 1, HORIZON)
PAST = np.stack([TEST[k : k + CONTEXT] for k in STARTS])
TRUTH = np.stack([TEST[k + CONTEXT : k + CONTEXT + HORIZON] for k in STARTS])
FORECASTS = {
    "persistence": np.repeat(PAST[:, -1:], HORIZON, axis=1),
    "context tiling": PAST[:, :HORIZON],
}


@pytest.mark.parametrize("name", FORECASTS)
def test_errors_of_the_floors(scored, name):
    error = TRUTH - FORECASTS[name]
    row = scored.sel(model=name, output_name="y")
    np.testing.assert_allclose(row["rmse"], np.sqrt((error**2).mean(0)), rtol=1e-5)
    np.testing.assert_allclose(row["nrmse"], np.sqrt((error**2).mean(0)) / TRUTH.std(), rtol=1e-5)
    np.testing.assert_allclose(row["mase"], np.abs(error).mean(0) / np.abs(np.diff(TRAIN)).mean(), rtol=1e-5)


def test_arx_is_fitted_to_the_training_data_alone(scored):
    """Its coefficient there is near 0.9: of the test run it would be -0.9, and nearly exact."""
    arx = dl.fit(
        dl.models.ARX.from_data(dataset(TRAIN), longest=CONTEXT - 1),
        dataset(TRAIN),
        dataset(VALID),
        progress=False,
    ).model
    own = dl.compare({"own": arx}, dataset(TRAIN), dataset(TEST), CONTEXT, HORIZON, samples=20)
    expected = own["rmse"].sel(model="own")
    np.testing.assert_allclose(scored["rmse"].sel(model="ARX"), expected, rtol=1e-5)
    assert float(expected[0].item()) > 1.5


def test_the_error_law_of_a_baseline_is_that_of_the_validation_data(scored):
    """Of persistence on the validation run, by lead; the training run is twice as noisy here."""
    noisy = dataset(3 + 2 * (TRAIN - 3))
    fitted = fit_baselines(noisy, dataset(VALID), CONTEXT).models
    with_it = dl.forecast(fitted["persistence"], dataset(TEST), 4, samples=2)["output_scale"].values.ravel()
    expected = [np.sqrt(np.mean((VALID[k:] - VALID[:-k]) ** 2)) for k in range(1, 5)]
    np.testing.assert_allclose(with_it, expected, rtol=0.15)


def test_probabilistic_scores_are_those_of_an_outside_library(scored):
    """On the very draws of the forecast: one run per window, named as the evaluation names it."""
    model = fit_baselines(dataset(TRAIN), dataset(VALID), CONTEXT).models
    windows = dataset(TEST).dyn.windows(CONTEXT + HORIZON, stride=HORIZON)
    contexts = windows.isel(time=slice(None, CONTEXT))
    draws = dl.forecast(model["persistence"], contexts, HORIZON, samples=400, key=0)["output"].values[..., 0]
    row = scored.sel(model="persistence")
    crps = scoringrules.crps_ensemble(TRUTH, np.moveaxis(draws, 0, -1), backend="numpy").mean(0)
    np.testing.assert_allclose(row["crps"].sel(output_name="y"), crps, rtol=1e-5)
    energy = scoringrules.es_ensemble(
        TRUTH[..., None] / TRUTH.std(), np.moveaxis(draws, 0, -1)[..., None] / TRUTH.std(), backend="numpy"
    )
    np.testing.assert_allclose(row["energy"], energy.mean(0), rtol=1e-5)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    np.testing.assert_allclose(
        row["coverage90"].sel(output_name="y"), ((low <= TRUTH) & (high >= TRUTH)).mean(0)
    )
