"""Perturbed: small noises on the state, spread by the dynamics, chosen by the score of forecasts."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.model import with_fields
from dynlearn.errors import ArgumentError, FitError
from dynlearn.models import ALRNN, ErrorGrowth, Perturbed

A, Q, SIGMA = 0.9, 0.3, 0.2


def first_order(samples: int, seed: int) -> np.ndarray:
    """y = z + sigma eta of z' = a z + q eps, in units in which its data have no scaling to speak of."""
    rng = np.random.default_rng(seed)
    z = np.zeros(samples)
    for k in range(samples - 1):
        z[k + 1] = A * z[k] + Q * rng.normal()
    return z + SIGMA * rng.normal(size=samples)


def exact(ds, law: ErrorGrowth | None = None) -> ALRNN:
    """The mean path of that process, with an error law that knows the noise of measurements and of one step."""
    model = ALRNN(dl.models.Signature.of(ds, discrete=True), latent=1, nonlinear=0, memory=2, key=0)
    model = eqx.tree_at(lambda m: (m.cell.a, m.cell.W), model, (jnp.array([A]), jnp.zeros((1, 1))))
    one = jnp.ones(1)
    known = ErrorGrowth(sigma=SIGMA * one, spread=one, growth=5 * one, shape=one, correlation_time=one)
    return with_fields(model, noise=known if law is None else law)


@pytest.fixture(scope="module")
def data():
    return dl.from_arrays(np.stack([first_order(1500, 0), first_order(1500, 1)])[..., None], dt=1.0)


def with_spread(model: Perturbed, initial: float, process: float, measurement: float) -> Perturbed:
    noises = (jnp.full(1, v, jnp.float32) for v in (initial, process, measurement))
    return eqx.tree_at(
        lambda m: (m.spread.initial, m.spread.process, m.spread.measurement), model, tuple(noises)
    ).as_fitted()


def test_paths_spread_as_the_dynamics_say(data):
    """Var y_k = a^2k s0^2 + q^2 (1 - a^2k) / (1 - a^2) + sigma^2, around the mean path."""
    model = with_spread(Perturbed.of(exact(data)), 0.5, Q, SIGMA)
    found = dl.forecast(model, data.isel(trajectory=[0]), horizon=30, samples=4000, key=1)
    paths = found["output"].transpose("sample", "time", "trajectory", "output_name").values[..., 0, 0]
    k = np.arange(1, 31)
    gain = A ** (2 * k)
    wanted = 0.25 * gain + Q**2 * (1 - gain) / (1 - A**2) + SIGMA**2
    np.testing.assert_allclose(paths.var(0), wanted, rtol=0.1)
    last = float(data["output"].values[0, -1, 0])
    np.testing.assert_allclose(paths.mean(0), last * A**k, atol=0.08)


def test_the_mean_path_is_the_models_own(data):
    plain = exact(data)
    model = with_spread(Perturbed.of(plain), 0.5, Q, SIGMA)
    past = jax.tree.map(lambda leaf: leaf[0, -2:], data.dyn.to_device())
    time = jnp.arange(6.0)
    paths = [
        dl.models.rollout(m, m.infer(past), jnp.zeros((6, 0)), time, jnp.diff(time))[1].mean
        for m in (plain, model)
    ]
    np.testing.assert_array_equal(*paths)


def test_noise_along_the_way_grows_with_the_root_of_the_interval(data):
    model = with_spread(Perturbed.of(exact(data)), 0.0, 1.0, SIGMA)
    past = jax.tree.map(lambda leaf: leaf[0, -2:], data.dyn.to_device())
    state = model.infer(past)
    keys = jax.random.split(jax.random.key(0), 4000)
    for dt in (0.25, 4.0):
        z = jax.vmap(lambda k, dt=dt: model.step(state, jnp.zeros(0), 0.0, jnp.array(dt), key=k).z)(keys)
        assert abs(float(z.std()) / np.sqrt(dt) - 1) < 0.06


def test_the_noises_are_found_from_forecasts(data):
    result = dl.fit(Perturbed.of(exact(data)), data, progress=False)
    spread = result.model.spread
    assert Q / 1.5 < float(spread.process[0]) < 1.5 * Q
    assert abs(float(spread.measurement[0]) - SIGMA) < 0.01
    gain = A ** (2 * np.arange(1, 101))
    best = np.sqrt(Q**2 * (1 - gain) / (1 - A**2) + SIGMA**2).mean() / np.sqrt(
        np.pi
    )  # of a normal distribution
    assert abs(result.statistics["score"] / best - 1) < 0.08
    far = dl.forecast(result.model, data, horizon=200, samples=1000, key=0)
    stationary = np.sqrt(Q**2 / (1 - A**2) + SIGMA**2)
    scale = float(far["output_scale"].isel(time=slice(100, None)).mean())
    assert abs(scale / stationary - 1) < 0.35


def test_a_model_that_diverges_with_every_noise_is_refused(data):
    wild = eqx.tree_at(lambda m: m.cell.a, exact(data), jnp.array([1e3]))
    with pytest.raises(FitError, match="forecasts of ALRNN over 100 samples leave the finite numbers"):
        dl.fit(Perturbed.of(wild), data, progress=False)


def test_the_model_inside_is_left_as_it_is(data):
    plain = exact(data)
    inside = dl.fit(Perturbed.of(plain), data, progress=False).model.model
    assert eqx.tree_equal(plain, inside)


def test_what_cannot_be_perturbed_is_refused(data):
    with pytest.raises(ArgumentError, match="such as ALRNN, NeuralMap or NeuralODE, got ARX"):
        Perturbed.of(dl.models.ARX.from_data(data))
    with pytest.raises(ArgumentError, match="this ALRNN has not been fitted"):
        Perturbed.of(ALRNN.from_data(data, key=0))
    with pytest.raises(ArgumentError, match="this Perturbed has not been fitted"):
        dl.forecast(Perturbed.of(exact(data)), data, horizon=5)
    for method in ("calibration", "gradient"):
        with pytest.raises(
            ArgumentError, match="the noises of a Perturbed model are chosen by 'spread', got"
        ):
            dl.fit(Perturbed.of(exact(data)), data, method=method, progress=False)
    with pytest.raises(ArgumentError, match=r"expected dl.models.Perturbed.of\(model\), got ALRNN"):
        dl.fit(exact(data), data, method="spread", progress=False)
