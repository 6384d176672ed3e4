"""Neural SDE: what is special to a model whose state moves at random."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.fitting.objectives.energy import energy
from dynlearn.fitting.objectives.multi_step import multi_step
from dynlearn.models import rollout
from dynlearn.trajectories.window import cut

RATE, SPREAD, NOISE = 1.0, 0.6, 0.05
"""dx = -RATE x dt + SPREAD dW, measured with NOISE."""


def ornstein_uhlenbeck(runs: int, length: int, seed: int, dt: float = 0.2):
    """Drawn from its exact transition, so that no solver of ours is trusted."""
    rng = np.random.default_rng(seed)
    a = np.exp(-RATE * dt)
    step = SPREAD * np.sqrt((1 - a**2) / (2 * RATE))
    x = np.empty((runs, length))
    x[:, 0] = SPREAD / np.sqrt(2 * RATE) * rng.normal(size=runs)
    for k in range(1, length):
        x[:, k] = a * x[:, k - 1] + step * rng.normal(size=runs)
    return dl.from_arrays(list(x[..., None] + NOISE * rng.normal(size=(runs, length, 1))), dt=dt)


def known(ds, **options):
    """The true process as a model."""
    model = dl.models.NeuralSDE.from_data(
        ds,
        hidden=0,
        memory=1,
        field=lambda t, x, u, s: -RATE * x,
        diffusion=lambda t, x, u, s: SPREAD * jnp.ones_like(x),
        solver=dl.solvers.StochasticStep("euler_maruyama", 16),
        **options,
    )
    scale = model.scaling.output_scale
    exact = dl.models.Measurement.of(NOISE / scale, fitted=True)
    narrow = jnp.full_like(model.uncertainty, -20.0)
    return eqx.tree_at(lambda m: (m.measurement, m.uncertainty), model, (exact, narrow))


@pytest.fixture(scope="module")
def ds():
    return ornstein_uhlenbeck(40, 12, 0)


def test_a_forecast_has_the_moments_of_the_process(ds):
    """Mean and standard deviation decay and grow as the closed form says; 5 standard errors of 4000 draws."""
    start = 1.5
    context = dl.from_arrays(np.array([[start]]), dt=0.2)
    fc = dl.forecast(known(ds), context, times=np.array([0.4, 1.0, 3.0]), samples=4000, key=0)
    lead = np.array([0.4, 1.0, 3.0])
    mean = start * np.exp(-RATE * lead)
    std = np.sqrt(SPREAD**2 * (1 - np.exp(-2 * RATE * lead)) / (2 * RATE) + NOISE**2)
    # The Euler scheme's own bias at 16 substeps, lead 1 or 2 long, stays below 0.02.
    np.testing.assert_allclose(fc.output_mean.values.ravel(), mean, atol=0.02 + 5 * std.max() / np.sqrt(4000))
    np.testing.assert_allclose(fc.output_scale.values.ravel(), std, rtol=0.06)


def test_moments_of_a_forecast_are_those_of_its_samples(ds):
    fc = dl.forecast(known(ds), ds, horizon=3, samples=50)
    np.testing.assert_allclose(fc.output_mean, fc.output.mean("sample"), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(fc.output_scale, fc.output.std("sample"), rtol=1e-4)


def test_simulate_spreads(ds):
    free = dl.simulate(known(ds), ds, warmup=4)
    assert (free.output_scale > NOISE).all()
    assert float(abs(free.output).max()) < float(abs(ds.output).max())


@pytest.mark.slow
def test_the_energy_score_prefers_the_truth_and_a_squared_error_does_not_see_the_noise(ds):
    model = known(ds)
    windows = jax.vmap(lambda r: cut(ds.dyn.to_device(), r, 2, 1, 8))(jnp.arange(40))
    keys = jax.random.split(jax.random.key(0), 16)

    def scores(diffusion: float, score):
        altered = known(ds)
        field = eqx.tree_at(
            lambda f: f.function, altered.diffusion_field, lambda t, x, u, s: diffusion * jnp.ones_like(x)
        )
        altered = eqx.tree_at(lambda m: m.diffusion_field, altered, field)
        return float(jnp.mean(jax.vmap(lambda k: score(altered, windows, k)[0])(keys)))

    truth = scores(SPREAD, energy)
    assert truth < scores(0.0, energy)
    assert truth < scores(3 * SPREAD, energy)
    assert scores(SPREAD, multi_step) == scores(0.0, multi_step)
    assert model.objective == "energy"


def test_the_energy_score_is_that_of_a_textbook(ds):
    """One window, the loop written out."""
    model, window = known(ds), cut(ds.dyn.to_device(), 0, 2, 1, 4)
    window = eqx.tree_at(lambda w: w.observed, window, window.observed.at[2].set(False))
    batch = jax.tree.map(lambda leaf: leaf[None], window)
    key = jax.random.key(3)
    found = float(energy(model, batch, key)[0])
    draws = []
    for k in jax.random.split(jax.random.split(key, 1)[0], 16):
        for_path, for_outputs = jax.random.split(k)
        for_state, for_steps = jax.random.split(for_path)
        state = model.infer(window[:1], key=for_state)
        path = rollout(model, state, window.control, window.time, window.interval[:-1], key=for_steps)[1]
        draws.append(np.asarray(path.sample(for_outputs))[:, 0])
    draws, y = np.array(draws) / float(model.scaling.output_scale[0]), np.asarray(window.output)[1:, 0]
    y = y / float(model.scaling.output_scale[0])
    each = [
        np.abs(draws[:, k] - y[k]).mean()
        - np.abs(draws[:, None, k] - draws[None, :, k]).sum() / (2 * 16 * 15)
        for k in (0, 2, 3)  # the second instant was not measured
    ]
    assert found == pytest.approx(np.mean(each), rel=1e-4)


@pytest.mark.slow
def test_a_fit_finds_the_noise_and_its_intervals_hold():
    """A learned diffusion on the exact process; coverage on runs nobody has seen."""
    train, valid = ornstein_uhlenbeck(60, 40, 1), ornstein_uhlenbeck(20, 40, 2)
    model = dl.models.NeuralSDE.from_data(
        train, hidden=0, memory=1, width=8, depth=1, noise="additive", key=0
    )
    method = dl.fitting.Gradient(steps=400, batch=32, horizon=8, learning_rate=1e-2)
    result = dl.fit(model, train, valid, method=method, key=0, progress=False)
    fitted = result.model
    per_time = jax.nn.softplus(fitted.diffusion_field.raw) / jnp.sqrt(fitted.scaling.time_scale)
    assert float(per_time[0] * fitted.scaling.output_scale[0]) == pytest.approx(SPREAD, rel=0.25)
    scores = dl.evaluate(fitted, ornstein_uhlenbeck(30, 40, 3), context=5, horizon=10, train=train)
    assert 0.85 <= float(scores.coverage90.sel(model="NeuralSDE").mean()) <= 0.95


def test_an_unfitted_one_is_refused(ds):
    model = dl.models.NeuralSDE.from_data(ds, hidden=0, memory=1, width=8)
    with pytest.raises(dl.errors.ArgumentError, match=r"has not been fitted.*method='calibration'"):
        dl.forecast(model, ds, horizon=2)
    kept = dl.fit(model, ds, method="calibration", progress=False).model
    assert dl.forecast(kept, ds, horizon=2, samples=3).sizes["sample"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": "scalar"}, "noise"),
        ({"solver": dl.solvers.FixedStep("rk4")}, "expected a solver such as dl.solvers.StochasticStep"),
        ({"noise": "additive", "diffusion": lambda t, x, u, s: x}, "leave out noise='additive'"),
        ({"diffusion": lambda t, x, u, s: x[None]}, r"diffusion: expected .* got \(1, 1\) back"),
        ({"diffusion": 0.5}, "diffusion: expected a function"),
        ({"field": lambda t, x: x}, "four arguments"),
        ({"substeps": 2}, "option"),
    ],
)
def test_what_is_wrong_is_said(ds, options, message):
    with pytest.raises(dl.errors.ArgumentError, match=message):
        dl.models.NeuralSDE.from_data(ds, **{"hidden": 0, "memory": 1, **options})


@pytest.mark.slow
def test_a_linear_sde_is_filtered_as_the_exact_model_is():
    """Interval by interval the mean's path and the noise around it are exact where the drift is linear."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.05, 0.4, 40))
    y = np.cumsum(0.3 * rng.normal(size=(40, 1)), axis=0)
    y[5:12] = np.nan
    ds = dl.from_arrays(y, times=times, output_names=["y"])
    model = dl.models.NeuralSDE.from_data(
        ds,
        hidden=0,
        memory=3,
        field=lambda t, X, u, s: -0.8 * X,
        diffusion=lambda t, X, u, s: jnp.full(1, 0.7),
        solver=dl.solvers.StochasticStep("euler_maruyama", substeps=6),
    ).as_fitted()
    sigma = float((model.measurement.sigma * model.scaling.output_scale)[0])
    mean, scale = float(model.scaling.output_mean[0]), float(model.scaling.output_scale[0])
    exact = {
        "A": [[-0.8]], "C": [[1.0]], "Q": [[0.49]], "R": [[sigma**2]], "m0": [mean], "P0": [[scale**2]],
    }  # fmt: skip
    known = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",)), exact)
    np.testing.assert_allclose(dl.log_likelihood(model, ds), dl.log_likelihood(known, ds), rtol=1e-5)
    for verb in (dl.filter, dl.smooth, dl.impute):
        found, expected = verb(model, ds), verb(known, ds)
        name = "output" if verb is dl.impute else "output_mean"
        np.testing.assert_allclose(found[name], expected[name], atol=1e-4)
        np.testing.assert_allclose(found["output_scale"], expected["output_scale"], atol=1e-4)
