"""Controls a model has not seen: refused where nothing was seen, said once where it goes far."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.checks.control_range import check_controls
from dynlearn.errors import ArgumentError
from dynlearn.rl import ModelEnv

COST = dl.control.Quadratic([0.0], [1.0], [0.1])


def driven(low, high, length=60):
    """y_{k+1} = 0.9 y_k + u_k with u between low and high."""
    rng = np.random.default_rng(0)
    u = rng.uniform(low, high, (length, 1))
    y = np.zeros((length, 1))
    for k in range(length - 1):
        y[k + 1] = 0.9 * y[k] + u[k] + 0.05 * rng.normal()
    return dl.from_arrays([y], [u], dt=1.0, control_names=["force"])


def fitted(ds):
    return dl.fit(dl.models.ARX.from_data(ds, delays=0), ds, progress=False).model


@pytest.fixture(scope="module")
def still():
    ds = driven(0.0, 0.0)
    return ds, fitted(ds)


@pytest.fixture(scope="module")
def moving():
    ds = driven(-1.0, 1.0)
    return ds, fitted(ds)


WORDS = (
    r"control 'force' was 0 throughout the training data, so what it does is not known; got 100\. Fit to data"
)


def test_a_control_that_never_moved_drives_nothing(still, moving):
    ds, model = still
    dl.forecast(model, ds, 5, controls=np.zeros((5, 1)), samples=2)
    with pytest.raises(ArgumentError, match="controls: " + WORDS):
        dl.forecast(model, ds, 5, controls=np.full((5, 1), 100.0), samples=2)
    stepped = ds.copy(deep=True)
    stepped["control"][0, 50] = 100.0
    with pytest.raises(ArgumentError, match="control: " + WORDS):
        dl.simulate(model, stepped, warmup=20)
    with pytest.raises(ArgumentError, match="bounds: " + WORDS):
        dl.control.MPC(model, COST, 5, bounds=(-1, 100))
    with pytest.raises(ArgumentError, match="bounds: " + WORDS):
        ModelEnv(model, COST, (-1, 100), initial=ds)


def test_the_range_is_a_part_of_the_model(still, tmp_path):
    ds, model = still
    dl.save(model, tmp_path / "m.dyn")
    with pytest.raises(ArgumentError, match="controls: " + WORDS):
        dl.forecast(dl.load(tmp_path / "m.dyn"), ds, 5, controls=np.full((5, 1), 100.0), samples=2)


def test_far_from_the_training_data_is_said_once(moving):
    ds, model = moving
    near = dl.forecast(model, ds, 5, controls=np.full((5, 1), 1.5), samples=2)
    assert "extrapolates" not in near.attrs
    far = dl.forecast(model, ds, 5, controls=np.full((5, 1), -7.0), samples=2)
    assert far.attrs["extrapolates"].startswith("control 'force' reaches -7, in training it was within -0.9")
    mpc = dl.control.MPC(model, COST, 5, bounds=(-1, 9))
    assert mpc.extrapolates.startswith("control 'force' reaches 9,")
    env = ModelEnv(model, COST, (-1, 9), initial=ds)
    assert env.reset(seed=0)[1]["extrapolates"] == mpc.extrapolates
    assert dl.control.MPC(model, COST, 5, bounds=(-1, 1)).extrapolates == ""


def test_what_knows_its_controls_is_not_asked(still):
    """Physics and matrices are given, and a baseline does not use its controls."""
    ds, _ = still
    physics = dl.models.NeuralODE.from_data(ds, field=lambda t, x, u, s: u - x, hidden=0, memory=1)
    physics = dl.fit(physics, ds, method="calibration", progress=False).model
    found = dl.forecast(physics, ds, 5, controls=np.full((5, 1), 100.0), samples=2)
    assert float(found["output_mean"][0, -1, 0]) > 90
    persistence = dl.fit(dl.models.Persistence.from_data(ds), ds, progress=False).model
    dl.forecast(persistence, ds, 5, controls=np.full((5, 1), 100.0), samples=2)
    M = {"A": [[0.9]], "B": [[1.0]], "C": [[1.0]], "Q": [[0.1]], "R": [[0.1]]}
    known = dl.models.LinearStateSpace.from_matrices(
        persistence.signature.replace(interval=1.0), M, scaling=persistence.scaling
    )
    dl.forecast(known, ds, 5, controls=np.full((5, 1), 100.0), samples=2)


class Linear(eqx.Module):
    """-x + gain u."""

    gain: Any

    def __call__(self, t, x, u, s):
        return -x + jax.tree.leaves(self.gain)[0] * u


class Known(dl.models.Fixed):
    value: jax.Array


SIZES: Any = {"hidden": 0, "memory": 1, "width": 4, "key": 0}
MOVED_BY = {
    "field": lambda ds, f: dl.models.NeuralODE.from_data(ds, field=f, **SIZES),
    "drift": lambda ds, f: dl.models.NeuralSDE.from_data(ds, field=f, **SIZES),
    "map": lambda ds, f: dl.models.NeuralMap.from_data(ds, map=f, **SIZES),
    "transition": lambda ds, f: dl.models.NonlinearStateSpace.from_data(ds, transition=f, states=1, width=4, key=0),
    "smoothed": lambda ds, f: dl.models.Smoothed.of(dl.models.NeuralODE.from_data(ds, field=f, **SIZES)),
    "ensemble": lambda ds, f: dl.models.Ensemble.of(
        dl.models.NeuralODE.from_data(ds, field=f, **SIZES), 2, key=0
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", MOVED_BY)
def test_what_moves_the_state_is_asked(family, still):
    """A function with nothing to fit knows its controls, one with weights and a network have learned them."""
    ds, _ = still
    far = np.full((5, 1), 100.0)
    for given in (lambda t, x, u, s: u - x, Linear(1.0), Linear(Known(jnp.ones(1)))):
        assert check_controls("controls", MOVED_BY[family](ds, given), far) == ""
    for learned in (Linear(jnp.ones(1)), None):
        with pytest.raises(ArgumentError, match="controls: " + WORDS):
            check_controls("controls", MOVED_BY[family](ds, learned), far)


def test_a_given_diffusion_moves_no_state(still):
    ds, _ = still
    model = dl.models.NeuralSDE.from_data(ds, diffusion=lambda t, x, u, s: 0.1 + 0 * x, **SIZES)
    with pytest.raises(ArgumentError, match="controls: " + WORDS):
        check_controls("controls", model, np.full((5, 1), 100.0))


def test_draws_of_a_transition_need_noise_of_the_dynamics(moving):
    ds, model = moving
    with pytest.raises(
        ArgumentError, match=r"stochastic: expected a model with noise of its dynamics.*got a .* ARX"
    ):
        ModelEnv(model, COST, (-1, 1), initial=ds, stochastic=True)


@pytest.mark.slow
def test_drawn_transitions_have_the_spread_of_the_model(moving):
    """Under u = -0.5 y: y = x + v, x' = 0.9 x + u + w has the variance that its Lyapunov equation gives."""
    ds, arx = moving
    A, q, r = 0.9, 0.2, 0.1
    M = {"A": [[A]], "B": [[1.0]], "C": [[1.0]], "Q": [[q]], "R": [[r]], "P0": [[1.0]]}
    model = dl.models.LinearStateSpace.from_matrices(arx.signature, M, memory=4)
    env = ModelEnv(model, COST, (-50, 50), initial=ds, stochastic=True, horizon=3000)
    y, _ = env.reset(seed=0)
    seen = []
    for _ in range(2500):
        y = env.step(-0.5 * y)[0]
        seen.append(y[0])
    # x' = (A - 0.5) x - 0.5 v + w
    variance = (q + 0.25 * r) / (1 - (A - 0.5) ** 2) + r
    np.testing.assert_allclose(np.std(seen[50:]), np.sqrt(variance), rtol=0.05)
